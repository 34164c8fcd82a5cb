import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import type { TableDescription } from '../catalog/catalog.ts'
import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import { suggestion } from '../predicate/sql-columns.ts'

/**
 * A table's columns as its files have them, partition columns last. Dictionary-encoded columns are decoded, as not
 * every client can read dictionaries; when they are to be kept, those of utf8 and binary that are no part of another
 * column stay, with int32 indexes and in no order. Where only a sample of the files was looked at, nothing is promised
 * to be never null.
 */
export function tableFields(
  description: TableDescription,
  keepsDictionaries = false,
): readonly Field[] {
  const { fields, partitionFields, fileCount, sampledFileCount } = description
  const isWhole = sampledFileCount >= fileCount
  return [...fields, ...partitionFields].map((field) => {
    const opened = openField(field, isWhole)
    const isKept = keepsDictionaries && field.type.kind === 'dictionary' && isCoded(opened.type)
    return isKept ? { ...opened, type: dictionaryOf(opened.type) } : opened
  })
}

function isCoded({ kind }: ArrowType): boolean {
  return kind === 'utf8' || kind === 'binary'
}

function dictionaryOf(value: ArrowType): ArrowType {
  return {
    kind: 'dictionary',
    index: { kind: 'int', bitWidth: 32, signed: true },
    value,
    ordered: false,
  }
}

/** Fields with the values of dictionaries in their place, and which those are. */
export function plainColumns(fields: readonly Field[]): {
  readonly fields: readonly Field[]
  readonly dictionaries: readonly number[]
} {
  const dictionaries = [...fields.keys()].filter((at) => fields[at]?.type.kind === 'dictionary')
  const plain = fields.map((field) =>
    field.type.kind === 'dictionary' ? { ...field, type: field.type.value } : field,
  )
  return { fields: plain, dictionaries }
}

function openField(field: Field, isWhole: boolean): Field {
  return {
    ...field,
    type: openType(field.type, isWhole),
    nullable: field.nullable || !isWhole,
  }
}

function openType(type: ArrowType, isWhole: boolean): ArrowType {
  switch (type.kind) {
    case 'dictionary':
      return openType(type.value, isWhole)
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return { ...type, child: openField(type.child, isWhole) }
    case 'struct':
      return { ...type, children: type.children.map((child) => openField(child, isWhole)) }
    case 'map':
      return { ...type, entries: openEntries(type.entries, isWhole) }
    default:
      return type
  }
}

/** A map's entries and keys are never null. */
function openEntries(entries: Field, isWhole: boolean): Field {
  if (entries.type.kind !== 'struct') return entries
  const children = entries.type.children.map((child, index) => ({
    ...openField(child, isWhole),
    nullable: index > 0 && (child.nullable || !isWhole),
  }))
  return { ...entries, nullable: false, type: { kind: 'struct', children } }
}

/**
 * The wanted columns under the names the files have, in the wanted order.
 *
 * @throws {GatewayError} `invalid_request` there is no such column, two that differ only by case, or one is wanted
 *   twice.
 */
export function selectFields(
  table: TableName,
  fields: readonly Field[],
  wanted: readonly string[],
): readonly Field[] {
  const find = fieldFinder(fields)
  const chosen = new Set<Field>()
  for (const name of wanted) {
    const field = find(name)
    if (field === undefined) throw unknownColumn(table, name, fields)
    if (field === 'ambiguous') throw ambiguousColumn(table, name, fields)
    if (chosen.has(field)) {
      throw new GatewayError('invalid_request', `the column "${field.name}" is wanted twice`)
    }
    chosen.add(field)
  }
  return [...chosen]
}

/** Many names are looked up in one pass over the table's. */
function fieldFinder(fields: readonly Field[]): (name: string) => Field | 'ambiguous' | undefined {
  const byLower = new Map<string, Field[]>()
  for (const field of fields) {
    const lower = field.name.toLowerCase()
    byLower.set(lower, [...(byLower.get(lower) ?? []), field])
  }
  return (name) => {
    const alike = byLower.get(name.toLowerCase()) ?? []
    const at = findByName(alike, name)
    return at === 'ambiguous' || at === undefined ? at : alike[at]
  }
}

function unknownColumn(table: TableName, name: string, fields: readonly Field[]): GatewayError {
  return new GatewayError(
    'invalid_request',
    `${formatTableName(table)} has no column "${cut(name)}"${suggestion(name, fields)}`,
  )
}

function ambiguousColumn(table: TableName, name: string, fields: readonly Field[]): GatewayError {
  const lower = name.toLowerCase()
  const alike = fields.filter((field) => field.name.toLowerCase() === lower)
  const names = alike.map((field) => `"${cut(field.name)}"`).join(' and ')
  return new GatewayError(
    'invalid_request',
    `${formatTableName(table)} has the columns ${names}, either may be "${cut(name)}"; write one of them exactly`,
  )
}

const NAME_CHARACTERS_MAX = 200

/** Messages travel in headers, which are short. */
function cut(name: string): string {
  return name.length > NAME_CHARACTERS_MAX ? `${name.slice(0, NAME_CHARACTERS_MAX - 1)}…` : name
}
