import type { Field } from '../arrow/arrow-type.ts'
import { canCast } from '../arrow/cast.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { formatType } from '../arrow/format-type.ts'
import type { ConstantValue } from '../arrow/make-column.ts'
import { parsePartitionValue, partitionsOf } from '../catalog/partitions.ts'
import { GatewayError } from '../errors.ts'
import type { FileColumn } from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { ColumnSource } from './scan-job.ts'
import type { ScanColumn } from './scan-request.ts'

/** Which columns of a file are decoded, and what becomes of them. */
export interface ColumnMatch {
  /** Top-level columns of the file, ascending. */
  readonly columnIndexes: readonly number[]
  /** One for each wanted column. */
  readonly sources: readonly ColumnSource[]
}

export interface MatchRequest {
  readonly columns: readonly ScanColumn[]
  readonly fileColumns: readonly FileColumn[]
  readonly object: ObjectVersion
  /** The table's folder. */
  readonly prefix: string
}

/**
 * Finds the wanted columns in one file and in the folders above it.
 *
 * @throws {GatewayError} `unsupported` a name fits two columns, or types contradict each other; `unreadable_file` a
 *   column that is never null is missing.
 */
export function matchColumns(request: MatchRequest): ColumnMatch {
  const fields = request.fileColumns.map(({ field }) => field)
  const found = request.columns.map(({ field, from }) =>
    from.kind === 'file' ? findInFile(field, fields, request.object) : undefined,
  )
  const columnIndexes = [...new Set(found.filter((index) => index !== undefined))].toSorted(
    (a, b) => a - b,
  )
  const sources = request.columns.map(({ field, from }, i): ColumnSource => {
    const index = found[i]
    if (index !== undefined) return { kind: 'decoded', index: columnIndexes.indexOf(index) }
    const value = from.kind === 'partition' ? partitionValue(field, from.partition, request) : null
    return { kind: 'constant', value }
  })
  return { columnIndexes, sources }
}

function findInFile(
  wanted: Field,
  fields: readonly Field[],
  { bucket, key }: ObjectVersion,
): number | undefined {
  const index = findByName(fields, wanted.name)
  if (index === 'ambiguous') {
    const lower = wanted.name.toLowerCase()
    const names = fields.filter(({ name }) => name.toLowerCase() === lower).map(({ name }) => name)
    throw new GatewayError(
      'unsupported',
      `${bucket}/${key} has the columns "${names.join('" and "')}", either may be "${wanted.name}"; rename one of them`,
    )
  }
  const field = index === undefined ? undefined : fields[index]
  if (field === undefined) {
    if (wanted.nullable) return undefined
    throw new GatewayError(
      'unreadable_file',
      `${bucket}/${key} has no column "${wanted.name}", which is never null in its table; rewrite the file`,
    )
  }
  if (!canCast(field.type, wanted.type)) {
    throw new GatewayError(
      'unsupported',
      `${bucket}/${key} has the column "${field.name}" as ${formatType(field.type)}, which cannot become ${formatType(wanted.type)}; leave the column out or rewrite the file`,
    )
  }
  return index
}

function partitionValue(
  field: Field,
  partition: string,
  { object, prefix }: MatchRequest,
): ConstantValue {
  const partitions = partitionsOf(object.key, prefix)
  const index = findByName(partitions, partition)
  if (index === 'ambiguous') {
    throw new GatewayError(
      'unsupported',
      `${object.bucket}/${object.key} has more than one folder for the column "${partition}"; move the file`,
    )
  }
  const text = index === undefined ? null : (partitions[index]?.text ?? null)
  const value = parsePartitionValue(text, field.type)
  if (value === undefined) {
    throw new GatewayError(
      'unsupported',
      `${object.bucket}/${object.key}: the folder "${partition}=${text}" is no ${formatType(field.type)}; plan again, or rename the folder`,
    )
  }
  return value
}
