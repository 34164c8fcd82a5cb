import type { StoreRefusal } from '../objects/store-refusal.ts'
import type { KeyPage } from '../objects/page-of-keys.ts'
import type { EmbeddedBucket } from './embedded-store-objects.ts'

export interface EmbeddedListing {
  readonly name: string
  readonly prefix: string
  readonly delimiter: string
  readonly entriesMax: number
  readonly page: KeyPage
  /** Keys and prefixes are written in url encoding, and the answer says so. */
  readonly encoded: boolean
}

const header = '<?xml version="1.0" encoding="UTF-8"?>\n'
const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

export function errorXml({ code, message }: StoreRefusal): string {
  return `${header}<Error>${tag('Code', code)}${tag('Message', message)}</Error>`
}

export function bucketsXml(names: readonly string[]): string {
  const buckets = names.map((name) => `<Bucket>${tag('Name', name)}</Bucket>`).join('')
  return `${header}<ListAllMyBucketsResult ${namespace}><Buckets>${buckets}</Buckets></ListAllMyBucketsResult>`
}

/** Empty means us-east-1. */
export function locationXml(): string {
  return `${header}<LocationConstraint ${namespace}></LocationConstraint>`
}

/** The token for the next page is its last entry, which needs no memory of ours. */
export function listingXml(listing: EmbeddedListing, bucket: EmbeddedBucket): string {
  const { page, encoded } = listing
  const key = encoded ? encodedKey : sameText
  const contents = page.keys.map((name) => contentXml(name, key(name), bucket))
  const prefixes = page.prefixes.map(
    (name) => `<CommonPrefixes>${tag('Prefix', key(name))}</CommonPrefixes>`,
  )
  return [
    `${header}<ListBucketResult ${namespace}>`,
    tag('Name', listing.name),
    tag('Prefix', key(listing.prefix)),
    listing.delimiter === '' ? '' : tag('Delimiter', listing.delimiter),
    tag('MaxKeys', String(listing.entriesMax)),
    tag('KeyCount', String(page.keys.length + page.prefixes.length)),
    tag('IsTruncated', String(page.next !== undefined)),
    page.next === undefined ? '' : tag('NextContinuationToken', tokenOf(page.next)),
    encoded ? tag('EncodingType', 'url') : '',
    ...contents,
    ...prefixes,
    '</ListBucketResult>',
  ].join('')
}

export function tokenOf(entry: string): string {
  return Buffer.from(entry).toString('base64url')
}

export function entryOf(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8')
}

function contentXml(key: string, written: string, bucket: EmbeddedBucket): string {
  const object = bucket.get(key)
  if (object === undefined) return ''
  const { etag, sizeBytes, modifiedMs } = object
  return [
    '<Contents>',
    tag('Key', written),
    tag('LastModified', new Date(modifiedMs).toISOString()),
    tag('ETag', `"${etag}"`),
    tag('Size', String(sizeBytes)),
    tag('StorageClass', 'STANDARD'),
    '</Contents>',
  ].join('')
}

function tag(name: string, text: string): string {
  return `<${name}>${escaped(text)}</${name}>`
}

function escaped(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters in keys are what this is for
  return text.replace(/[<>&"'\u0000-\u001f]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function encodedKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/')
}

function sameText(text: string): string {
  return text
}
