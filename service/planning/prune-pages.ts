import type { ArrowType } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import type { RowRange } from '../decode/row-selection.ts'
import type { RawStatistics } from '../footers/footer.ts'
import type { PageBounds, PageLocation } from '../footers/page-index.ts'
import type { Predicate, SeenColumn } from '../predicate/predicate.ts'
import { partsOf } from '../predicate/predicate.ts'
import type { ColumnFacts, FactsOf } from '../predicate/verdict.ts'
import { verdictOf } from '../predicate/verdict.ts'
import { allNull, chunkFacts } from './column-facts.ts'
import { findLeaf, type FlatColumn, rowGroupFacts, type RowGroupPlace } from './prune.ts'

/** Pages of a chunk, and what is known of each. */
export interface IndexedPages {
  readonly locations: readonly PageLocation[]
  /** One for each location. */
  readonly bounds: readonly PageBounds[]
}

/** By leaf; undefined where there is no index, or one that contradicts itself. */
export type PagesOf = (leafIndex: number) => IndexedPages | undefined

/**
 * The rows of a row group in which all terms may be true, as far as bounds and nulls of pages tell: wrong only
 * towards more rows. Pages of different columns need not begin at the same rows.
 */
export function pruneRows(
  terms: readonly Predicate[],
  place: RowGroupPlace,
  pagesOf: PagesOf,
): readonly RowRange[] {
  const { rowCount } = place.footer.rowGroup(place.groupIndex)
  const ofTerms = terms.map((term) => rowsOfTerm(term, place, pagesOf))
  return ofTerms.reduce<readonly RowRange[]>(intersect, [{ start: 0, end: rowCount }])
}

/** The columns of the file on whose bounds the verdict of a predicate rests. */
export function boundedColumns(
  predicate: Predicate,
  { footer, partitions }: Pick<RowGroupPlace, 'footer' | 'partitions'>,
): readonly FlatColumn[] {
  const leaves = new Map<number, FlatColumn>()
  for (const seen of boundedIn(predicate)) {
    const isOfFile = findByName(partitions, seen.column) === undefined
    const found = isOfFile ? findLeaf(footer, seen) : undefined
    if (found !== undefined && found !== 'missing') leaves.set(found.leafIndex, found)
  }
  return [...leaves.values()]
}

function boundedIn(predicate: Predicate): readonly SeenColumn[] {
  return predicate.kind === 'in_domain' ? [predicate] : partsOf(predicate).flatMap(boundedIn)
}

function rowsOfTerm(term: Predicate, place: RowGroupPlace, pagesOf: PagesOf): readonly RowRange[] {
  const { rowCount } = place.footer.rowGroup(place.groupIndex)
  const columns = boundedColumns(term, place).flatMap((column) => {
    const pages = pagesOf(column.leafIndex)
    return pages === undefined ? [] : [{ column, pages }]
  })
  const firsts = columns.flatMap(({ pages }) => pages.locations.map(({ firstRow }) => firstRow))
  const starts = [...new Set([0, ...firsts])].toSorted((a, b) => a - b)
  const kept: RowRange[] = []
  const factsOf = pageFacts(place, columns)
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? rowCount
    if (verdictOf(term, factsOf({ start, end })) === 'none') continue
    const last = kept.at(-1)
    if (last?.end === start) kept[kept.length - 1] = { start: last.start, end }
    else kept.push({ start, end })
  }
  return kept
}

interface IndexedColumn {
  readonly column: FlatColumn
  readonly pages: IndexedPages
}

/** Facts of rows that lie in one page of each of the columns. To be asked of ascending rows. */
function pageFacts(
  place: RowGroupPlace,
  columns: readonly IndexedColumn[],
): (rows: RowRange) => FactsOf {
  const ofGroup = rowGroupFacts(place)
  const groupRows = place.footer.rowGroup(place.groupIndex).rowCount
  const { footer } = place
  const indexed = new Map(columns.map((one) => [one.column.leafIndex, { ...one, at: 0 }]))
  return (rows) => (seen) => {
    const isOfFile = findByName(place.partitions, seen.column) === undefined
    const found = isOfFile ? findLeaf(footer, seen) : undefined
    const known = typeof found === 'object' ? indexed.get(found.leafIndex) : undefined
    if (known === undefined) return partFacts(ofGroup(seen), groupRows, rows)
    const { locations, bounds } = known.pages
    while ((locations[known.at]?.endRow ?? Infinity) <= rows.start) known.at += 1
    const location = locations[known.at]
    const page = bounds[known.at]
    if (location === undefined || page === undefined) return undefined
    const pageRows = location.endRow - location.firstRow
    return partFacts(factsOfPage(known.column, { page, pageRows }, seen.type), pageRows, rows)
  }
}

/** Of some of the rows that the facts are about: bounds hold for them too, nulls only when there are none or all. */
function partFacts(
  facts: ColumnFacts | undefined,
  ofRows: number,
  { start, end }: RowRange,
): ColumnFacts | undefined {
  if (facts === undefined) return undefined
  const { nullCount, min, max } = facts
  const rowCount = end - start
  const bounds = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) }
  if (nullCount === ofRows) return allNull(rowCount)
  return { rowCount, ...(nullCount === 0 && { nullCount }), ...bounds }
}

interface PageFacts {
  readonly page: PageBounds
  readonly pageRows: number
}

/** A page that contradicts itself tells nothing. */
function factsOfPage(
  { leaf, type }: FlatColumn,
  { page, pageRows }: PageFacts,
  target: ArrowType,
): ColumnFacts {
  const { isNull, nullCount, min, max } = page
  const unknown = { rowCount: pageRows }
  if (isNull) {
    const mayBeNull = leaf.maxDefinitionLevel > 0 && (nullCount ?? pageRows) === pageRows
    return mayBeNull ? allNull(pageRows) : unknown
  }
  if (nullCount !== undefined && (nullCount < 0 || nullCount >= pageRows)) return unknown
  const isBytes = leaf.physicalType === 'byte_array' || leaf.physicalType === 'fixed_len_byte_array'
  const raw: RawStatistics = {
    ...(nullCount !== undefined && { nullCount }),
    // Without bounds both are empty, which for bytes is a value too.
    ...(max.length > 0 && { min, max }),
    minExact: !isBytes,
    maxExact: !isBytes,
    deprecated: false,
  }
  return chunkFacts({ leaf, type, rowCount: pageRows, raw }, target)
}

function intersect(left: readonly RowRange[], right: readonly RowRange[]): RowRange[] {
  const both: RowRange[] = []
  let at = 0
  for (const { start, end } of left) {
    while ((right[at]?.end ?? Infinity) <= start) at += 1
    for (let index = at; (right[index]?.start ?? Infinity) < end; index++) {
      const other = right[index] ?? { start, end }
      both.push({ start: Math.max(start, other.start), end: Math.min(end, other.end) })
    }
  }
  return both
}
