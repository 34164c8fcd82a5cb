import type { ArrowType } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { findInnerField } from '../arrow/inner-field.ts'
import type { PartitionText } from '../catalog/partitions.ts'
import { parsePartitionValue } from '../catalog/partitions.ts'
import type { FileColumn, Footer, Leaf } from '../footers/footer.ts'
import type { Predicate, SeenColumn } from '../predicate/predicate.ts'
import type { ColumnFacts, FactsOf, Verdict } from '../predicate/verdict.ts'
import { verdictOf } from '../predicate/verdict.ts'
import { allNull, chunkFacts, constantFacts } from './column-facts.ts'

/** A row group that may hold matching rows. */
export interface KeptRowGroup {
  readonly groupIndex: number
  readonly rowCount: number
  readonly decodedBytes: number
}

/** The row groups of a file, sorted out. */
export interface PrunedFile {
  readonly kept: readonly KeptRowGroup[]
  readonly rowGroupsDropped: number
  readonly rowsDropped: number
  readonly rowGroupsWithoutRows: number
}

/** Whether files in these partition folders can hold matching rows, before anything of them is read. */
export function partitionVerdict(
  predicate: Predicate,
  partitions: readonly PartitionText[],
): Verdict {
  return verdictOf(predicate, (seen) => partitionFacts(partitions, seen, 1))
}

/** Where a row group lies. */
export interface RowGroupPlace {
  readonly footer: Footer
  readonly groupIndex: number
  /** Of the file's folders. */
  readonly partitions: readonly PartitionText[]
}

/**
 * Of terms that must all hold, the indexes of those that have to be asked of each row of a row group: the others hold
 * for all. Undefined: no row can match.
 */
export function undecidedTerms(
  terms: readonly Predicate[],
  place: RowGroupPlace,
): readonly number[] | undefined {
  const factsOf = rowGroupFacts(place)
  const undecided: number[] = []
  for (const [index, term] of terms.entries()) {
    const verdict = verdictOf(term, factsOf)
    if (verdict === 'none') return undefined
    if (verdict === 'some') undecided.push(index)
  }
  return undecided
}

/** Drops the row groups in which no row can match, as far as statistics tell, and those without rows. */
export function pruneRowGroups(
  predicate: Predicate,
  footer: Footer,
  partitions: readonly PartitionText[],
): PrunedFile {
  const kept: KeptRowGroup[] = []
  let [rowGroupsDropped, rowsDropped, rowGroupsWithoutRows] = [0, 0, 0]
  for (let groupIndex = 0; groupIndex < footer.rowGroupCount; groupIndex++) {
    const { rowCount, decodedBytes } = footer.rowGroup(groupIndex)
    if (rowCount === 0) {
      rowGroupsWithoutRows += 1
    } else if (verdictOf(predicate, rowGroupFacts({ footer, groupIndex, partitions })) === 'none') {
      rowGroupsDropped += 1
      rowsDropped += rowCount
    } else {
      kept.push({ groupIndex, rowCount, decodedBytes })
    }
  }
  return { kept, rowGroupsDropped, rowsDropped, rowGroupsWithoutRows }
}

/** A column that the folders carry is none of the file's, also when its text cannot be read. */
export function rowGroupFacts({ footer, groupIndex, partitions }: RowGroupPlace): FactsOf {
  const { rowCount } = footer.rowGroup(groupIndex)
  return (seen) =>
    findByName(partitions, seen.column) === undefined
      ? fileFacts({ footer, groupIndex, rowCount }, seen)
      : partitionFacts(partitions, seen, rowCount)
}

/** Undefined when no folder carries the column, or its text is no value of the type. */
function partitionFacts(
  partitions: readonly PartitionText[],
  { column, type }: SeenColumn,
  rowCount: number,
): ColumnFacts | undefined {
  const at = findByName(partitions, column)
  const partition = typeof at === 'number' ? partitions[at] : undefined
  const value = partition && parsePartitionValue(partition.text, type)
  return value === undefined ? undefined : constantFacts(value, rowCount)
}

interface RowGroupOfFile {
  readonly footer: Footer
  readonly groupIndex: number
  readonly rowCount: number
}

/** What the file lacks is null in all its rows; of lists, maps and whole structs nothing is known. */
function fileFacts(
  { footer, groupIndex, rowCount }: RowGroupOfFile,
  seen: SeenColumn,
): ColumnFacts | undefined {
  const found = findLeaf(footer, seen)
  if (found === 'missing') return allNull(rowCount)
  if (found === undefined) return undefined
  const { leaf, leafIndex, type } = found
  const raw = footer.statistics(groupIndex, leafIndex)
  return chunkFacts({ leaf, type, rowCount, raw }, seen.type)
}

/** A column, or a field inside structs, that is not nested itself and lies in no list: it has a value in each row. */
export interface FlatColumn {
  readonly leaf: Leaf
  readonly leafIndex: number
  /** Its Arrow type in the file. */
  readonly type: ArrowType
}

/** Of files that share their columns, what was found for what is seen: the same each time, so it is looked up once. */
const foundLeaves = new WeakMap<
  Footer['columns'],
  WeakMap<object, { readonly leaf: FlatColumn | 'missing' | undefined }>
>()

/** What is flat of that name; its nulls are those of the structs around it too. Undefined: nested, or the name fits two. */
export function findLeaf(
  footer: Footer,
  seen: Pick<SeenColumn, 'column' | 'path'>,
): FlatColumn | 'missing' | undefined {
  const ofColumns = foundLeaves.get(footer.columns) ?? new WeakMap()
  foundLeaves.set(footer.columns, ofColumns)
  const found = ofColumns.get(seen) ?? { leaf: lookUpLeaf(footer, seen) }
  ofColumns.set(seen, found)
  return found.leaf
}

function lookUpLeaf(
  footer: Footer,
  { column: name, path = [] }: Pick<SeenColumn, 'column' | 'path'>,
): FlatColumn | 'missing' | undefined {
  const at = findByName(
    footer.columns.map(({ field }) => field),
    name,
  )
  if (at === undefined) return 'missing'
  const column = at === 'ambiguous' ? undefined : footer.columns[at]
  const inner = column && findInnerField(column.field.type, path)
  if (inner === 'missing') return 'missing'
  if (!column || typeof inner !== 'object') return undefined
  const leafIndex = flatLeaf(footer, column, [column.field.name, ...inner.names])
  const leaf = leafIndex === undefined ? undefined : footer.leaves[leafIndex]
  return leafIndex !== undefined && leaf ? { leaf, leafIndex, type: inner.type } : undefined
}

/** The only leaf with this path, outside of lists. */
function flatLeaf(
  { leaves }: Footer,
  { leafStart, leafEnd }: FileColumn,
  names: readonly string[],
): number | undefined {
  const found: number[] = []
  for (let index = leafStart; index < leafEnd; index++) {
    const { path = [], maxRepetitionLevel = 1 } = leaves[index] ?? {}
    const isHere = path.length === names.length && path.every((name, at) => name === names[at])
    if (isHere && maxRepetitionLevel === 0) found.push(index)
  }
  return found.length === 1 ? found[0] : undefined
}
