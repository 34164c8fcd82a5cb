import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { pageOfKeys } from '../objects/page-of-keys.ts'
import { StoreRefusal } from '../objects/store-refusal.ts'
import { uploadedBytes } from './embedded-store-body.ts'
import type { EmbeddedBuckets, EmbeddedObject } from './embedded-store-objects.ts'
import { bucketsXml, entryOf, listingXml, locationXml } from './embedded-store-xml.ts'

/** Misbehaviour that real stores and networks show, to be switched while the store runs. */
export interface EmbeddedStoreFaults {
  /** Answers 206 with whatever is there now, as some servers do. */
  ignoreIfMatch?: boolean
  /** Answers 200 with the whole object. */
  ignoreRange?: boolean
  /** Lists keys as they are, as some servers do. */
  noEncodingType?: boolean
  /** So many of the next requests get 503 `SlowDown`. */
  slowDowns?: number
  /** Every n-th request gets 503 `SlowDown`; 0: none. */
  slowDownEvery?: number
  /** The connection is closed after so many bytes of a body. */
  cutBodyBytes?: number
  /** The answer waits. */
  delayMs?: number
}

/** A request whose signature was good. */
export interface EmbeddedRequest {
  readonly message: IncomingMessage
  readonly method: string
  /** Empty: the store itself. */
  readonly bucket: string
  /** Empty: the bucket itself. */
  readonly key: string
  readonly query: ReadonlyMap<string, string>
}

export interface EmbeddedScene {
  readonly buckets: EmbeddedBuckets
  readonly faults: EmbeddedStoreFaults
  readonly objectBytesMax: number
  readonly nowMs: () => number
}

const PAGE_ENTRIES_MAX = 1_000
const KEY_BYTES_MAX = 1_024

/**
 * Does what the request says.
 *
 * @throws {StoreRefusal} what the client must be told.
 */
export async function answerRequest(
  request: EmbeddedRequest,
  answer: ServerResponse,
  scene: EmbeddedScene,
): Promise<void> {
  refuseUnknown(request)
  if (request.bucket === '') return listBuckets(request, answer, scene)
  if (request.key === '') return answerBucket(request, answer, scene)
  if (Buffer.byteLength(request.key) > KEY_BYTES_MAX)
    throw new StoreRefusal(400, 'KeyTooLongError', 'the key is too long')
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return getObject(request, answer, scene)
    case 'PUT':
      return putObject(request, answer, scene)
    case 'DELETE':
      scene.buckets.get(request.bucket).delete(request.key)
      answer.writeHead(204).end()
      return
    default:
      throw notImplemented(request.method)
  }
}

/** Sub-resources (`?uploads`, `?acl` …) would be taken for plain requests. */
function refuseUnknown({ query }: EmbeddedRequest): void {
  for (const name of query.keys())
    if (!/^(x-id|X-Amz-.*|x-amz-.*)$/.test(name) && !listParameters.has(name))
      throw notImplemented(`?${name}`)
}

const listParameters = new Set([
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'continuation-token',
  'start-after',
  'encoding-type',
  'fetch-owner',
  'location',
])

function listBuckets(request: EmbeddedRequest, answer: ServerResponse, scene: EmbeddedScene): void {
  if (request.method !== 'GET') throw notImplemented(request.method)
  sendXml(answer, bucketsXml(scene.buckets.names()))
}

function answerBucket(
  request: EmbeddedRequest,
  answer: ServerResponse,
  { buckets, faults }: EmbeddedScene,
): void {
  const { method, bucket: name, query } = request
  if (method === 'PUT') {
    buckets.create(name)
    answer.writeHead(200, { location: `/${name}` }).end()
    return
  }
  const bucket = buckets.get(name)
  if (method === 'HEAD') {
    answer.writeHead(200).end()
    return
  }
  if (method !== 'GET') throw notImplemented(method)
  if (query.has('location')) return sendXml(answer, locationXml())
  if (query.get('list-type') !== '2') throw notImplemented('ListObjects version 1')
  const delimiter = query.get('delimiter') ?? ''
  if (delimiter !== '' && delimiter !== '/') throw notImplemented('a delimiter other than /')
  const prefix = query.get('prefix') ?? ''
  const token = query.get('continuation-token')
  const after = token === undefined ? query.get('start-after') : entryOf(token)
  const asked = Number(query.get('max-keys') ?? PAGE_ENTRIES_MAX)
  const entriesMax = Math.max(1, Math.min(asked, PAGE_ENTRIES_MAX))
  const place = { prefix, shallow: delimiter === '/', entriesMax }
  const page = pageOfKeys(bucket.sortedKeys, after === undefined ? place : { ...place, after })
  const encoded = query.get('encoding-type') === 'url' && faults.noEncodingType !== true
  sendXml(answer, listingXml({ name, prefix, delimiter, entriesMax, page, encoded }, bucket))
}

async function getObject(
  request: EmbeddedRequest,
  answer: ServerResponse,
  { buckets, faults }: EmbeddedScene,
): Promise<void> {
  const object = buckets.get(request.bucket).get(request.key)
  if (object === undefined) throw new StoreRefusal(404, 'NoSuchKey', 'the key does not exist')
  const { headers } = request.message
  const ifMatch = headers['if-match']
  answer.setHeader('etag', `"${object.etag}"`)
  answer.setHeader('last-modified', new Date(object.modifiedMs).toUTCString())
  if (ifMatch !== undefined && faults.ignoreIfMatch !== true && !names(ifMatch, object))
    throw new StoreRefusal(412, 'PreconditionFailed', 'the ETag is another one')
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined && names(ifNoneMatch, object)) {
    answer.writeHead(304).end()
    return
  }
  const range = faults.ignoreRange === true ? undefined : rangeOf(headers.range, object.sizeBytes)
  const { start, end } = range ?? { start: 0, end: object.sizeBytes }
  answer.writeHead(range === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    ...(range === undefined
      ? {}
      : { 'content-range': `bytes ${start}-${end - 1}/${object.sizeBytes}` }),
  })
  if (request.method === 'HEAD') answer.end()
  else await sendBytes(object, { start, end }, answer, faults.cutBodyBytes)
}

async function putObject(
  request: EmbeddedRequest,
  answer: ServerResponse,
  { buckets, objectBytesMax, nowMs }: EmbeddedScene,
): Promise<void> {
  const { message, key } = request
  const bucket = buckets.get(request.bucket)
  if (message.headers['x-amz-copy-source'] !== undefined) throw notImplemented('copying')
  const bytes = await uploadedBytes(message, objectBytesMax)
  const ifNoneMatch = message.headers['if-none-match']
  if (ifNoneMatch === '*' && bucket.get(key) !== undefined)
    throw new StoreRefusal(412, 'PreconditionFailed', 'there is such an object')
  const { etag } = await bucket.put(key, bytes, nowMs())
  answer.writeHead(200, { etag: `"${etag}"` }).end()
}

async function sendBytes(
  object: EmbeddedObject,
  range: { readonly start: number; readonly end: number },
  answer: ServerResponse,
  cutBytes: number | undefined,
): Promise<void> {
  const { start, end } = range
  if (cutBytes === undefined || cutBytes >= end - start)
    return pipeline(object.stream(start, end), answer)
  for await (const chunk of object.stream(start, start + cutBytes)) answer.write(chunk)
  await new Promise<void>((resolve) => answer.write('', () => resolve()))
  answer.destroy()
}

function names(header: string, object: EmbeddedObject): boolean {
  return header === '*' || header.replaceAll('"', '') === object.etag
}

/** Half-open; undefined: no range, or several, which S3 answers with the whole object. */
function rangeOf(
  header: string | undefined,
  sizeBytes: number,
): { readonly start: number; readonly end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '' && sizeBytes === 0) return undefined
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1)
  if (start >= end)
    throw new StoreRefusal(416, 'InvalidRange', 'the range does not lie in the object')
  return { start, end }
}

function sendXml(answer: ServerResponse, xml: string): void {
  answer.writeHead(200, { 'content-type': 'application/xml' }).end(xml)
}

function notImplemented(what: string): StoreRefusal {
  return new StoreRefusal(501, 'NotImplemented', `${what} is not implemented here`)
}
