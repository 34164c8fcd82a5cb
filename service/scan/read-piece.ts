import type { Column } from '../arrow/column.ts'
import { ownColumn } from '../arrow/own-rows.ts'
import { takeRows } from '../arrow/take-rows.ts'
import type { DecodedRowGroup } from '../decode/decoder.ts'
import { planRows } from '../decode/mini-file.ts'
import { countRows, rangesOf, type RowRange } from '../decode/row-selection.ts'
import { type FetchedPiece, fetchRowGroup } from './fetch-row-group.ts'
import { mightMatch } from './probe-dictionary.ts'
import type { ReadParts } from './read-parts.ts'
import type { LateColumns, ScanPiece } from './scan-job.ts'

/** Rows that are asked at a time. */
const FILTER_ROWS = 64 * 1024

/**
 * Reads a piece; one with late columns in two steps: what the filter looks at, then, of the rows that it leaves, the
 * rest. What comes out has no late columns any more, and no filter.
 *
 * @throws {GatewayError} what store, decoder and filter throw.
 */
export async function readPiece(
  piece: ScanPiece,
  parts: ReadParts,
  signal: AbortSignal,
): Promise<FetchedPiece> {
  for (const probe of piece.dictionaries ?? []) {
    if (await mightMatch(piece, probe, parts, signal)) continue
    parts.receipt.rowGroupsDroppedByDictionary += 1
    const { object, source, columns } = piece
    return fetchRowGroup({ object, source, rowCount: 0, columns }, parts, signal)
  }
  const fetched = await fetchRowGroup(piece, parts, signal)
  if (piece.late === undefined) return fetched
  const { early, matching } = await filterEarly(fetched, parts, signal)
  const rest = lateRead(piece, piece.late, matching)
  // The others are counted when they are taken.
  parts.receipt.rowsRead += piece.rowCount - matching.length
  if (matching.length === 0) parts.receipt.rowGroupsDroppedByFilter += 1
  const read = await fetchRowGroup(rest, parts, signal)
  return { ...read, early }
}

interface EarlyRows {
  /** Of the rows that match, in memory of their own. */
  readonly early: readonly Column[]
  /** Counted among the rows of the piece. */
  readonly matching: Int32Array
}

async function filterEarly(
  fetched: FetchedPiece,
  parts: ReadParts,
  signal: AbortSignal,
): Promise<EarlyRows> {
  try {
    const endTurn = await parts.turn.acquire(signal)
    try {
      return decodeEarly(fetched.piece, fetched.buffer, parts)
    } finally {
      endTurn()
    }
  } finally {
    fetched.release()
  }
}

function decodeEarly(piece: ScanPiece, buffer: Uint8Array, parts: ReadParts): EarlyRows {
  const { plan, late } = piece
  if (plan === undefined || late === undefined) return { early: [], matching: new Int32Array() }
  const decoded = parts.decode(piece, plan, buffer)
  try {
    const matching = selectRows(piece, decoded, parts)
    const early = late.early.flatMap((index) => {
      const column = decoded.columns[index]
      return column === undefined ? [] : [ownRowsOf(column, matching)]
    })
    return { early, matching }
  } finally {
    decoded.release()
  }
}

function selectRows(
  piece: ScanPiece,
  { columns }: DecodedRowGroup,
  { filter, rowLimit }: ReadParts,
): Int32Array {
  const matching = new Int32Array(piece.rowCount)
  let count = 0
  for (let start = 0; start < piece.rowCount && count < rowLimit; start += FILTER_ROWS) {
    const rowCount = Math.min(FILTER_ROWS, piece.rowCount - start)
    const selected = filter.select({ piece, decoded: columns, start, rowCount })
    if (selected === undefined) {
      for (let row = start; row < start + rowCount; row++) matching[count++] = row
    } else for (const row of selected) matching[count++] = start + row
  }
  return matching.slice(0, Math.min(count, rowLimit))
}

/** The decoder's memory is another's soon. */
function ownRowsOf(column: Column, rows: Int32Array): Column {
  const isWhole = rows.length === column.rowCount
  return ownColumn(isWhole ? column : takeRows(column, rows), 0, rows.length)
}

/** The piece that is left: without a plan when no row is, or no column. */
function lateRead(piece: ScanPiece, late: LateColumns, matching: Int32Array): ScanPiece {
  const { object, source } = piece
  const { layout, columns } = late
  const rest = { object, source, rowCount: matching.length, columns }
  if (matching.length === 0) return rest
  return { ...rest, plan: planRows(layout, rowsAt(late.rows, matching)) }
}

/** Rows of a piece as rows of its row group. */
function rowsAt(rows: readonly RowRange[] | undefined, matching: Int32Array): readonly RowRange[] {
  if (rows === undefined) return rangesOf(matching)
  const placed = new Int32Array(matching.length)
  let range = 0
  let before = 0
  for (let at = 0; at < matching.length; at++) {
    const row = matching[at] ?? 0
    for (let one = rows[range]; one !== undefined; one = rows[range]) {
      const rowCount = countRows([one])
      if (row < before + rowCount) break
      before += rowCount
      range += 1
    }
    placed[at] = (rows[range]?.start ?? 0) + row - before
  }
  return rangesOf(placed)
}
