import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { StoreRefusal } from '../objects/store-refusal.ts'

/** What was signed: the path and the query exactly as they came, never decoded and encoded again. */
export interface SignedRequest {
  readonly method: string
  readonly rawPath: string
  /** Without `?`. */
  readonly rawQuery: string
  readonly headers: IncomingHttpHeaders
}

export interface SignatureKeys {
  readonly accessKey: string
  readonly secretKey: string
}

interface Claim {
  /** `access key/day/region/service/aws4_request`. */
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
  /** `20260102T030405Z`. */
  readonly date: string
  readonly validMs: number
  readonly payloadHash: string
  /** The query without the signature itself. */
  readonly query: string
}

/** AWS and MinIO allow as much between the clocks. */
const SKEW_MS_MAX = 15 * 60_000
const algorithm = 'AWS4-HMAC-SHA256'

/**
 * Checks Signature Version 4, in the header or presigned in the query.
 *
 * @throws {StoreRefusal} 403 with S3's own code.
 */
export function checkSignature(request: SignedRequest, keys: SignatureKeys, nowMs: number): void {
  const claim = request.rawQuery.includes('X-Amz-Signature=')
    ? presignedClaim(request)
    : headerClaim(request)
  const [accessKey = '', day = '', region = '', service = '', end = ''] =
    claim.credential.split('/')
  if (service !== 's3' || end !== 'aws4_request' || !claim.date.startsWith(day))
    throw refused('AuthorizationHeaderMalformed', 'the credential scope is not one of S3')
  if (!claim.signedHeaders.split(';').includes('host'))
    throw refused('AccessDenied', 'the host must be signed')
  const signedMs = dateMs(claim.date)
  if (nowMs < signedMs - SKEW_MS_MAX || nowMs > signedMs + claim.validMs)
    throw refused('RequestTimeTooSkewed', 'the time of the request and ours are too far apart')
  if (accessKey !== keys.accessKey)
    throw refused('InvalidAccessKeyId', 'the access key is not known here')

  const scope = [day, region, service, end]
  const toSign = [algorithm, claim.date, scope.join('/'), sha256(canonical(request, claim))]
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${keys.secretKey}`)
  const wanted = hmac(key, toSign.join('\n'))
  const given = Buffer.from(claim.signature, 'hex')
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw refused('SignatureDoesNotMatch', 'the signature does not match')
}

function headerClaim({ headers, rawQuery }: SignedRequest): Claim {
  const authorization = headers.authorization
  if (authorization === undefined) throw refused('AccessDenied', 'the request is not signed')
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  const [, credential = '', signedHeaders = '', signature = ''] = match ?? []
  return {
    credential,
    signedHeaders,
    signature,
    date: single(headers['x-amz-date']),
    validMs: SKEW_MS_MAX,
    payloadHash: single(headers['x-amz-content-sha256']),
    query: rawQuery,
  }
}

function presignedClaim({ rawQuery }: SignedRequest): Claim {
  const query = new URLSearchParams(rawQuery)
  const parameter = (name: string): string => query.get(`X-Amz-${name}`) ?? ''
  const unsigned = rawQuery.split('&').filter((pair) => !pair.startsWith('X-Amz-Signature='))
  return {
    credential: parameter('Credential'),
    signedHeaders: parameter('SignedHeaders'),
    signature: parameter('Signature'),
    date: parameter('Date'),
    validMs: Number(parameter('Expires')) * 1000,
    payloadHash: 'UNSIGNED-PAYLOAD',
    query: unsigned.join('&'),
  }
}

function canonical({ method, rawPath, headers }: SignedRequest, claim: Claim): string {
  const pairs = claim.query.split('&').map((pair) => (pair.includes('=') ? pair : `${pair}=`))
  const lines = claim.signedHeaders
    .split(';')
    .map((name) => `${name}:${single(headers[name]).trim().replace(/ +/g, ' ')}`)
  return [
    method,
    rawPath,
    claim.query === '' ? '' : pairs.toSorted().join('&'),
    ...lines,
    '',
    claim.signedHeaders,
    claim.payloadHash,
  ].join('\n')
}

function dateMs(date: string): number {
  const iso = date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const ms = Date.parse(iso)
  if (Number.isNaN(ms)) throw refused('AccessDenied', 'the request has no date')
  return ms
}

function single(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function refused(code: string, message: string): StoreRefusal {
  return new StoreRefusal(403, code, message)
}
