import type { ArrowType } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import type { PartitionText } from '../catalog/partitions.ts'
import { parsePartitionValue } from '../catalog/partitions.ts'
import type { FileColumn, Footer, Leaf } from '../footers/footer.ts'
import type { Predicate } from '../predicate/predicate.ts'
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
  return verdictOf(predicate, (column, type) => partitionFacts(partitions, { column, type }, 1))
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
  return (column, type) =>
    findByName(partitions, column) === undefined
      ? fileFacts({ footer, groupIndex, rowCount }, column, type)
      : partitionFacts(partitions, { column, type }, rowCount)
}

/** Undefined when no folder carries the column, or its text is no value of the type. */
function partitionFacts(
  partitions: readonly PartitionText[],
  { column, type }: { readonly column: string; readonly type: ArrowType },
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

/** A column that the file lacks is null in all its rows; of nested columns nothing is known. */
function fileFacts(
  { footer, groupIndex, rowCount }: RowGroupOfFile,
  name: string,
  type: ArrowType,
): ColumnFacts | undefined {
  const found = findLeaf(footer, name)
  if (found === 'missing') return allNull(rowCount)
  if (found === undefined) return undefined
  const raw = footer.statistics(groupIndex, found.leafIndex)
  return chunkFacts({ ...found, rowCount, raw }, type)
}

/** A top-level column that is not nested. */
export interface FlatColumn {
  readonly leaf: Leaf
  readonly leafIndex: number
  /** Its Arrow type in the file. */
  readonly type: ArrowType
}

/** The flat column of that name; undefined: nested, or the name fits two. */
export function findLeaf(footer: Footer, name: string): FlatColumn | 'missing' | undefined {
  const at = findByName(
    footer.columns.map(({ field }) => field),
    name,
  )
  if (at === undefined) return 'missing'
  const column = at === 'ambiguous' ? undefined : footer.columns[at]
  const leaf = column && isPrimitive(column) ? footer.leaves[column.leafStart] : undefined
  if (!column || !leaf || leaf.path.length !== 1 || leaf.maxRepetitionLevel > 0) return undefined
  return { leaf, leafIndex: column.leafStart, type: column.field.type }
}

function isPrimitive({ leafStart, leafEnd }: FileColumn): boolean {
  return leafEnd - leafStart === 1
}
