import { XMLParser } from 'fast-xml-parser'
import { GatewayError } from '../errors.ts'
import type { ListedObject, ListPage, ListRequest } from './object-store.ts'
import { scanXml } from './scan-xml.ts'
import { StoreRefusal } from './store-refusal.ts'

/** Elements of which there may be several, or none. */
const many = new Set(['Contents', 'CommonPrefixes', 'Bucket'])

/**
 * For what is not plain. Text is taken as it stands: no numbers guessed, no blanks cut from keys. Entities are decoded below, because
 * the parser stops at 1,000 of them, and a page of listing has more.
 */
const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  processEntities: false,
  trimValues: false,
  isArray: (name) => many.has(name),
})

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/**
 * A page out of a ListObjectsV2 answer, keys exactly as the store holds them.
 *
 * @throws {GatewayError} `unavailable` it is no such answer, or not to this request.
 */
export function parseListing(text: string, request: ListRequest, answeredMs: number): ListPage {
  const result = parseXml(text, 'ListBucketResult')
  // minio decodes always, and so spoils the keys of stores that did not encode them.
  const decode = textOf(result, 'EncodingType') === 'url' ? decodeKey : sameText
  const objects = childrenOf(result, 'Contents').map((entry) =>
    listedObject(entry, request.bucket, decode),
  )
  const prefixes = childrenOf(result, 'CommonPrefixes').map((entry) =>
    decode(textOf(entry, 'Prefix')),
  )
  for (const name of [...objects.map((object) => object.key), ...prefixes])
    if (!name.startsWith(request.prefix))
      throw broken(`names ${JSON.stringify(name)} outside of the prefix that was asked for`)
  const page = { objects, prefixes, answeredMs }
  const cut = textOf(result, 'IsTruncated')
  if (cut === 'false') return page
  if (cut !== 'true') throw broken('does not say whether there is more')
  const continuation = textOf(result, 'NextContinuationToken')
  if (continuation === '') throw broken('is cut without a token for the rest')
  return { ...page, continuation }
}

/** The names out of a ListBuckets answer. */
export function parseBuckets(text: string): string[] {
  const result = parseXml(text, 'ListAllMyBucketsResult')
  return childrenOf(childOf(result, 'Buckets'), 'Bucket').map((entry) => textOf(entry, 'Name'))
}

/** An error answer; what is no S3 error has an empty code. */
export function parseRefusal(status: number, text: string): StoreRefusal {
  const error = childOf(tryParse(text), 'Error')
  const message = textOf(error, 'Message')
  return new StoreRefusal(
    status,
    textOf(error, 'Code'),
    message === '' ? `status ${status}` : message,
  )
}

function listedObject(
  entry: unknown,
  bucket: string,
  decode: (text: string) => string,
): ListedObject {
  const sizeBytes = Number(textOf(entry, 'Size') || Number.NaN)
  const etag = textOf(entry, 'ETag').replaceAll('"', '')
  const modifiedMs = Date.parse(textOf(entry, 'LastModified'))
  const key = decode(textOf(entry, 'Key'))
  if (key === '' || etag === '' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw broken(`has an object without key, version or size (${JSON.stringify(key)})`)
  return { bucket, key, etag, sizeBytes, modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs }
}

function parseXml(text: string, root: string): unknown {
  // The parser takes half a document for a whole one, which would lose objects.
  const whole = text.trimEnd().endsWith(`</${root}>`)
  const result = whole ? childOf(scanXml(text, many) ?? tryParse(text), root) : undefined
  if (result === undefined) throw broken(`is no ${root}; is it an S3 store?`)
  return result
}

function tryParse(text: string): unknown {
  try {
    return parser.parse(text)
  } catch {
    return undefined
  }
}

function childOf(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? Reflect.get(node, name)
    : undefined
}

function childrenOf(node: unknown, name: string): readonly unknown[] {
  const children = childOf(node, name)
  return Array.isArray(children) ? children : []
}

function textOf(node: unknown, name: string): string {
  const text = childOf(node, name)
  return typeof text === 'string' ? decodeEntities(text) : ''
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d+)|#x([\dA-Fa-f]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole
    return codePoint(decimal === undefined ? parseInt(hex, 16) : parseInt(decimal, 10)) ?? whole
  })
}

function codePoint(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}

/** Form encoding: S3 writes a blank as `+`, and a plus as `%2B`. */
function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw broken(`has a key that is not url-encoded (${JSON.stringify(text)})`, error)
  }
}

function sameText(text: string): string {
  return text
}

function broken(what: string, cause?: unknown): GatewayError {
  return new GatewayError('unavailable', `the store's listing ${what}`, { cause })
}
