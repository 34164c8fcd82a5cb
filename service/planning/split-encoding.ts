import { GatewayError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { readDeflated, writeDeflated } from './deflated-bytes.ts'
import { decodePlainData, encodePlainData } from './plain-data.ts'
import type { Split, SplitRead } from './split.ts'
import { readFiles, writeFiles } from './split-files-encoding.ts'

/** S3's longest key, in bytes of UTF-8. */
const KEY_BYTES_MAX = 1024
/** More than any table's names take. */
const NAME_BYTES_MAX = 1024
const PARTITION_COLUMNS_MAX = 256
/** Columns and filter before they are deflated: ten times what a request may say. */
const READ_BYTES_MAX = 16 * 1024 * 1024

/**
 * A split as bytes. What is to be read stands at the end, and takes nothing where it is left open.
 *
 * @throws {GatewayError} `too_large` columns and filter are longer than the limit.
 */
export function encodeSplit(split: Split): Buffer {
  const out = new ByteWriter()
  out.number(split.expiresMs)
  for (const text of [split.table.schema, split.table.table, split.bucket, split.prefix]) {
    out.text(text)
  }
  out.number(split.partitionColumns.length)
  for (const name of split.partitionColumns) out.text(name)
  writeFiles(out, split.prefix, split.files)
  if (split.read) writeRead(out, split.read)
  return out.written()
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
  const files = readFiles(from, prefix, fail)
  const read = from.isAtEnd ? undefined : readRead(from, fail)
  from.end()
  const split = { table: { schema, table }, bucket, prefix, files, partitionColumns, expiresMs }
  return read ? { ...split, read } : split
}

function writeRead(out: ByteWriter, read: SplitRead): void {
  const plain = encodePlainData(read)
  if (plain.length > READ_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `columns and filter take ${plain.length} bytes in a ticket, more than ${READ_BYTES_MAX}; shorten the filter`,
    )
  }
  writeDeflated(out, plain)
}

/** Its shape is ours: nobody else can seal it. */
function readRead(from: ByteReader, fail: () => never): SplitRead {
  return decodePlainData(readDeflated(from, READ_BYTES_MAX, fail), fail) as SplitRead
}
