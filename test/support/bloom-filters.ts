import { Buffer } from 'node:buffer'
import { bloomHash } from '../../service/footers/bloom-filter.ts'
import type { Footer, Leaf } from '../../service/footers/footer.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'
import { int64Bytes } from './fake-footer.ts'
import type { Raw } from './random-table-data.ts'

/** Where the bloom filter of a column chunk stands in its file. */
export interface PlacedBloom {
  readonly groupIndex: number
  readonly leafIndex: number
  readonly offset: number
  readonly bytes: number
}

export interface StoredColumn {
  readonly name: string
  readonly values: readonly (Raw | null)[]
}

/** Of BloomFilter.md. */
const BLOCK_BYTES = 32
const salts = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
]

/**
 * The file with bloom filters of some of its chunks before its footer, which does not tell of them: see
 * `footerWithBlooms`. Our writer writes none.
 */
export function addBlooms(
  random: () => number,
  file: Uint8Array,
  columns: readonly StoredColumn[],
): { readonly bytes: Uint8Array; readonly blooms: readonly PlacedBloom[] } {
  const footer = parseFooter(file, { bucket: 'b', key: 'k', sizeBytes: file.length })
  const end = file.length - 8 - footer.bytes.length
  const filters: Uint8Array[] = []
  const blooms: PlacedBloom[] = []
  let offset = end
  let rowStart = 0
  for (let groupIndex = 0; groupIndex < footer.rowGroupCount; groupIndex++) {
    const { rowCount } = footer.rowGroup(groupIndex)
    for (const { name, values } of columns) {
      const leafIndex = footer.leaves.findIndex(({ path }) => path.join('.') === name)
      const leaf = footer.leaves[leafIndex]
      if (leaf === undefined || leaf.physicalType === 'boolean' || random() < 0.4) continue
      const filter = filterOf(random, leaf, values.slice(rowStart, rowStart + rowCount))
      filters.push(filter)
      blooms.push({ groupIndex, leafIndex, offset, bytes: filter.length })
      offset += filter.length
    }
    rowStart += rowCount
  }
  return { bytes: Buffer.concat([file.subarray(0, end), ...filters, file.subarray(end)]), blooms }
}

/** The footer, telling of the filters too. */
export function footerWithBlooms(footer: Footer, blooms: readonly PlacedBloom[]): Footer {
  const chunk: Footer['chunk'] = (groupIndex, leafIndex) => {
    const bloom = blooms.find((one) => one.groupIndex === groupIndex && one.leafIndex === leafIndex)
    const placed = { bloomFilterOffset: bloom?.offset ?? 0, bloomFilterBytes: bloom?.bytes ?? 0 }
    return { ...footer.chunk(groupIndex, leafIndex), ...placed }
  }
  return Object.assign(Object.create(footer) as Footer, { chunk })
}

function filterOf(random: () => number, leaf: Leaf, values: readonly (Raw | null)[]): Uint8Array {
  const blockCount = [1, 2, 8][Math.floor(random() * 3)] ?? 1
  const blocks = Buffer.alloc(blockCount * BLOCK_BYTES)
  for (const value of values) {
    if (value === null) continue
    const hash = bloomHash(plainBytes(leaf, value))
    const block = Number(((hash >> 32n) * BigInt(blockCount)) >> 32n) * BLOCK_BYTES
    for (const [word, salt] of salts.entries()) {
      const bit = Math.imul(Number(hash & 0xffffffffn), salt) >>> 27
      const at = block + word * 4
      blocks.writeUInt32LE((blocks.readUInt32LE(at) | (1 << bit)) >>> 0, at)
    }
  }
  // BloomFilterHeader: the length; split blocks, xxHash, not compressed.
  const union = [0x1c, 0x1c, 0, 0]
  const length = blocks.length * 2
  const varint = length < 128 ? [length] : [(length & 127) | 128, length >> 7]
  return Buffer.concat([Buffer.of(0x15, ...varint, ...union, ...union, ...union, 0), blocks])
}

/** A value as PLAIN has it, byte arrays without their length. */
function plainBytes({ physicalType, typeLength }: Leaf, value: Raw): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return value
  if (physicalType === 'float') return Buffer.from(Float32Array.of(Number(value)).buffer)
  if (physicalType === 'double') return Buffer.from(Float64Array.of(Number(value)).buffer)
  const integer = BigInt.asIntN(64, BigInt(value))
  if (physicalType === 'int32') return int64Bytes(integer).slice(0, 4)
  if (physicalType === 'int64') return int64Bytes(integer)
  const digits = BigInt.asUintN(typeLength * 8, BigInt(value)).toString(16)
  return Buffer.from(digits.padStart(typeLength * 2, '0'), 'hex')
}
