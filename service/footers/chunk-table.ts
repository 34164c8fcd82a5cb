import { STOP, type ThriftReader } from './thrift-reader.ts'

/** Columns of the chunk table: one row of numbers per column chunk, 0 where the file says nothing. */
export const chunkSlots = {
  physicalType: 0,
  codec: 1,
  valueCount: 2,
  uncompressedBytes: 3,
  compressedBytes: 4,
  dataPageOffset: 5,
  dictionaryPageOffset: 6,
  /** Position of the statistics struct in the footer's bytes. */
  statistics: 7,
  columnIndexOffset: 8,
  columnIndexBytes: 9,
  offsetIndexOffset: 10,
  offsetIndexBytes: 11,
  bloomFilterOffset: 12,
  bloomFilterBytes: 13,
  /** Bits of the encodings (numbers of parquet.thrift's `Encoding`) in the chunk, levels and dictionary included. */
  encodings: 14,
  /** The same of its data pages alone. */
  dataEncodings: 15,
} as const
export const CHUNK_SLOTS = 16

/** What a scan learns besides numbers. */
export interface ScanFlags {
  /** Why the file cannot be read although it may be sound. */
  unsupported: string | undefined
}

export interface ChunkRow {
  readonly chunks: Float64Array
  /** Index of the row's first number. */
  readonly at: number
  readonly flags: ScanFlags
}

/** Fields of parquet.thrift, `ColumnChunk`. */
export function readChunk(reader: ThriftReader, row: ChunkRow): void {
  const { chunks, at, flags } = row
  let seen = false
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 3) {
      readColumnMetadata(reader, row)
      seen = true
    } else if (id === 4) chunks[at + chunkSlots.offsetIndexOffset] = reader.integer()
    else if (id === 5) chunks[at + chunkSlots.offsetIndexBytes] = reader.integer()
    else if (id === 6) chunks[at + chunkSlots.columnIndexOffset] = reader.integer()
    else if (id === 7) chunks[at + chunkSlots.columnIndexBytes] = reader.integer()
    else {
      if (id === 1) flags.unsupported = 'its columns lie in other files'
      if (id === 8 || id === 9) flags.unsupported = 'its columns are encrypted'
      reader.skip()
    }
  }
  // An encrypted column's metadata may be missing.
  if (!seen && flags.unsupported === undefined) reader.fail('a column chunk has no metadata')
}

/** Slot of each field of parquet.thrift, `ColumnMetaData`, that is a number, by the field's id. */
const metadataSlots: readonly (number | undefined)[] = Object.assign(
  [],
  Object.fromEntries([
    [1, chunkSlots.physicalType],
    [4, chunkSlots.codec],
    [5, chunkSlots.valueCount],
    [6, chunkSlots.uncompressedBytes],
    [7, chunkSlots.compressedBytes],
    [9, chunkSlots.dataPageOffset],
    [11, chunkSlots.dictionaryPageOffset],
    [14, chunkSlots.bloomFilterOffset],
    [15, chunkSlots.bloomFilterBytes],
  ]),
)
const ENCODINGS_FIELD = 2
const STATISTICS_FIELD = 12
const ENCODING_STATISTICS_FIELD = 13

/** Bits of the ids of the fields without which a chunk cannot be read. */
const requiredFields = [1, 4, 5, 6, 7, 9].reduce((bits, id) => bits | (1 << id), 0)

function readColumnMetadata(reader: ThriftReader, { chunks, at }: ChunkRow): void {
  reader.struct()
  let seen = 0
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    const slot = metadataSlots[id]
    if (slot !== undefined) {
      chunks[at + slot] = reader.integer()
      seen |= 1 << id
    } else if (id === ENCODINGS_FIELD) chunks[at + chunkSlots.encodings] = readEncodings(reader)
    else if (id === ENCODING_STATISTICS_FIELD) {
      chunks[at + chunkSlots.dataEncodings] = readDataEncodings(reader)
    } else {
      if (id === STATISTICS_FIELD) chunks[at + chunkSlots.statistics] = reader.position
      reader.skip()
    }
  }
  if ((seen & requiredFields) !== requiredFields) {
    reader.fail('a column chunk lacks its codec, its sizes or its place')
  }
}

/** Encodings beyond this have no bit: there are ten. */
const ENCODING_MAX = 30

function bitOf(encoding: number): number {
  return 1 << Math.min(Math.max(encoding, 0), ENCODING_MAX)
}

function readEncodings(reader: ThriftReader): number {
  let bits = 0
  for (let left = reader.elements(); left > 0; left--) bits |= bitOf(reader.integer())
  return bits
}

/** Numbers of parquet.thrift's `PageType`: data pages of both versions. */
const dataPageTypes = [0, 3]

/** `PageEncodingStats`. */
function readDataEncodings(reader: ThriftReader): number {
  let bits = 0
  for (let left = reader.structs(); left > 0; left--) {
    let pageType = -1
    let encoding = 0
    let count = 0
    for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
      if (id === 1) pageType = reader.integer()
      else if (id === 2) encoding = reader.integer()
      else if (id === 3) count = reader.integer()
      else reader.skip()
    }
    if (dataPageTypes.includes(pageType) && count > 0) bits |= bitOf(encoding)
  }
  return bits
}
