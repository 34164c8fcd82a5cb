import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { canCast } from '../arrow/cast.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { formatType } from '../arrow/format-type.ts'
import { findInnerField } from '../arrow/inner-field.ts'
import { partitionsOf } from '../catalog/partitions.ts'
import { GatewayError } from '../errors.ts'
import type { Footer } from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { undecidedTerms } from '../planning/prune.ts'
import type { ColumnReference, Predicate } from '../predicate/predicate.ts'
import { and, presenceOnly, referencesOf } from '../predicate/predicate.ts'
import { type ColumnMatch, matchColumns } from './match-columns.ts'
import type { FilterColumn, PieceFilter } from './scan-job.ts'
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
  const seenColumns = references.map((reference) => seenColumn(reference, file))
  const filterColumns = seenColumns.flatMap(({ from }) => from ?? [])
  const { columnIndexes, sources } = matchColumns({
    columns: [...request.columns, ...filterColumns],
    fileColumns: footer.columns,
    object,
    prefix: request.split.prefix,
  })
  const match = { columnIndexes, sources: sources.slice(0, request.columns.length) }
  if (undecided.length === 0) return match
  const ofFilter = sources.slice(request.columns.length).values()
  const columns = seenColumns.map(({ reference, from, inside, constantType }): FilterColumn => ({
    column: reference.column,
    ...(reference.path && { path: reference.path }),
    type: reference.type,
    source: (from && ofFilter.next().value) ?? { kind: 'constant', value: null },
    ...(inside && { inside }),
    constantType,
  }))
  return { ...match, filter: { terms: undecided, columns } }
}

/** What a filter looks at, as the file has it. */
interface SeenInFile extends Pick<FilterColumn, 'inside' | 'constantType'> {
  readonly reference: ColumnReference
  /** Absent: the file has nothing of it. */
  readonly from?: ScanColumn
}

function seenColumn(reference: ColumnReference, file: FileToMatch): SeenInFile {
  if (reference.path) return seenField(reference, reference.path, file)
  const from = filterColumn(reference, file)
  return { reference, from, constantType: from.field.type }
}

function seenField(
  reference: ColumnReference,
  path: readonly string[],
  { footer, object }: FileToMatch,
): SeenInFile {
  const { column: name, type } = reference
  const constantType: ArrowType = type.kind === presenceOnly.kind ? { kind: 'utf8' } : type
  const found = findField(footer, name)
  // Which of two columns is meant is asked where all columns are found.
  const fileType = typeof found === 'object' ? found.type : constantType
  const from: ScanColumn = {
    field: { name, type: fileType, nullable: true },
    from: { kind: 'file' },
  }
  if (found === 'ambiguous') return { reference, from, constantType }
  const inner = found && findInnerField(fileType, path)
  if (!found || inner === 'missing') return { reference, constantType }
  if (typeof inner === 'object' && canSee(inner.type, type)) {
    return { reference, from, inside: inner.indexes, constantType }
  }
  const place = [name, ...path].map((part) => `"${part}"`).join('.')
  throw new GatewayError(
    'unsupported',
    `${object.bucket}/${object.key} has "${found.name}" as ${formatType(fileType)}, in which ${place} is no ${formatType(constantType)}; leave it out of the filter or rewrite the file`,
  )
}

function canSee(type: ArrowType, as: ArrowType): boolean {
  return as.kind === presenceOnly.kind || canCast(type, as)
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
  const found = findField(footer, column)
  return typeof found === 'object' ? found.type : { kind: 'utf8' }
}

function findField({ columns }: Footer, name: string): Field | 'ambiguous' | undefined {
  const fields = columns.map(({ field }) => field)
  const index = findByName(fields, name)
  return typeof index === 'number' ? fields[index] : index
}
