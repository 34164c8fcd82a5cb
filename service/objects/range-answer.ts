import { GatewayError } from '../errors.ts'
import { rangeLength } from './byte-range.ts'
import type { ReadRequest } from './object-store.ts'
import type { S3Errand } from './s3-refusals.ts'
import { objectChanged } from './store-refusal.ts'

/** What the head of an answer says about its bytes. */
export interface RangeAnswer {
  readonly status: number
  /** Without quotes. */
  readonly etag?: string | undefined
  /** The value of `Content-Range`. */
  readonly contentRange?: string | undefined
}

/** The fields that ask for these bytes of this version, in the order of their names. */
export function rangeHeaders({ object, range }: ReadRequest): Readonly<Record<string, string>> {
  return { 'if-match': `"${object.etag}"`, range: `bytes=${range.start}-${range.end - 1}` }
}

/** What is asked of the store, for the errors when it says no. */
export function rangeErrand(origin: string, { object }: ReadRequest): S3Errand {
  const right = object.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  return { origin, right, bucket: object.bucket, object }
}

/**
 * The answer is of this version and of this range, or nothing of it is read.
 *
 * @throws {GatewayError} `object_changed` it is of another version; `unavailable` it is no answer to this.
 */
export function checkRangeAnswer(answer: RangeAnswer, request: ReadRequest): void {
  const { object, range } = request
  const { status, etag, contentRange } = answer
  if (etag === undefined) throw wrongAnswer(request, 'no ETag')
  if (etag !== object.etag) throw objectChanged(object, `now there is version ${etag}`)
  const whole = range.start === 0 && range.end === object.sizeBytes
  if (status === 200 && whole && contentRange === undefined) return
  const wanted = `bytes ${range.start}-${range.end - 1}/`
  if (status !== 206 || contentRange === undefined || !contentRange.startsWith(wanted))
    throw wrongAnswer(request, `status ${status} and range ${contentRange ?? 'none'}`)
  const size = contentRange.slice(wanted.length)
  if (size !== '*' && Number(size) !== object.sizeBytes)
    throw objectChanged(object, `now it has ${size} bytes instead of ${object.sizeBytes}`)
}

/** Tells who wants to know which version the answer is of, if it says so. */
export function tellVersion(versionId: unknown, { onVersion }: ReadRequest): void {
  // Where versions are suspended all writes are called `null`, which pins nothing.
  if (typeof versionId === 'string' && versionId !== '' && versionId !== 'null')
    onVersion?.(versionId)
}

/** @throws {GatewayError} `unavailable` the body has not the length of the range. */
export function checkRangeLength(bodyBytes: number, request: ReadRequest): void {
  const length = rangeLength(request.range)
  if (bodyBytes !== length) throw wrongAnswer(request, `${bodyBytes} bytes instead of ${length}`)
}

/** Where the bytes of the range go: the caller's memory or new. */
export function rangeMemory({ range, into }: ReadRequest): Uint8Array {
  const length = rangeLength(range)
  return into?.subarray(0, length) ?? new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

function wrongAnswer({ object, range }: ReadRequest, got: string): GatewayError {
  const asked = `${object.bucket}/${object.key} bytes ${range.start}-${range.end - 1}`
  return new GatewayError('unavailable', `the store answered ${asked} with ${got}`)
}
