import type { ArrowType } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { partitionsOf } from '../catalog/partitions.ts'
import type { Footer } from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { undecidedTerms } from '../planning/prune.ts'
import type { ColumnReference, Predicate } from '../predicate/predicate.ts'
import { and, presenceOnly, referencesOf } from '../predicate/predicate.ts'
import { type ColumnMatch, matchColumns } from './match-columns.ts'
import type { PieceFilter } from './scan-job.ts'
import type { ScanColumn, ScanRequest } from './scan-request.ts'

/** Which columns of a file are decoded for a row group, for the answer and for what is left to filter. */
export interface PieceMatch extends ColumnMatch {
  /** Absent: all rows match. */
  readonly filter?: PieceFilter
}

export interface FileToMatch {
  readonly request: ScanRequest
  /** All must be true of a row. */
  readonly terms: readonly Predicate[]
  readonly footer: Footer
  readonly object: ObjectVersion
}

/**
 * Matches the row groups of one file; undefined for those in which no row can match. Terms that statistics and
 * folders decide need no columns.
 *
 * @throws {GatewayError} what {@link matchColumns} throws.
 */
export function pieceMatcher(file: FileToMatch): (groupIndex: number) => PieceMatch | undefined {
  const { request, terms, footer, object } = file
  const partitions = terms.length === 0 ? [] : partitionsOf(object.key, request.split.prefix)
  const known = new Map<string, PieceMatch>()
  return (groupIndex) => {
    const undecided = undecidedTerms(terms, { footer, groupIndex, partitions })
    if (undecided === undefined) return undefined
    const key = undecided.join()
    const match = known.get(key) ?? matchPiece(file, undecided)
    known.set(key, match)
    return match
  }
}

function matchPiece(file: FileToMatch, undecided: readonly number[]): PieceMatch {
  const { request, footer, object } = file
  const terms = file.terms.filter((_, index) => undecided.includes(index))
  const references = referencesOf(and(terms))
  const filterColumns = references.map((reference) => filterColumn(reference, file))
  const { columnIndexes, sources } = matchColumns({
    columns: [...request.columns, ...filterColumns],
    fileColumns: footer.columns,
    object,
    prefix: request.split.prefix,
  })
  const match = { columnIndexes, sources: sources.slice(0, request.columns.length) }
  if (undecided.length === 0) return match
  const columns = references.map(({ column, type }, index) => ({
    column,
    type,
    source: sources[request.columns.length + index] ?? { kind: 'constant' as const, value: null },
    constantType: filterColumns[index]?.field.type ?? type,
  }))
  return { ...match, filter: { terms: undecided, columns } }
}

function filterColumn({ column, type }: ColumnReference, file: FileToMatch): ScanColumn {
  const { partitionColumns } = file.request.split
  const partition = partitionColumns.find((name) => name.toLowerCase() === column.toLowerCase())
  const from = partition === undefined ? { kind: 'file' as const } : partitionSource(partition)
  return { field: { name: column, type: seenAs(column, type, file), nullable: true }, from }
}

function partitionSource(partition: string) {
  return { kind: 'partition' as const, partition }
}

/** Where only presence counts, the type that the column has there anyway. */
function seenAs(column: string, type: ArrowType, { footer }: FileToMatch): ArrowType {
  if (type.kind !== presenceOnly.kind) return type
  const fields = footer.columns.map(({ field }) => field)
  const index = findByName(fields, column)
  return (typeof index === 'number' ? fields[index]?.type : undefined) ?? { kind: 'utf8' }
}
