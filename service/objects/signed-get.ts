import { createHash } from 'node:crypto'
import { signV4 } from 'minio/dist/esm/signing.mjs'
import type { StoreCredentials } from '../credentials/store-credentials.ts'
import { escaped } from './s3-connection.ts'

export interface SignedGetRequest {
  /** Of the store, `http(s)://host[:port]`. */
  readonly url: URL
  readonly region: string
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

const EMPTY_SHA256 = createHash('sha256').digest('hex')
/** Anything else could end the line and begin a request of its own. */
const printable = /^[\x20-\x7e]*$/

/**
 * The bytes, as latin1, of one GET by path-style URL, signed by minio's signer unless the keys are empty.
 * Undefined: a name or value that cannot be sent as it is.
 */
export function signedGet(
  request: SignedGetRequest,
  credentials: StoreCredentials,
  date: Date,
): string | undefined {
  const path = pathOf(request)
  if (path === undefined) return undefined
  const plain = { host: request.url.host, 'user-agent': 'spillway', ...request.headers }
  const headers = signed({ ...request, path, headers: plain }, credentials, date)
  if (!Object.values(headers).every((value) => printable.test(value))) return undefined
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

function signed(
  {
    url,
    region,
    path,
    headers,
  }: Pick<SignedGetRequest, 'url' | 'region' | 'headers'> & {
    readonly path: string
  },
  { accessKey, secretKey, sessionToken }: StoreCredentials,
  date: Date,
): Readonly<Record<string, string>> {
  const secret = secretKey.reveal()
  if (accessKey === '' || secret === '') return headers
  const dated = {
    ...headers,
    'x-amz-content-sha256': EMPTY_SHA256,
    'x-amz-date': date.toISOString().replace(/[-:]|\.\d+/g, ''),
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken.reveal() }),
  }
  const form = { protocol: url.protocol, method: 'GET', path, headers: dated }
  return { ...dated, authorization: signV4(form, accessKey, secret, region, date, EMPTY_SHA256) }
}

function pathOf({ bucket, key, versionId }: SignedGetRequest): string | undefined {
  // Half a pair of surrogates has no UTF-8.
  if (/\p{Surrogate}/u.test(key)) return undefined
  const path = `/${bucket}/${escaped(key).replaceAll('%2F', '/')}`
  return versionId === undefined ? path : `${path}?versionId=${escaped(versionId)}`
}
