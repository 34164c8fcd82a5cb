import { planRows } from '../decode/mini-file.ts'
import { layOutRowGroup, type RowGroupRequest } from '../decode/row-group-layout.ts'
import type { RowRange } from '../decode/row-selection.ts'
import type { PieceMatch } from './filter-match.ts'
import type { ColumnSource, FilterColumn, LateColumns, ScanPiece } from './scan-job.ts'

/** What of a piece is read when. */
export type ReadPlan = Pick<ScanPiece, 'plan' | 'late' | 'filter' | 'columns'>

export interface ReadRequest {
  /** Of all columns that are read. */
  readonly layout: Omit<RowGroupRequest, 'columnIndexes'>
  readonly match: PieceMatch
  /** Absent: all. */
  readonly rows: readonly RowRange[] | undefined
  /** Columns that the filter does not look at wait for it when they take so many bytes or more. */
  readonly lateBytesMin: number
}

/**
 * Plans one read, or two: first the columns that the filter looks at, then, of the rows that it leaves, the others.
 */
export function planRead(request: ReadRequest): ReadPlan {
  const { match, layout, rows } = request
  const { columnIndexes, sources, filter } = match
  const once = { columns: sources, ...(filter && { filter }) }
  if (columnIndexes.length === 0) return once
  const asked = askedOf(match)
  const others = lateColumnIndexes(match)
  // Without a choice of rows there is none of pages, but for late columns.
  const first = rows === undefined ? withoutPages(layout) : layout
  const whole = { ...first, columnIndexes }
  if (filter === undefined || others.length === 0) {
    return { ...once, plan: planRows(layOutRowGroup(whole), rows) }
  }
  const rest = layOutRowGroup({ ...layout, columnIndexes: others })
  const ofRest = planRows(rest, rows)
  if (ofRest.bufferBytes - ofRest.tail.length < request.lateBytesMin) {
    return { ...once, plan: planRows(layOutRowGroup(whole), rows) }
  }
  const { early, columns } = splitSources(match, asked)
  const late: LateColumns = {
    layout: rest,
    ...(rows && { rows }),
    early,
    columns,
    bufferBytesMax: ofRest.bufferBytes,
    decodedBytesMax: ofRest.decodedBytesEstimate,
  }
  const placeOf = placesOf(columnIndexes, asked)
  const filterColumns = filter.columns.map((column): FilterColumn => {
    const [index] = decodedIndex(column.source)
    return index === undefined ? column : { ...column, source: decoded(placeOf(index)) }
  })
  const askedIndexes = columnIndexes.filter((_, index) => asked.has(index))
  const plan = planRows(layOutRowGroup({ ...first, columnIndexes: askedIndexes }), rows)
  return { plan, late, columns: sources, filter: { ...filter, columns: filterColumns } }
}

function withoutPages({ footer, object, groupIndex }: ReadRequest['layout']) {
  return { footer, object, groupIndex }
}

/** Columns of the file that the filter does not look at; none when it looks at nothing. */
export function lateColumnIndexes(match: PieceMatch): readonly number[] {
  const asked = askedOf(match)
  return asked.size === 0 ? [] : match.columnIndexes.filter((_, index) => !asked.has(index))
}

/** Places, among the columns that are read, of those that the filter looks at. */
function askedOf({ filter }: PieceMatch): ReadonlySet<number> {
  return new Set(filter?.columns.flatMap(({ source }) => decodedIndex(source)))
}

function decodedIndex(source: ColumnSource): number[] {
  return source.kind === 'decoded' ? [source.index] : []
}

function decoded(index: number): ColumnSource {
  return { kind: 'decoded', index }
}

/** Where a column stands among those that are asked, or among the others. */
function placesOf(
  columnIndexes: readonly number[],
  asked: ReadonlySet<number>,
): (index: number) => number {
  const all = [...columnIndexes.keys()]
  return (index) =>
    all.filter((other) => other < index && asked.has(other) === asked.has(index)).length
}

/** The answer's sources: asked columns that it is made of too come first, then all the others. */
function splitSources(
  { columnIndexes, sources }: PieceMatch,
  asked: ReadonlySet<number>,
): Pick<LateColumns, 'early' | 'columns'> {
  const placeOf = placesOf(columnIndexes, asked)
  const used = [...new Set(sources.flatMap(decodedIndex))].filter((index) => asked.has(index))
  const columns = sources.map((source): ColumnSource => {
    const [index] = decodedIndex(source)
    if (index === undefined) return source
    const at = used.indexOf(index)
    return decoded(at >= 0 ? at : used.length + placeOf(index))
  })
  return { early: used.map(placeOf), columns }
}
