import type { IncomingMessage } from 'node:http'
import { sameCredentials } from '../credentials/store-credentials.ts'
import type { StoreCredentials, StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { checkBucketName } from './bucket-name.ts'
import { rangeLength } from './byte-range.ts'
import type { ListRequest, ObjectStore, ReadRequest } from './object-store.ts'
import { parseBuckets, parseListing, parseRefusal } from './s3-answers.ts'
import { s3Connection } from './s3-connection.ts'
import type { S3Answer, S3ConnectionOptions, S3Request } from './s3-connection.ts'
import { refusedBy, refusesCredentials } from './s3-refusals.ts'
import type { S3Errand } from './s3-refusals.ts'
import { objectChanged } from './store-refusal.ts'

export interface S3StoreOptions extends S3ConnectionOptions {
  /** Entries of one page of listing; S3 gives 1,000 at most, which is the default. */
  readonly pageEntriesMax?: number
  /** Our clock, for a store that does not tell its own. */
  readonly nowMs?: () => number
}

/** A page of 1,000 keys of 1,024 bytes, each byte written as `%XX`, and 500 bytes around each key. */
const LISTING_BYTES_MAX = 4 << 20
const ERROR_BYTES_MAX = 64 << 10

/**
 * An S3 store (MinIO and the like), asked by path-style URLs. Every read names one version and is checked: status,
 * ETag, range and length of the answer, for some servers ignore `If-Match` and `Range`.
 *
 * @throws {GatewayError} `invalid_request` the URL is not one of a store.
 */
export function s3Store(options: S3StoreOptions, credentials: StoreCredentialsSource): ObjectStore {
  const { pageEntriesMax = 1_000, nowMs = Date.now } = options
  const connection = s3Connection(options)
  const id = connection.origin

  /** Sends with the credentials of now; when they are refused, once more with newer ones if there are any. */
  const ask = async <T>(
    request: S3Request,
    errand: S3Errand,
    consume: (answer: S3Answer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    const send = (granted: StoreCredentials): Promise<T> =>
      connection.send(
        request,
        granted,
        async (answer) => {
          if (answer.status < 300) return consume(answer)
          const text = await readText(answer.body, ERROR_BYTES_MAX)
          throw refusedBy(parseRefusal(answer.status, text), errand, etagOf(answer))
        },
        signal,
      )
    const first = await credentials.get(signal)
    try {
      return await send(first)
    } catch (error) {
      if (!refusesCredentials(error)) throw error
      credentials.expire()
      const second = await credentials.get(signal)
      if (sameCredentials(first, second)) throw error
      return send(second)
    }
  }

  return {
    id,
    async listBuckets(signal) {
      const errand = { origin: id, right: 's3:ListAllMyBuckets' }
      const text = await ask({}, errand, readListing, signal)
      return parseBuckets(text)
    },
    async list(request, signal) {
      checkBucketName(request.bucket)
      const { bucket, prefix } = request
      const errand = { origin: id, right: 's3:ListBucket', bucket, prefix }
      const query = listQuery(request, pageEntriesMax)
      return ask(
        { bucket, query },
        errand,
        async (answer) => {
          const toldMs = Date.parse(answer.body.headers.date ?? '')
          const answeredMs = Number.isNaN(toldMs) ? nowMs() : toldMs
          return parseListing(await readListing(answer), request, answeredMs)
        },
        signal,
      )
    },
    async read(request, signal) {
      const { object } = request
      checkBucketName(object.bucket)
      const right = object.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
      const errand = { origin: id, right, bucket: object.bucket, object }
      return ask(readForm(request), errand, (answer) => readRange(answer, request), signal)
    },
    close: () => connection.close(),
  }
}

function listQuery(request: ListRequest, entriesMax: number): Record<string, string> {
  const { prefix, shallow, startAfter, continuation } = request
  return {
    'list-type': '2',
    'encoding-type': 'url',
    'max-keys': String(entriesMax),
    prefix,
    ...(shallow ? { delimiter: '/' } : {}),
    ...(startAfter === undefined ? {} : { 'start-after': startAfter }),
    ...(continuation === undefined ? {} : { 'continuation-token': continuation }),
  }
}

function readForm({ object, range }: ReadRequest): S3Request {
  const { bucket, key, etag, versionId } = object
  return {
    bucket,
    key,
    headers: { range: `bytes=${range.start}-${range.end - 1}`, 'if-match': `"${etag}"` },
    ...(versionId === undefined ? {} : { query: { versionId } }),
  }
}

async function readRange(answer: S3Answer, request: ReadRequest): Promise<Uint8Array> {
  checkAnswer(answer, request)
  const length = rangeLength(request.range)
  const target =
    request.into?.subarray(0, length) ?? new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  const filled = await fill(answer.body, target)
  if (filled !== length) throw wrongAnswer(request, `${filled} bytes instead of ${length}`)
  return target
}

/** The answer is of this version and of this range, or nothing of it is read. */
function checkAnswer({ status, body }: S3Answer, request: ReadRequest): void {
  const { object, range } = request
  const etag = etagOf({ status, body })
  if (etag === undefined) throw wrongAnswer(request, 'no ETag')
  if (etag !== object.etag) throw objectChanged(object, `now there is version ${etag}`)
  const told = body.headers['content-range']
  const whole = range.start === 0 && range.end === object.sizeBytes
  if (status === 200 && whole && told === undefined) return
  const wanted = `bytes ${range.start}-${range.end - 1}/`
  if (status !== 206 || told === undefined || !told.startsWith(wanted))
    throw wrongAnswer(request, `status ${status} and range ${told ?? 'none'}`)
  const size = told.slice(wanted.length)
  if (size !== '*' && Number(size) !== object.sizeBytes)
    throw objectChanged(object, `now it has ${size} bytes instead of ${object.sizeBytes}`)
}

function etagOf({ body }: S3Answer): string | undefined {
  return body.headers.etag?.replaceAll('"', '')
}

function wrongAnswer({ object, range }: ReadRequest, got: string): GatewayError {
  const asked = `${object.bucket}/${object.key} bytes ${range.start}-${range.end - 1}`
  return new GatewayError('unavailable', `the store answered ${asked} with ${got}`)
}

/**
 * Copies the body into memory as it comes and gives its length, which may be less or more than the target's.
 * By events: an async iterator takes a fifth more of the processor, and this is where all bytes pass.
 */
function fill(body: IncomingMessage, target: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    let at = 0
    body.on('data', (chunk: Uint8Array) => {
      const fits = chunk.length <= target.length - at
      if (fits) target.set(chunk, at)
      at += chunk.length
      if (!fits) resolve(at)
    })
    body
      .once('error', reject)
      .once('end', () => resolve(at))
      .once('close', () => resolve(at))
  })
}

function readListing({ body }: S3Answer): Promise<string> {
  return readText(body, LISTING_BYTES_MAX)
}

/** The body as text, cut at the limit. */
async function readText(body: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= bytesMax) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
