import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { decodePlainData, encodePlainData } from './plain-data.ts'
import type { Split, SplitFile, SplitRead } from './split.ts'

/** S3's longest key, in bytes of UTF-8. */
const KEY_BYTES_MAX = 1024
const ETAG_BYTES_MAX = 256
const VERSION_ID_BYTES_MAX = 1024
/** More than any table's names take. */
const NAME_BYTES_MAX = 1024
const PARTITION_COLUMNS_MAX = 256
/** Columns and filter before they are deflated: ten times what a request may say. */
const READ_BYTES_MAX = 16 * 1024 * 1024
/** Files that one split may hold. */
export const SPLIT_FILES_MAX = 100_000
/** Flags, two folded lengths, the key's length, size and row groups of one file. */
const RECORD_FIXED_BYTES_MAX = 1 + 3 * 2 + 3 * 8
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

/**
 * A split as bytes. Of a key only what differs from the key before it is written (of the first, from the
 * table's prefix), deflated together where that is shorter; an ETag that is an MD5 takes its 16 bytes. What is to be
 * read stands at the end, and takes nothing where it is left open.
 */
export function encodeSplit(split: Split): Buffer {
  const out = new ByteWriter()
  out.number(split.expiresMs)
  for (const text of [split.table.schema, split.table.table, split.bucket, split.prefix]) {
    out.text(text)
  }
  out.number(split.partitionColumns.length)
  for (const name of split.partitionColumns) out.text(name)
  out.number(split.files.length)
  const records = new ByteWriter()
  const middles = new ByteWriter()
  let previous: SplitFile | undefined
  let previousKey = Buffer.from(split.prefix)
  for (const file of split.files) {
    if (previous && isSameObject(previous, file)) {
      records.byte(flags.sameObject)
    } else {
      const key = Buffer.from(file.key)
      const folded = foldedKey(previousKey, key)
      writeObject(records, file, folded)
      middles.bytes(folded.middle)
      previousKey = key
    }
    records.number(file.rowGroups.start)
    records.number(file.rowGroups.end - file.rowGroups.start)
    previous = file
  }
  writeDeflated(out, middles.written())
  out.bytes(records.written())
  if (split.read) writeDeflated(out, encodePlainData(split.read))
  return out.written()
}

/** The length as it is and as it stands here: when both are the same, it is not deflated. */
function writeDeflated(out: ByteWriter, plain: Buffer): void {
  const deflated = deflateRawSync(plain)
  const shorter = deflated.length < plain.length ? deflated : plain
  out.number(plain.length)
  out.number(shorter.length)
  out.bytes(shorter)
}

function readDeflated(from: ByteReader, lengthMax: number, fail: () => never): Buffer {
  const length = from.number(lengthMax)
  const stored = from.bytes(from.number(length))
  if (stored.length === length) return stored
  try {
    return inflateRawSync(stored, { maxOutputLength: length })
  } catch {
    return fail()
  }
}

/** The split of `encodeSplit`'s bytes; calls `fail`, which throws, when they are something else. */
export function decodeSplit(bytes: Buffer, fail: () => never): Split {
  const from = new ByteReader(bytes, fail)
  const expiresMs = from.number()
  const schema = from.text(NAME_BYTES_MAX)
  const table = from.text(NAME_BYTES_MAX)
  const bucket = from.text(NAME_BYTES_MAX)
  const prefix = from.text(KEY_BYTES_MAX)
  const partitionColumns = Array.from({ length: from.number(PARTITION_COLUMNS_MAX) }, () =>
    from.text(KEY_BYTES_MAX),
  )
  const fileCount = from.number(SPLIT_FILES_MAX)
  const middles = new ByteReader(readDeflated(from, SPLIT_FILES_MAX * KEY_BYTES_MAX, fail), fail)
  const files: SplitFile[] = []
  let previousKey: Buffer = Buffer.from(prefix)
  for (let index = 0; index < fileCount; index++) {
    const set = from.byte()
    const last = files.at(-1)
    if (set !== flags.sameObject) {
      previousKey = readKey({ from, middles }, previousKey, fail)
    }
    const object = set === flags.sameObject ? last : readObject(from, set, previousKey)
    if (!object?.key.startsWith(prefix)) return fail()
    const start = from.number()
    const rowGroups = { start, end: start + from.number() }
    files.push({ ...object, rowGroups })
  }
  middles.end()
  const read = from.isAtEnd ? undefined : readRead(from, fail)
  from.end()
  const split = { table: { schema, table }, bucket, prefix, files, partitionColumns, expiresMs }
  return read ? { ...split, read } : split
}

/** Its shape is ours: nobody else can seal it. */
function readRead(from: ByteReader, fail: () => never): SplitRead {
  return decodePlainData(readDeflated(from, READ_BYTES_MAX, fail), fail) as SplitRead
}

function isSameObject(left: SplitFile, right: SplitFile): boolean {
  return left.key === right.key && left.etag === right.etag && left.versionId === right.versionId
}

interface FoldedKey {
  /** Bytes that begin as the key before it. */
  readonly headBytes: number
  /** Bytes that end as the key before it. */
  readonly tailBytes: number
  readonly middle: Buffer
}

function foldedKey(previous: Buffer, key: Buffer): FoldedKey {
  const shorter = Math.min(previous.length, key.length)
  let headBytes = 0
  while (headBytes < shorter && previous[headBytes] === key[headBytes]) headBytes++
  let tailBytes = 0
  while (
    tailBytes < shorter - headBytes &&
    previous.at(-1 - tailBytes) === key.at(-1 - tailBytes)
  ) {
    tailBytes++
  }
  return { headBytes, tailBytes, middle: key.subarray(headBytes, key.length - tailBytes) }
}

function writeObject(out: ByteWriter, file: SplitFile, key: FoldedKey): void {
  const [, md5, parts] = hexEtag.exec(file.etag) ?? []
  out.byte(
    (md5 === undefined ? 0 : flags.hexEtag) |
      (parts === undefined ? 0 : flags.parts) |
      (file.versionId === undefined ? 0 : flags.versionId),
  )
  out.number(key.headBytes)
  out.number(key.tailBytes)
  out.number(key.middle.length)
  if (md5 === undefined) out.text(file.etag)
  else out.bytes(Buffer.from(md5, 'hex'))
  if (parts !== undefined) out.number(Number(parts))
  if (file.versionId !== undefined) out.text(file.versionId)
  out.number(file.sizeBytes)
}

function readKey(
  { from, middles }: { readonly from: ByteReader; readonly middles: ByteReader },
  previous: Buffer,
  fail: () => never,
): Buffer {
  const headBytes = from.number(previous.length)
  const tailBytes = from.number(previous.length - headBytes)
  const middle = middles.bytes(from.number(KEY_BYTES_MAX))
  const head = previous.subarray(0, headBytes)
  const key = Buffer.concat([head, middle, previous.subarray(previous.length - tailBytes)])
  return key.length > KEY_BYTES_MAX ? fail() : key
}

function readObject(from: ByteReader, set: number, key: Buffer): Omit<SplitFile, 'rowGroups'> {
  const md5 =
    (set & flags.hexEtag) === 0
      ? from.text(ETAG_BYTES_MAX)
      : from.bytes(HEX_ETAG_BYTES).toString('hex')
  const etag = (set & flags.parts) === 0 ? md5 : `${md5}-${from.number()}`
  const versionId = (set & flags.versionId) === 0 ? undefined : from.text(VERSION_ID_BYTES_MAX)
  const sizeBytes = from.number()
  return {
    key: key.toString('utf8'),
    etag,
    sizeBytes,
    ...(versionId !== undefined && { versionId }),
  }
}
