import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { deflatedReader, writeDeflated } from './deflated-bytes.ts'
import { packKey, unpackKey } from './packed-key.ts'
import type { SplitFile } from './split.ts'

/** S3's longest key, in bytes of UTF-8. */
const KEY_BYTES_MAX = 1024
const ETAG_BYTES_MAX = 256
const VERSION_ID_BYTES_MAX = 1024
/** Files that one split may hold. */
export const SPLIT_FILES_MAX = 100_000
/** Flags, two folded lengths, the key's length, size and row groups of one file. */
const RECORD_FIXED_BYTES_MAX = 1 + 3 * 2 + 3 * 8
const SHAPE_BYTES_MAX = 1 + 3 * 2 + 2 * 8
const HEX_ETAG_BYTES = 16
/** An MD5 as S3 writes it, with the number of parts of a multipart upload. */
const hexEtag = /^([0-9a-f]{32})(?:-([1-9]\d{0,4}))?$/

/** What a record leaves out or holds. */
const flags = { sameObject: 1, hexEtag: 2, parts: 4, versionId: 8 } as const

/** Bytes that a file can take in a split's encoding. */
export function fileRecordBytesMax(file: Omit<SplitFile, 'rowGroups'>): number {
  const etagBytes = hexEtag.test(file.etag) ? HEX_ETAG_BYTES + 3 : Buffer.byteLength(file.etag) + 2
  const versionBytes = file.versionId === undefined ? 0 : Buffer.byteLength(file.versionId) + 2
  return RECORD_FIXED_BYTES_MAX + Buffer.byteLength(file.key) + etagBytes + versionBytes
}

/** What the record before says: its file, and its key as it is packed. */
interface Before {
  readonly file: SplitFile | undefined
  readonly text: Buffer
  readonly identifiers: readonly string[]
}

/**
 * Writes files whose keys begin with the prefix, like with like: what all of them share is deflated to almost
 * nothing. Of a key only what differs from the key before it is written (of the first, from the prefix), identifiers
 * in their bytes; an ETag that is an MD5 takes its 16.
 */
export function writeFiles(out: ByteWriter, prefix: string, files: readonly SplitFile[]): void {
  const columns = { shapes: new ByteWriter(), middles: new ByteWriter(), random: new ByteWriter() }
  const packed = packKey(prefix, [])
  let before: Before = { file: undefined, ...packed }
  for (const file of files) {
    before = writeFile(columns, before, file)
    columns.shapes.number(file.rowGroups.start)
    columns.shapes.number(file.rowGroups.end - file.rowGroups.start)
  }
  out.number(files.length)
  writeDeflated(out, columns.shapes.written())
  writeDeflated(out, columns.middles.written())
  out.bytes(columns.random.written())
}

/** The files of `writeFiles`; calls `fail`, which throws, when the bytes are something else. */
export function readFiles(from: ByteReader, prefix: string, fail: () => never): SplitFile[] {
  const count = from.number(SPLIT_FILES_MAX)
  const shapes = deflatedReader(from, count * SHAPE_BYTES_MAX, fail)
  const middles = deflatedReader(from, count * KEY_BYTES_MAX, fail)
  const files: SplitFile[] = []
  const { text, identifiers } = packKey(prefix, [])
  let before: Before = { file: undefined, text, identifiers }
  for (let index = 0; index < count; index++) {
    const read = readFile({ shapes, middles, random: from }, before, fail)
    const start = shapes.number()
    const file = { ...read.file, rowGroups: { start, end: start + shapes.number() } }
    if (!file.key.startsWith(prefix)) return fail()
    before = { ...read, file }
    files.push(file)
  }
  shapes.end()
  middles.end()
  return files
}

interface ReadFile extends Omit<Before, 'file'> {
  readonly file: Omit<SplitFile, 'rowGroups'>
}

type Columns<Side> = { readonly shapes: Side; readonly middles: Side; readonly random: Side }

function writeFile(columns: Columns<ByteWriter>, before: Before, file: SplitFile): Before {
  const { shapes, middles, random } = columns
  if (before.file && isSameObject(before.file, file)) {
    shapes.byte(flags.sameObject)
    return { ...before, file }
  }
  const { text, identifiers, fresh } = packKey(file.key, before.identifiers)
  const { headBytes, tailBytes, middle } = foldedText(before.text, text)
  const [, md5, parts] = hexEtag.exec(file.etag) ?? []
  shapes.byte(
    (md5 === undefined ? 0 : flags.hexEtag) |
      (parts === undefined ? 0 : flags.parts) |
      (file.versionId === undefined ? 0 : flags.versionId),
  )
  for (const length of [headBytes, tailBytes, middle.length]) shapes.number(length)
  middles.bytes(middle)
  for (const bytes of fresh) random.bytes(bytes)
  if (md5 === undefined) random.text(file.etag)
  else random.bytes(Buffer.from(md5, 'hex'))
  if (parts !== undefined) random.number(Number(parts))
  if (file.versionId !== undefined) random.text(file.versionId)
  random.number(file.sizeBytes)
  return { file, text, identifiers }
}

function readFile(columns: Columns<ByteReader>, before: Before, fail: () => never): ReadFile {
  const { shapes, random } = columns
  const set = shapes.byte()
  if (set === flags.sameObject) return { ...before, file: before.file ?? fail() }
  const text = readText(columns, before.text)
  const next = (bytes: number): Buffer => random.bytes(bytes)
  const { key, identifiers } = unpackKey(text, { before: before.identifiers, next, fail })
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) return fail()
  const has = (flag: number): boolean => (set & flag) !== 0
  const md5 = has(flags.hexEtag)
    ? random.bytes(HEX_ETAG_BYTES).toString('hex')
    : random.text(ETAG_BYTES_MAX)
  const etag = has(flags.parts) ? `${md5}-${random.number()}` : md5
  const versionId = has(flags.versionId) ? random.text(VERSION_ID_BYTES_MAX) : undefined
  const sizeBytes = random.number()
  const version = versionId !== undefined && { versionId }
  return { file: { key, etag, sizeBytes, ...version }, text, identifiers }
}

function readText({ shapes, middles }: Columns<ByteReader>, before: Buffer): Buffer {
  const headBytes = shapes.number(before.length)
  const tailBytes = shapes.number(before.length - headBytes)
  const middle = middles.bytes(shapes.number(KEY_BYTES_MAX))
  const head = before.subarray(0, headBytes)
  return Buffer.concat([head, middle, before.subarray(before.length - tailBytes)])
}

function isSameObject(left: SplitFile, right: SplitFile): boolean {
  return left.key === right.key && left.etag === right.etag && left.versionId === right.versionId
}

interface FoldedText {
  /** Bytes that begin as the text before it. */
  readonly headBytes: number
  /** Bytes that end as the text before it. */
  readonly tailBytes: number
  readonly middle: Buffer
}

function foldedText(previous: Buffer, text: Buffer): FoldedText {
  const shorter = Math.min(previous.length, text.length)
  let headBytes = 0
  while (headBytes < shorter && previous[headBytes] === text[headBytes]) headBytes++
  let tailBytes = 0
  const tailMax = shorter - headBytes
  const [previousEnd, end] = [previous.length - 1, text.length - 1]
  while (tailBytes < tailMax && previous[previousEnd - tailBytes] === text[end - tailBytes]) {
    tailBytes++
  }
  return { headBytes, tailBytes, middle: text.subarray(headBytes, text.length - tailBytes) }
}
