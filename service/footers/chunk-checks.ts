import { CHUNK_SLOTS, type ChunkRow, chunkSlots } from './chunk-table.ts'
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
  const { chunks, groupRows } = scan
  const { leaves, fail } = facts
  const total = groupRows.reduce((sum, rows) => sum + rows, 0)
  if (total !== scan.rowCount) {
    fail(`the footer says ${scan.rowCount} rows, its row groups ${total}`)
  }
  const groupBytes = new Float64Array(groupRows.length)
  for (let group = 0; group < groupRows.length; group++) {
    for (let leaf = 0; leaf < leaves.length; leaf++) {
      const row = { chunks, at: (group * leaves.length + leaf) * CHUNK_SLOTS }
      const what = checkChunk(row, leaves[leaf] as Leaf, {
        rowCount: groupRows[group] ?? 0,
        footerStart: facts.footerStart,
      })
      if (what !== undefined) {
        fail(`column ${JSON.stringify(leaves[leaf]?.path.join('.'))} of row group ${group} ${what}`)
      }
      groupBytes[group] =
        (groupBytes[group] ?? 0) +
        decodedBytes(leaves[leaf] as Leaf, {
          valueCount: slot(row, chunkSlots.valueCount),
          uncompressedBytes: slot(row, chunkSlots.uncompressedBytes),
          dictionaryPageOffset: slot(row, chunkSlots.dictionaryPageOffset),
        })
    }
  }
  return groupBytes
}

/** A chunk's row of the table: views of it would be 100,000 objects. */
type Row = Pick<ChunkRow, 'chunks' | 'at'>

function slot({ chunks, at }: Row, index: number): number {
  return chunks[at + index] ?? 0
}

/** What is wrong with a chunk. */
function checkChunk(
  row: Row,
  leaf: Leaf,
  group: { readonly rowCount: number; readonly footerStart: number },
): string | undefined {
  const { footerStart, rowCount } = group
  if (physicalTypes[slot(row, chunkSlots.physicalType)] !== leaf.physicalType) {
    return `is not of type ${leaf.physicalType}`
  }
  if (codecs[slot(row, chunkSlots.codec)] === undefined) {
    return `has the unknown codec ${slot(row, chunkSlots.codec)}`
  }
  const valueCount = slot(row, chunkSlots.valueCount)
  if (leaf.maxRepetitionLevel === 0 ? valueCount !== rowCount : valueCount < rowCount) {
    return `has ${valueCount} values for ${rowCount} rows`
  }
  if (slot(row, chunkSlots.uncompressedBytes) < 0 || slot(row, chunkSlots.compressedBytes) < 0) {
    return 'has a negative size'
  }
  dropOutside(row, footerStart)
  return checkPlace(row, footerStart)
}

function checkPlace(row: Row, footerStart: number): string | undefined {
  if (slot(row, chunkSlots.valueCount) === 0) return makeEmpty(row)
  const compressedBytes = slot(row, chunkSlots.compressedBytes)
  const dataPageOffset = slot(row, chunkSlots.dataPageOffset)
  const dictionaryPageOffset = slot(row, chunkSlots.dictionaryPageOffset)
  // Some writers set a dictionary offset of 0, or one behind the data pages, for chunks without a dictionary.
  const hasDictionary = dictionaryPageOffset > 0 && dictionaryPageOffset < dataPageOffset
  if (!hasDictionary) row.chunks[row.at + chunkSlots.dictionaryPageOffset] = 0
  const start = hasDictionary ? dictionaryPageOffset : dataPageOffset
  if (start < MAGIC_BYTES || start + compressedBytes > footerStart) {
    return `lies at bytes ${start} to ${start + compressedBytes}, outside the file's data (${MAGIC_BYTES} to ${footerStart})`
  }
  return undefined
}

/** Without values there is nothing to read: pyarrow leaves an empty dictionary page and offset 0, others anything. */
function makeEmpty({ chunks, at }: Row): undefined {
  chunks[at + chunkSlots.dataPageOffset] = MAGIC_BYTES
  chunks[at + chunkSlots.dictionaryPageOffset] = 0
  chunks[at + chunkSlots.compressedBytes] = 0
  chunks[at + chunkSlots.uncompressedBytes] = 0
}

const optionalParts = [
  [chunkSlots.columnIndexOffset, chunkSlots.columnIndexBytes],
  [chunkSlots.offsetIndexOffset, chunkSlots.offsetIndexBytes],
  [chunkSlots.bloomFilterOffset, chunkSlots.bloomFilterBytes],
] as const

function dropOutside({ chunks, at }: Row, footerStart: number): void {
  for (const [offsetSlot, bytesSlot] of optionalParts) {
    const offset = chunks[at + offsetSlot] ?? 0
    const bytes = chunks[at + bytesSlot] ?? 0
    if (offset >= MAGIC_BYTES && bytes >= 0 && offset + bytes <= footerStart) continue
    chunks[at + offsetSlot] = 0
    chunks[at + bytesSlot] = 0
  }
}
