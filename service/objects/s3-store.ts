import type { IncomingMessage } from 'node:http'
import type { StoreCredentials, StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { checkBucketName } from './bucket-name.ts'
import type { ListRequest, ObjectStore, ReadRequest } from './object-store.ts'
import {
  checkRangeAnswer,
  checkRangeLength,
  rangeErrand,
  rangeHeaders,
  rangeMemory,
  tellVersion,
} from './range-answer.ts'
import { parseBuckets, parseListing, parseRefusal } from './s3-answers.ts'
import { s3Connection } from './s3-connection.ts'
import type { S3Answer, S3ConnectionOptions, S3Request } from './s3-connection.ts'
import { refusedBy } from './s3-refusals.ts'
import type { S3Errand } from './s3-refusals.ts'
import { signedAttempts } from './signed-attempts.ts'
import { tallyListing } from './store-tally.ts'

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

  const ask = <T>(
    request: S3Request,
    { by = credentials, ...errand }: S3Errand & { readonly by?: StoreCredentialsSource },
    consume: (answer: S3Answer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    const orRefuse = async (answer: S3Answer): Promise<T> => {
      if (answer.status < 300) return consume(answer)
      const text = await readText(answer.body, ERROR_BYTES_MAX)
      throw refusedBy(parseRefusal(answer.status, text), errand, etagOf(answer))
    }
    const send = (granted: StoreCredentials): Promise<T> =>
      connection.send(request, granted, orRefuse, signal)
    return signedAttempts(by, send, signal)
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
      checkBucketName(request.object.bucket)
      const { credentials: by } = request
      const errand = { ...rangeErrand(id, request), ...(by && { by }) }
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

function readForm(request: ReadRequest): S3Request {
  const { bucket, key, versionId } = request.object
  return {
    bucket,
    key,
    headers: rangeHeaders(request),
    ...(versionId === undefined ? {} : { query: { versionId } }),
  }
}

async function readRange(answer: S3Answer, request: ReadRequest): Promise<Uint8Array> {
  const contentRange = answer.body.headers['content-range']
  checkRangeAnswer({ status: answer.status, etag: etagOf(answer), contentRange }, request)
  tellVersion(answer.body.headers['x-amz-version-id'], request)
  const target = rangeMemory(request)
  checkRangeLength(await fill(answer.body, target), request)
  return target
}

function etagOf({ body }: S3Answer): string | undefined {
  return body.headers.etag?.replaceAll('"', '')
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

async function readListing({ body }: S3Answer): Promise<string> {
  const text = await readText(body, LISTING_BYTES_MAX)
  tallyListing(Buffer.byteLength(text))
  return text
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
