import type { StoreSource } from '../credentials/store-source.ts'
import type { SettingReader } from './setting-reader.ts'

/** Where the store is, and every source of credentials that the settings name. */
export function storeSource(read: SettingReader): StoreSource {
  const url = read.text('SPILLWAY_STORE_URL', '')
  const secretName = read.text('AWS_SECRET', '') || undefined
  const region = read.text('SPILLWAY_STORE_REGION', 'us-east-1')
  const caFile = read.text('SPILLWAY_STORE_CA_FILE', '') || undefined
  const accessKey = read.text('SPILLWAY_STORE_ACCESS_KEY', '')
  const secretKey = read.secret('SPILLWAY_STORE_SECRET_KEY')
  const sessionToken = read.secret('SPILLWAY_STORE_SESSION_TOKEN')
  const scheme = read.oneOf('SCHEME', ['http', 'https'], 'https')
  if (url.startsWith('file:'))
    return { kind: 'file', url: read.url('SPILLWAY_STORE_URL', ['file:']) }
  if (url === '' && secretName === undefined) {
    read.problem(
      'SPILLWAY_STORE_URL',
      url,
      'http(s)://host[:port] or file:///folder, or AWS_SECRET with a server',
    )
  }
  if ((accessKey === '') !== (secretKey === undefined)) {
    read.problem(
      'SPILLWAY_STORE_ACCESS_KEY',
      accessKey,
      'set together with SPILLWAY_STORE_SECRET_KEY',
    )
  }
  if (accessKey === '' && secretName === undefined) {
    read.problem(
      'SPILLWAY_STORE_ACCESS_KEY',
      accessKey,
      'an access key with SPILLWAY_STORE_SECRET_KEY, or AWS_SECRET',
    )
  }
  const connection = { kind: 's3', region, caFile, scheme } as const
  const where = url === '' ? {} : { url: read.url('SPILLWAY_STORE_URL', ['http:', 'https:']) }
  if (accessKey !== '' && secretKey) {
    return {
      ...connection,
      ...where,
      static: { accessKey, secretKey, ...(sessionToken && { sessionToken }) },
    }
  }
  return { ...connection, ...where, ...(secretName !== undefined && { secretName }) }
}
