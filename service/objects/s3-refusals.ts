import type { Refusal } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { noSuchBucket } from './bucket-name.ts'
import type { ObjectVersion } from './object-store.ts'
import { errorCode } from './system-error.ts'
import { StoreRefusal, objectChanged } from './store-refusal.ts'

/** What was asked when the store said no. */
export interface S3Errand {
  /** `http(s)://host[:port]` of the store. */
  readonly origin: string
  /** The right it takes, e.g. `s3:GetObject`. */
  readonly right: string
  readonly bucket?: string
  readonly prefix?: string
  readonly object?: ObjectVersion
}

/** These say that the credentials are no good any more; MinIO says the first of an expired session. */
const credentialCodes = new Set([
  'InvalidAccessKeyId',
  'InvalidTokenId',
  'InvalidToken',
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'SignatureDoesNotMatch',
])

const goneCodes = new Set(['NoSuchKey', 'NoSuchVersion'])

/** What is not good about the credentials, when others could be let in. */
export function refusalOfCredentials(error: unknown): Refusal | undefined {
  const refusal = error instanceof GatewayError ? error.cause : undefined
  if (!(refusal instanceof StoreRefusal) || refusal.code === 'RequestTimeTooSkewed')
    return undefined
  if (credentialCodes.has(refusal.code)) return 'keys'
  return refusal.status === 403 ? 'rights' : undefined
}

/** The error for an answer of the status 300 and above; `etag` is what its headers name, if anything. */
export function refusedBy(refusal: StoreRefusal, errand: S3Errand, etag?: string): GatewayError {
  const { status, code } = refusal
  const { object, bucket } = errand
  if (code === 'NoSuchBucket' && bucket !== undefined) return noSuchBucket(bucket, refusal)
  if (object !== undefined) {
    if (goneCodes.has(code)) return objectChanged(object, 'it is gone', refusal)
    // 416 although the range lies inside the planned object: what is there now is shorter.
    if (status === 412 || status === 416) {
      const known = etag !== undefined && etag !== '' && etag !== object.etag
      return objectChanged(
        object,
        known ? `now there is version ${etag}` : 'it was replaced',
        refusal,
      )
    }
  }
  const cause = isPassing(status) ? new Error(refusal.message, { cause: refusal }) : refusal
  return new GatewayError('unavailable', advice(refusal, errand), { cause })
}

/** The error for a request that got no whole answer. */
export function unreachable(origin: string, error: unknown): GatewayError {
  const code = errorCode(error)
  const because = (what: string): GatewayError =>
    new GatewayError('unavailable', `the store ${origin} ${what}`, { cause: error })
  if (code === 'ECONNREFUSED') return because('refuses connections; check that it runs there')
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return because('has a host name nobody knows')
  if (code === 'ETIMEDOUT') return because(`did not answer in time (${messageOf(error)})`)
  if (code.startsWith('HPE_')) return because('does not answer in http; is it https?')
  if (code === 'EPROTO') return because('does not speak TLS; is it http?')
  if (/CERT|SIGNATURE/.test(code))
    return because(`has a certificate that is not trusted (${code}); name its CA file`)
  if (/^ERR_INVALID|^ERR_UNESCAPED/.test(code)) return because('cannot be asked for such a name')
  return because(`broke the connection (${code === '' ? 'no reason given' : code})`)
}

function advice(refusal: StoreRefusal, errand: S3Errand): string {
  const { status, code } = refusal
  const { origin, right } = errand
  const said = `${status}${code === '' ? '' : ` ${code}`}`
  const target = nameOf(errand)
  if (code === 'RequestTimeTooSkewed')
    return `the clock of the store ${origin} and ours are too far apart (${said}); set the clocks`
  if (credentialCodes.has(code))
    return `the store refused the gateway's credentials for ${right} on ${target} (${said}); check the keys and whether they have ended`
  if (status === 401 || status === 403)
    return `the store refused ${right} on ${target} (${said}); grant it to the gateway's credentials`
  if (status === 400 && code === '')
    return `the store ${origin} answered 400 without a reason; is it https?`
  if (isPassing(status)) return `the store ${origin} is overloaded or down (${said}) for ${target}`
  if (code === '')
    return `${origin} answered ${said} without an S3 error code for ${target}; is it an S3 store?`
  return `the store ${origin} answered ${said} to ${right} on ${target}`
}

/** Statuses that may be gone in a moment. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408
}

function nameOf({ bucket, prefix, object }: S3Errand): string {
  if (object !== undefined) return `${object.bucket}/${object.key}`
  return bucket === undefined ? 'all buckets' : `${bucket}/${prefix ?? ''}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
