import type { StoreCredentials } from '../credentials/store-credentials.ts'
import type { GetSigner } from './get-signer.ts'
import { escaped } from './s3-connection.ts'

export interface SignedGetRequest {
  /** `host[:port]` of the store. */
  readonly host: string
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
  /** Names in lower case, in their order, behind `host`. */
  readonly headers: Readonly<Record<string, string>>
}

/** Anything else could end the line and begin a request of its own. */
const printable = /^[\x20-\x7e]*$/

/**
 * The bytes, as latin1, of one GET by path-style URL, signed unless the keys are empty. Undefined: a name or value
 * that cannot be sent as it is.
 */
export function signedGet(
  request: SignedGetRequest,
  { sign, credentials, date }: SignedBy,
): string | undefined {
  const path = pathOf(request)
  if (path === undefined) return undefined
  const { versionId } = request
  const query = versionId === undefined ? '' : `versionId=${escaped(versionId)}`
  const { accessKey, secretKey } = credentials
  const plain = [['host', request.host] as const, ...Object.entries(request.headers)]
  const isOpen = accessKey === '' || secretKey.reveal() === ''
  const added = isOpen ? [] : sign({ path, query, headers: plain }, credentials, date)
  let lines = 'user-agent: spillway\r\n'
  for (const [name, value] of [...plain, ...added]) {
    if (!printable.test(value)) return undefined
    lines += `${name}: ${value}\r\n`
  }
  return `GET ${path}${query === '' ? '' : '?'}${query} HTTP/1.1\r\n${lines}\r\n`
}

export interface SignedBy {
  readonly sign: GetSigner
  readonly credentials: StoreCredentials
  readonly date: Date
}

function pathOf({ bucket, key }: SignedGetRequest): string | undefined {
  // Half a pair of surrogates has no UTF-8.
  if (/\p{Surrogate}/u.test(key)) return undefined
  return `/${bucket}/${escaped(key).replaceAll('%2F', '/')}`
}
