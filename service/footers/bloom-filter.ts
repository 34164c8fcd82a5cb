import xxhash from 'xxhash-wasm'

import { STOP, type ThriftReader } from './thrift-reader.ts'

const hashes = await xxhash()

/** Says of a value, by the hash of its PLAIN bytes, that it is not in the chunk, or that it may be. */
export interface BloomFilter {
  mightContain(hash: bigint): boolean
}

/** parquet-format's BloomFilter.md: xxHash of 64 bits with seed 0; of byte arrays without their length. */
export function bloomHash(plainBytes: Uint8Array): bigint {
  return hashes.h64Raw(plainBytes)
}

/** One bit is set in each of the eight words of a block. */
const BLOCK_BYTES = 32
const WORD_BYTES = 4

/** BloomFilter.md, "Technical Approach". */
const salts = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
]

/**
 * Reads a split-block bloom filter: parquet.thrift's `BloomFilterHeader`, then the blocks, up to the reader's end.
 *
 * @returns undefined when it is of a kind that we do not know, or not as long as it says.
 */
export function readBloomFilter(reader: ThriftReader): BloomFilter | undefined {
  const { lengthBytes, isKnown } = readHeader(reader)
  const bytes = reader.bytes.subarray(reader.position, reader.end)
  if (!isKnown || bytes.length !== lengthBytes || lengthBytes === 0) return undefined
  if (lengthBytes % BLOCK_BYTES !== 0) return undefined
  const blockCount = BigInt(lengthBytes / BLOCK_BYTES)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    mightContain(hash) {
      const block = Number(((hash >> 32n) * blockCount) >> 32n) * BLOCK_BYTES
      const key = Number(hash & 0xffffffffn)
      return salts.every((salt, word) => {
        const bit = Math.imul(key, salt) >>> 27
        return ((view.getUint32(block + word * WORD_BYTES, true) >>> bit) & 1) === 1
      })
    },
  }
}

interface BloomHeader {
  readonly lengthBytes: number
  /** Split blocks, xxHash, not compressed: there is nothing else yet. */
  readonly isKnown: boolean
}

function readHeader(reader: ThriftReader): BloomHeader {
  let lengthBytes = 0
  const kinds: number[] = []
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) lengthBytes = reader.integer()
    else if (id >= 2 && id <= 4) kinds.push(readKind(reader))
    else reader.skip()
  }
  return { lengthBytes, isKnown: kinds.length === 3 && kinds.every((kind) => kind === 1) }
}

/** The id of the only member of a union of empty structs. */
function readKind(reader: ThriftReader): number {
  reader.struct()
  let kind = 0
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    kind = id
    reader.skip()
  }
  return kind
}
