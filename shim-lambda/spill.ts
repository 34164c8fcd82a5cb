import { HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Block } from '../proto/gen/spillway/v1/federation_pb.ts'
import { spillPieces } from './athena-blocks.ts'
import type { EncryptionKey, SpillLocation } from './athena-messages.ts'
import { blockSealer } from './block-crypto.ts'
import type { SpillSettings } from './config.ts'
import { ConnectorError, type ErrorCode } from './errors.ts'

/** Uploads of one split at a time; each holds one sealed block of up to 16 MB. */
export const uploadsInFlightMax = 4

/** A spilled block is at most 16 MB; S3 that takes longer than this for one is not coming back. */
const requestTimeoutMs = 60_000
const connectionTimeoutMs = 5_000

/** TLS guards the bytes on their way; hashing them too would take a tenth of the function's processor time. */
const unsignedPayload = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }

export interface SpillStore {
  /**
   * Whether the bucket is there and ours, asked once per bucket.
   * @throws {ConnectorError} forbidden when it is missing or not ours, unavailable when S3 says nothing useful
   */
  checkBucket(bucket: string, signal: AbortSignal): Promise<void>
  /** Writes one object. @throws {ConnectorError} naming bucket, key and the permission that is missing */
  put(bucket: string, key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>
}

/** The S3 that Athena reads spilled blocks from. */
export function openSpillStore(settings: SpillSettings, region: string): SpillStore {
  const client = new S3Client({
    region,
    forcePathStyle: settings.pathStyle,
    followRegionRedirects: true,
    // The object must hold what we sent and nothing else; TLS or the signature covers its bytes already.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: { requestTimeout: requestTimeoutMs, connectionTimeout: connectionTimeoutMs },
  })
  const checked = new Set<string>()
  return {
    async checkBucket(bucket, signal) {
      if (checked.has(bucket)) return
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal })
      } catch (cause) {
        signal.throwIfAborted()
        throw bucketError(bucket, cause)
      }
      checked.add(bucket)
    },
    async put(bucket, key, bytes, signal) {
      const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })
      command.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as {
            readonly protocol: string
            readonly headers: Record<string, string>
          }
          if (request.protocol === 'https:') Object.assign(request.headers, unsignedPayload)
          Object.assign(request.headers, settings.putHeaders)
          return next(args)
        },
        { step: 'build', name: 'spill-put-request-headers' },
      )
      try {
        await client.send(command, { abortSignal: signal })
      } catch (cause) {
        signal.throwIfAborted()
        throw putError(bucket, key, cause)
      }
    },
  }
}

export interface SpillWriter {
  /** Takes the next block, waiting while `uploadsInFlightMax` uploads are under way. @throws the stop signal's reason */
  write(block: Block): Promise<void>
  /** Waits for all uploads; where the objects are, in order. @throws the stop signal's reason */
  close(): Promise<readonly SpillLocation[]>
}

export interface SpillTarget {
  /** The split's own location: objects are `<key>.0`, `<key>.1`, … */
  readonly location: SpillLocation
  readonly encryptionKey: EncryptionKey | null
}

/** Spills the blocks of one split. The first upload that fails aborts `stop` with its error, and so all the others. */
export function spillWriter(
  store: SpillStore,
  target: SpillTarget,
  stop: AbortController,
): SpillWriter {
  const seal = blockSealer(target.encryptionKey)
  const { bucket } = target.location
  const uploads = new Set<Promise<void>>()
  const locations: SpillLocation[] = []

  async function upload(key: string, bytes: Uint8Array): Promise<void> {
    try {
      await store.put(bucket, key, bytes, stop.signal)
    } catch (reason) {
      stop.abort(reason)
    }
  }

  return {
    async write(block) {
      while (uploads.size >= uploadsInFlightMax) await Promise.race(uploads)
      stop.signal.throwIfAborted()
      const key = `${target.location.key}.${locations.length}`
      locations.push({ bucket, key, directory: false })
      const under = upload(key, seal(spillPieces(block)))
      uploads.add(under)
      void under.then(() => uploads.delete(under))
    },
    async close() {
      await Promise.all(uploads)
      stop.signal.throwIfAborted()
      return locations
    },
  }
}

interface S3Failure {
  readonly name: string
  readonly message: string
  readonly statusCode: number
}

function failureOf(cause: unknown): S3Failure {
  const error = cause instanceof Error ? cause : new Error(String(cause))
  const metadata = (error as { $metadata?: { httpStatusCode?: number } }).$metadata
  return { name: error.name, message: error.message, statusCode: metadata?.httpStatusCode ?? 0 }
}

function bucketError(bucket: string, cause: unknown): ConnectorError {
  const { name, statusCode } = failureOf(cause)
  if (statusCode === 404 || statusCode === 403)
    return new ConnectorError(
      'forbidden',
      `spill_bucket "${bucket}" ${statusCode === 404 ? 'does not exist' : 'is not open to the function'}: set spill_bucket to a bucket of this account and allow s3:ListBucket on arn:aws:s3:::${bucket}`,
      { cause },
    )
  return new ConnectorError(
    'unavailable',
    `spill_bucket "${bucket}" could not be checked: ${name}`,
    { cause },
  )
}

function putError(bucket: string, key: string, cause: unknown): ConnectorError {
  const failure = failureOf(cause)
  const [code, reason] = verdictOf(bucket, key, failure)
  return new ConnectorError(code, `s3://${bucket}/${key} could not be written: ${reason}`, {
    cause,
  })
}

function verdictOf(
  bucket: string,
  key: string,
  { name, message, statusCode }: S3Failure,
): readonly [ErrorCode, string] {
  if (name === 'NoSuchBucket') return ['invalid_request', 'there is no such spill_bucket']
  if (/kms/i.test(name) || (statusCode === 403 && /kms:/i.test(message)))
    return [
      'forbidden',
      `the bucket's KMS key refused (${name}): allow kms:GenerateDataKey on the key that encrypts ${bucket}`,
    ]
  if (name === 'AccessDenied' || name === 'AllAccessDisabled')
    return ['forbidden', `allow s3:PutObject on arn:aws:s3:::${bucket}/${prefixOf(key)}*`]
  if (statusCode === 401 || statusCode === 403)
    return ['forbidden', `S3 refused the function's credentials (${name})`]
  if (statusCode === 400) return ['invalid_request', `S3 refused the request (${name})`]
  return ['unavailable', `S3 failed (${name})`]
}

/** The part of a spill key that is the same for all queries: without `<query id>/<split id>.<n>`. */
function prefixOf(key: string): string {
  const folders = key.split('/').slice(0, -2)
  return folders.length === 0 ? '' : `${folders.join('/')}/`
}
