import { ConnectorError } from './errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface GatewaySettings {
  /** `host:port`. */
  readonly address: string
  readonly tls: boolean
  /** PEM file of a private authority; null: the usual ones. */
  readonly caFile: string | null
}

/** Where the bearer token comes from: nowhere, the environment, or Secrets Manager. */
export type TokenSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly token: string }
  | { readonly kind: 'secret'; readonly secretId: string }

export interface SpillSettings {
  /** Null: no bucket, so every result must fit inline. */
  readonly bucket: string | null
  /** Without slashes at its end. */
  readonly prefix: string
  /** Sent with every PutObject; names in lower case. */
  readonly putHeaders: Readonly<Record<string, string>>
  readonly pathStyle: boolean
}

export type EncryptionSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'local' }
  | { readonly kind: 'kms'; readonly keyId: string }

export interface ShimConfig {
  readonly gateway: GatewaySettings
  readonly token: TokenSettings
  readonly spill: SpillSettings
  readonly encryption: EncryptionSettings
  /** Upper bound of a block's Arrow body, beside what Athena asks; null: none. */
  readonly blockBytesMax: number | null
  readonly region: string
}

/** The SDK of the reference connectors spills below this prefix. */
const spillPrefixDefault = 'athena-federation-spill'

/**
 * The function's settings (README.md, Environment of the shim).
 * @throws {ConnectorError} invalid_request, naming every wrong setting at once
 */
export function readConfig(environment: Environment = process.env): ShimConfig {
  const problems: string[] = []
  const report = (problem: string): void => void problems.push(problem)
  const setting = (name: string): string => (environment[name] ?? '').trim()
  const config: ShimConfig = {
    gateway: readGateway(setting('SPILLWAY_GATEWAY'), setting('SPILLWAY_GATEWAY_CA_FILE'), report),
    token: readToken(setting('SPILLWAY_TOKEN'), setting('SPILLWAY_TOKEN_SECRET'), report),
    spill: {
      bucket: readBucket(setting('spill_bucket'), setting('TARGET_BUCKET'), report),
      prefix: withoutTrailingSlashes(setting('spill_prefix')) || spillPrefixDefault,
      putHeaders: readPutHeaders(setting('spill_put_request_headers'), report),
      pathStyle: readFlag(
        'SPILLWAY_SPILL_PATH_STYLE',
        setting('SPILLWAY_SPILL_PATH_STYLE'),
        report,
      ),
    },
    encryption: readEncryption(setting('disable_spill_encryption'), setting('kms_key_id')),
    blockBytesMax: readBlockBytesMax(setting('MAX_BLOCK_SIZE_BYTES'), report),
    region: setting('AWS_REGION') || setting('AWS_DEFAULT_REGION') || 'us-east-1',
  }
  if (problems.length > 0)
    throw new ConnectorError(
      'invalid_request',
      `the environment of the function is wrong: ${problems.join('; ')}`,
    )
  return config
}

/** `a/b//` is `a/b`. */
export function withoutTrailingSlashes(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}

type Report = (problem: string) => void

function readGateway(address: string, caFile: string, report: Report): GatewaySettings {
  const tls = address.startsWith('https://')
  const authority = withoutTrailingSlashes(tls ? address.slice('https://'.length) : address)
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?$/.exec(authority)
  const port = match?.[2] ?? (tls ? '443' : undefined)
  if (address === '') report('SPILLWAY_GATEWAY is not set, expected host:8815 or https://host:443')
  else if (match === null || port === undefined || Number(port) < 1 || Number(port) > 65_535)
    report(`SPILLWAY_GATEWAY is "${address}", expected host:8815 or https://host:443`)
  if (caFile !== '' && !tls)
    report('SPILLWAY_GATEWAY_CA_FILE is set, but SPILLWAY_GATEWAY does not begin with https://')
  return {
    address: `${match?.[1] ?? ''}:${port ?? ''}`,
    tls,
    caFile: caFile === '' ? null : caFile,
  }
}

function readToken(token: string, secretId: string, report: Report): TokenSettings {
  if (token !== '' && secretId !== '')
    report('SPILLWAY_TOKEN and SPILLWAY_TOKEN_SECRET are both set, expected one of them')
  if (/[^\x21-\x7e]/.test(token)) report('SPILLWAY_TOKEN holds characters no header can carry')
  if (secretId !== '') return { kind: 'secret', secretId }
  return token === '' ? { kind: 'none' } : { kind: 'text', token }
}

function readBucket(bucket: string, targetBucket: string, report: Report): string | null {
  const name = bucket === '' ? 'TARGET_BUCKET' : 'spill_bucket'
  const value = bucket === '' ? targetBucket : bucket
  if (value === '') return null
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(value))
    report(`${name} is "${value}", expected the name of a bucket, without s3:// and slashes`)
  return value
}

function readPutHeaders(text: string, report: Report): Readonly<Record<string, string>> {
  if (text === '') return {}
  const wrong = (): Readonly<Record<string, string>> => {
    report('spill_put_request_headers is wrong, expected a JSON object of header names and texts')
    return {}
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return wrong()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong()
  const headers = Object.entries(value)
  const valid = headers.every(
    ([name, content]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderText(content),
  )
  if (!valid) return wrong()
  return Object.fromEntries(headers.map(([name, content]) => [name.toLowerCase(), content]))
}

function isHeaderText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]*$/.test(value)
}

function readFlag(name: string, text: string, report: Report): boolean {
  const value = text.toLowerCase()
  if (value !== '' && value !== 'true' && value !== 'false')
    report(`${name} is "${text}", expected true or false`)
  return value === 'true'
}

/** As the reference connectors read it: only `true`, in any case, turns encryption off. */
function readEncryption(disabled: string, keyId: string): EncryptionSettings {
  if (disabled.toLowerCase() === 'true') return { kind: 'none' }
  return keyId === '' ? { kind: 'local' } : { kind: 'kms', keyId }
}

function readBlockBytesMax(text: string, report: Report): number | null {
  if (text === '') return null
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0)
    report(`MAX_BLOCK_SIZE_BYTES is "${text}", expected a whole number of bytes above 0`)
  return value
}
