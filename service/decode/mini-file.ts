import { coalesceLimits, coalesceRanges } from '../objects/coalesce-ranges.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import type { ChunkPlan, FetchRange } from './chunk-plan.ts'
import type { RowGroupPlan } from './decoder.ts'
import { DATA_START, writeTail } from './mini-tail.ts'
import {
  type ColumnLayout,
  layOutRowGroup,
  type PagedColumn,
  type RowGroupLayout,
  type RowGroupRequest,
} from './row-group-layout.ts'
import { countRows, overlapsAny, type RowRange } from './row-selection.ts'

/**
 * Plans the read of the wanted columns of a row group: which bytes to fetch (chunks near each other in one run)
 * and the footer of a Parquet file made of just these bytes. That footer is written anew from checked numbers,
 * with an ARROW:schema that says exactly what `footer.columns` promises; no byte of the original footer but the
 * schema's elements goes in.
 *
 * @throws {GatewayError} `unsupported` the row group has more rows than Arrow can count.
 */
export function planRowGroup(request: RowGroupRequest): RowGroupPlan {
  return planRows(layOutRowGroup(request))
}

/**
 * Plans the read of some rows of a row group: of columns with pages those that hold such rows, of the others all.
 * Absent rows: all of them, as they stand.
 */
export function planRows(layout: RowGroupLayout, rows?: readonly RowRange[]): RowGroupPlan {
  const { source, rowCount, columns } = layout
  const wanted = rows ?? [{ start: 0, end: rowCount }]
  const chosen = columns.map((column) => choose(column, wanted))
  const ranges = chosen.flatMap((choice) => choice.ranges)
  const { fetches, end: tailAt } = layOutBuffer(ranges)
  const place = placer(fetches)
  const positions = chosen
    .filter(({ paged }) => paged === undefined)
    .flatMap((choice) => choice.ranges.map(place))
  const tail = layout.tail ? writeTail(layout.tail, positions) : new Uint8Array()
  const isSelected = rows !== undefined || chosen.some(({ paged }) => paged !== undefined)
  const chunks = chosen.map(({ paged }) => (paged ? placedChunk(paged, place) : null))
  return {
    source,
    rowCount,
    ...(isSelected && { selection: { rows: wanted, chunks } }),
    columnNames: columns.map(({ name }) => name),
    fetches,
    wastedBytes: bytesOf(fetches) - bytesOf(coalesceRanges(ranges, bordering)),
    bufferBytes: tailAt + tail.length,
    tail,
    tailAt,
    decodedBytesEstimate: chosen.reduce((sum, choice) => sum + choice.decodedBytes, 0),
  }
}

const bordering = { gapBytesMax: 0, runBytesMax: Infinity }

function bytesOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** What is fetched of a column. */
interface Choice {
  readonly ranges: readonly ByteRange[]
  readonly decodedBytes: number
  /** With the chosen pages only. */
  readonly paged?: PagedColumn
}

function choose({ chunks, paged, decodedBytes }: ColumnLayout, rows: readonly RowRange[]): Choice {
  if (paged === undefined) return { ranges: chunks, decodedBytes }
  const pages = paged.pages.filter(({ firstRow, endRow }) =>
    overlapsAny({ start: firstRow, end: endRow }, rows),
  )
  const share = countRows(pages.map(rowsOf)) / Math.max(paged.chunk.valueCount, 1)
  return {
    ranges: [paged.dictionary, ...pages],
    decodedBytes: decodedBytes * share,
    paged: { ...paged, pages },
  }
}

function rowsOf({ firstRow, endRow }: PagedColumn['pages'][number]): RowRange {
  return { start: firstRow, end: endRow }
}

function placedChunk(
  { chunk, dictionary, pages }: PagedColumn,
  place: (range: ByteRange) => number,
): ChunkPlan {
  const moved = (range: ByteRange): ByteRange => {
    const start = place(range)
    return { start, end: start + range.end - range.start }
  }
  return {
    ...chunk,
    ...moved(dictionary),
    pages: pages.map((page) => ({ ...moved(page), rows: rowsOf(page) })),
  }
}

interface BufferLayout {
  readonly fetches: readonly FetchRange[]
  /** Where the last of them ends. */
  readonly end: number
}

/** Runs follow each other in the buffer. */
function layOutBuffer(ranges: readonly ByteRange[]): BufferLayout {
  let end = DATA_START
  const fetches = coalesceRanges(ranges, coalesceLimits).map((run): FetchRange => {
    const at = end
    end += run.end - run.start
    return { ...run, at }
  })
  return { fetches, end }
}

/** Where a range begins in the buffer; empty ones are not fetched. */
function placer(fetches: readonly FetchRange[]): (range: ByteRange) => number {
  return ({ start, end }) => {
    if (start === end) return DATA_START
    const run = fetches.find((one) => one.start <= start && end <= one.end)
    return run === undefined ? DATA_START : run.at + start - run.start
  }
}
