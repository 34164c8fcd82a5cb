import { CHUNK_SLOTS, chunkSlots } from './chunk-table.ts'
import { decodedBytes } from './decoded-bytes.ts'
import { MAGIC_BYTES } from './footer-limits.ts'
import type { FooterScan } from './footer-scan.ts'
import { codecs, type Leaf, physicalTypes } from './footer.ts'
import type { Fail } from './thrift-reader.ts'

interface FileFacts {
  readonly leaves: readonly Leaf[]
  /** Where the footer begins: chunks and indexes end before it. */
  readonly footerStart: number
  readonly fail: Fail
}

/**
 * Checks what the footer says against the file, and makes the chunk table plain: page indexes and bloom filters
 * that lie outside the file are dropped, so are dictionary offsets that cannot be right.
 *
 * @returns Arrow bytes of each row group, roughly.
 */
export function checkChunks(scan: FooterScan, facts: FileFacts): Float64Array {
  const { groupRows } = scan
  const { leaves, fail } = facts
  const total = groupRows.reduce((sum, rows) => sum + rows, 0)
  if (total !== scan.rowCount) {
    fail(`the footer says ${scan.rowCount} rows, its row groups ${total}`)
  }
  const groupBytes = new Float64Array(groupRows.length)
  for (let group = 0; group < groupRows.length; group++) {
    for (let leaf = 0; leaf < leaves.length; leaf++) {
      const chunk = scan.chunks.subarray((group * leaves.length + leaf) * CHUNK_SLOTS)
      const what = checkChunk(chunk, leaves[leaf] as Leaf, {
        rowCount: groupRows[group] ?? 0,
        footerStart: facts.footerStart,
      })
      if (what !== undefined) {
        fail(`column ${JSON.stringify(leaves[leaf]?.path.join('.'))} of row group ${group} ${what}`)
      }
      groupBytes[group] =
        (groupBytes[group] ?? 0) +
        decodedBytes(leaves[leaf] as Leaf, {
          valueCount: chunk[chunkSlots.valueCount] ?? 0,
          uncompressedBytes: chunk[chunkSlots.uncompressedBytes] ?? 0,
          dictionaryPageOffset: chunk[chunkSlots.dictionaryPageOffset] ?? 0,
        })
    }
  }
  return groupBytes
}

/** What is wrong with a chunk. */
function checkChunk(
  chunk: Float64Array,
  leaf: Leaf,
  group: { readonly rowCount: number; readonly footerStart: number },
): string | undefined {
  const { footerStart, rowCount } = group
  const number = (slot: number): number => chunk[slot] ?? 0
  if (physicalTypes[number(chunkSlots.physicalType)] !== leaf.physicalType) {
    return `is not of type ${leaf.physicalType}`
  }
  if (codecs[number(chunkSlots.codec)] === undefined) {
    return `has the unknown codec ${number(chunkSlots.codec)}`
  }
  const valueCount = number(chunkSlots.valueCount)
  if (leaf.maxRepetitionLevel === 0 ? valueCount !== rowCount : valueCount < rowCount) {
    return `has ${valueCount} values for ${rowCount} rows`
  }
  if (number(chunkSlots.uncompressedBytes) < 0 || number(chunkSlots.compressedBytes) < 0) {
    return 'has a negative size'
  }
  dropOutside(chunk, footerStart)
  return checkPlace(chunk, footerStart)
}

function checkPlace(chunk: Float64Array, footerStart: number): string | undefined {
  if (chunk[chunkSlots.valueCount] === 0) return makeEmpty(chunk)
  const compressedBytes = chunk[chunkSlots.compressedBytes] ?? 0
  const dataPageOffset = chunk[chunkSlots.dataPageOffset] ?? 0
  const dictionaryPageOffset = chunk[chunkSlots.dictionaryPageOffset] ?? 0
  // Some writers set a dictionary offset of 0, or one behind the data pages, for chunks without a dictionary.
  const hasDictionary = dictionaryPageOffset > 0 && dictionaryPageOffset < dataPageOffset
  if (!hasDictionary) chunk[chunkSlots.dictionaryPageOffset] = 0
  const start = hasDictionary ? dictionaryPageOffset : dataPageOffset
  if (start < MAGIC_BYTES || start + compressedBytes > footerStart) {
    return `lies at bytes ${start} to ${start + compressedBytes}, outside the file's data (${MAGIC_BYTES} to ${footerStart})`
  }
  return undefined
}

/** Without values there is nothing to read: pyarrow leaves an empty dictionary page and offset 0, others anything. */
function makeEmpty(chunk: Float64Array): undefined {
  chunk[chunkSlots.dataPageOffset] = MAGIC_BYTES
  chunk[chunkSlots.dictionaryPageOffset] = 0
  chunk[chunkSlots.compressedBytes] = 0
  chunk[chunkSlots.uncompressedBytes] = 0
}

const optionalParts = [
  [chunkSlots.columnIndexOffset, chunkSlots.columnIndexBytes],
  [chunkSlots.offsetIndexOffset, chunkSlots.offsetIndexBytes],
  [chunkSlots.bloomFilterOffset, chunkSlots.bloomFilterBytes],
] as const

function dropOutside(chunk: Float64Array, footerStart: number): void {
  for (const [offsetSlot, bytesSlot] of optionalParts) {
    const offset = chunk[offsetSlot] ?? 0
    const bytes = chunk[bytesSlot] ?? 0
    if (offset >= MAGIC_BYTES && bytes >= 0 && offset + bytes <= footerStart) continue
    chunk[offsetSlot] = 0
    chunk[bytesSlot] = 0
  }
}
