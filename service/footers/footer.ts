import type { Field } from '../arrow/arrow-type.ts'

/** Parquet's physical types, by their number in the format. */
export const physicalTypes = [
  'boolean',
  'int32',
  'int64',
  'int96',
  'float',
  'double',
  'byte_array',
  'fixed_len_byte_array',
] as const
export type PhysicalType = (typeof physicalTypes)[number]

/** Codecs by their number in the format. */
export const codecs = [
  'uncompressed',
  'snappy',
  'gzip',
  'lzo',
  'brotli',
  'lz4',
  'zstd',
  'lz4_raw',
] as const
export type Codec = (typeof codecs)[number]

/** A primitive column of the file, in the order of its column chunks. */
export interface Leaf {
  readonly path: readonly string[]
  /** Index of the top-level column it belongs to. */
  readonly columnIndex: number
  readonly physicalType: PhysicalType
  /** Bytes of a fixed_len_byte_array value, else 0. */
  readonly typeLength: number
  readonly maxDefinitionLevel: number
  readonly maxRepetitionLevel: number
}

/** A top-level column: its Arrow field (from ARROW:schema where the file has one) and its leaves. */
export interface FileColumn {
  readonly field: Field
  /** Leaves `leafStart` to `leafEnd` (exclusive). */
  readonly leafStart: number
  readonly leafEnd: number
}

/** Statistics as the file has them: raw bytes, not to be trusted beyond what the format promises. */
export interface RawStatistics {
  readonly min?: Uint8Array
  readonly max?: Uint8Array
  readonly nullCount?: number
  /** False when min (max) may be a truncated bound. */
  readonly minExact: boolean
  readonly maxExact: boolean
  /** True when they come from the deprecated `min`/`max` fields, whose order is signed bytes. */
  readonly deprecated: boolean
}

export interface ColumnChunk {
  readonly codec: Codec
  /** First byte of the chunk: its dictionary page, else its first data page. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly dataPageOffset: number
  /** 0 when there is none. */
  readonly dictionaryPageOffset: number
  readonly uncompressedBytes: number
  readonly valueCount: number
  /** Offset and length of the page indexes and the bloom filter; 0 when there is none. */
  readonly columnIndexOffset: number
  readonly columnIndexBytes: number
  readonly offsetIndexOffset: number
  readonly offsetIndexBytes: number
  readonly bloomFilterOffset: number
  readonly bloomFilterBytes: number
  /** Encodings of its values, by their numbers in the format, as bits; 0 when the file does not say. */
  readonly encodings: number
  /** All its values are in the dictionary page, or null. */
  readonly isDictionaryCoded: boolean
}

export interface RowGroup {
  readonly rowCount: number
  /** Arrow bytes of all its chunks, roughly. */
  readonly decodedBytes: number
}

/**
 * A Parquet file's footer, checked: row groups add up to the file's rows, chunks lie inside the file, all counts
 * are within what the bytes can hold. Numbers are kept in typed arrays, objects are made on demand.
 */
export interface Footer {
  /** The thrift bytes, without length and magic. */
  readonly bytes: Uint8Array
  readonly createdBy: string
  readonly rowCount: number
  readonly rowGroupCount: number
  readonly columns: readonly FileColumn[]
  readonly leaves: readonly Leaf[]
  /** File-level key-value metadata, ARROW:schema left out. */
  readonly keyValues: Readonly<Record<string, string>>
  /** Bytes of memory this footer holds: what the cache counts. */
  readonly heldBytes: number
  rowGroup(groupIndex: number): RowGroup
  chunk(groupIndex: number, leafIndex: number): ColumnChunk
  statistics(groupIndex: number, leafIndex: number): RawStatistics | undefined
}
