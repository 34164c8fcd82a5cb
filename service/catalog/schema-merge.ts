import type { Field } from '../arrow/arrow-type.ts'
import { formatType } from '../arrow/format-type.ts'
import { findColumn, mergeField } from './merge-types.ts'

/** The columns of one file. */
export interface SchemaPart {
  /** Names the file in messages. */
  readonly source: string
  readonly fields: readonly Field[]
}

/** A column that two files have in types that do not go together, or that one file has twice. */
export interface SchemaConflict {
  /** The column's name as the table has it. */
  readonly column: string
  readonly sources: readonly [string, string]
  /** Types as people read them, in the order of `sources`. */
  readonly types: readonly [string, string]
}

export interface MergedSchema {
  /** In order of first appearance; a conflicting column keeps the type it has first. */
  readonly fields: readonly Field[]
  /** One a column at most. */
  readonly conflicts: readonly SchemaConflict[]
}

/** One schema of many files, by the rules of `mergeTypes`. Columns that a file lacks are nullable. */
export function mergeSchemas(parts: readonly SchemaPart[]): MergedSchema {
  const columns: MergedColumn[] = []
  for (const { source, fields } of parts) {
    const known = columns.map(({ field }) => field)
    for (const field of fields) addColumn(columns, { field, source, known, siblings: fields })
  }
  const fields = columns.map(({ field, partCount }): Field => {
    return partCount < parts.length ? { ...field, nullable: true } : field
  })
  return { fields, conflicts: columns.flatMap(({ conflict }) => conflict ?? []) }
}

interface MergedColumn {
  field: Field
  /** The file that has the column first. */
  readonly firstSource: string
  /** The file that had it last. */
  lastSource: string
  partCount: number
  conflict?: SchemaConflict
}

interface NewColumn {
  readonly field: Field
  readonly source: string
  /** The columns before this file. */
  readonly known: readonly Field[]
  /** All columns of this file. */
  readonly siblings: readonly Field[]
}

function addColumn(columns: MergedColumn[], added: NewColumn): void {
  const { field, source, known, siblings } = added
  const at = findColumn(known, field, siblings) ?? columns.findIndex((one) => isTwice(one, added))
  const column = columns[at]
  if (!column) {
    columns.push({ field, firstSource: source, lastSource: source, partCount: 1 })
    return
  }
  const merged = column.lastSource === source ? undefined : mergeField(column.field, field)
  if (merged) column.field = merged
  else column.conflict ??= conflictOf(column, added)
  if (column.lastSource !== source) column.partCount += 1
  column.lastSource = source
}

/** A name that stands twice in one file. */
function isTwice(column: MergedColumn, { field, source }: NewColumn): boolean {
  return column.lastSource === source && column.field.name === field.name
}

function conflictOf({ field, firstSource }: MergedColumn, added: NewColumn): SchemaConflict {
  return {
    column: field.name,
    sources: [firstSource, added.source],
    types: [formatType(field.type), formatType(added.field.type)],
  }
}
