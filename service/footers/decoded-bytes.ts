import type { Leaf } from './footer.ts'

/** Bytes of Arrow's offsets. */
const OFFSET_BYTES = 4
/** A guess at the bytes of a text that is dictionary-coded, when only the coded size is known. */
const DICTIONARY_TEXT_BYTES = 16

/** What is known of a chunk before its pages are read. */
export interface ChunkSize {
  readonly valueCount: number
  readonly uncompressedBytes: number
  readonly dictionaryPageOffset: number
}

/** Arrow bytes of a column chunk, roughly: dictionary-coded text may be much larger than its pages. */
export function decodedBytes(leaf: Leaf, chunk: ChunkSize): number {
  const { valueCount, uncompressedBytes } = chunk
  switch (leaf.physicalType) {
    case 'boolean':
      return valueCount / 8
    case 'int32':
    case 'float':
      return valueCount * 4
    case 'int64':
    case 'double':
    case 'int96':
      return valueCount * 8
    case 'fixed_len_byte_array':
      return valueCount * leaf.typeLength
    case 'byte_array': {
      const coded = chunk.dictionaryPageOffset === 0 ? 0 : valueCount * DICTIONARY_TEXT_BYTES
      return valueCount * OFFSET_BYTES + Math.max(uncompressedBytes, coded)
    }
  }
}
