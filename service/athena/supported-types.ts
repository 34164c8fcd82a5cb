import { DataType, DateUnit, Precision, TimeUnit } from 'apache-arrow'
import type { Field, Schema } from 'apache-arrow'
import { broken } from './broken-rule.ts'

/**
 * Refuses a type that Athena cannot take, children included: the list of the reference implementation,
 * checked there on every GetTable response. `column` names it in messages.
 */
export function assertSupported(field: Field, column: string): void {
  if (athenaType(field.type) === undefined)
    throw broken('supported_types', `column ${column} is ${field.type}, which athena cannot take`)
  if (DataType.isMap(field.type)) assertMap(field, column)
  for (const child of children(field.type)) assertSupported(child, `${column}.${child.name}`)
}

/** Java's map vectors take neither nullable entries nor nullable keys. */
function assertMap(field: Field, column: string): void {
  const [entries] = children(field.type)
  const [key] = entries === undefined ? [] : children(entries.type)
  if (entries === undefined || entries.nullable || key === undefined || key.nullable)
    throw broken(
      'supported_types',
      `column ${column}: a map's entries and keys must not be nullable`,
    )
}

/** Everything Athena asks of a table's columns; returns what works but is worth a warning. */
export function checkColumns(schema: Schema, partitionColumns: readonly string[]): string[] {
  const names = schema.fields.map((field) => field.name)
  for (const field of schema.fields) {
    assertReachable('column', field.name)
    assertSupported(field, field.name)
  }
  assertUnique('column', names)
  assertUnique('partition column', partitionColumns)
  for (const name of partitionColumns)
    if (!names.includes(name))
      throw broken(
        'partition_columns',
        `partition column ${name} is not among the columns ${columnNames(schema)}`,
      )
  if (names.length === partitionColumns.length)
    throw broken(
      'partition_columns',
      `no column besides the partition columns ${columnNames(schema)}`,
    )
  return schema.fields.filter(holdsMicroseconds).map(unpackable)
}

/** Refuses a name that no query can reach. */
export function assertReachable(what: string, name: string): void {
  if (name === '') throw broken('names', `a ${what} has no name`)
  if (name !== name.toLowerCase())
    throw broken('names', `${what} "${name}" has upper-case letters; athena cannot reach it`)
}

export function assertUnique(what: string, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw broken('names', `${what} "${name}" is there twice`)
    seen.add(name)
  }
}

function holdsMicroseconds(field: Field): boolean {
  return (
    (DataType.isTimestamp(field.type) && field.type.unit === TimeUnit.MICROSECOND) ||
    children(field.type).some(holdsMicroseconds)
  )
}

function unpackable(field: Field): string {
  return `column ${field.name} holds microseconds with a zone: it passes the type check but cannot carry a packed zone`
}

/** Fields inside a nested type, in order; none for others. */
export function children(type: DataType): readonly Field[] {
  return (type.children as Field[] | null | undefined) ?? []
}

/** The type as a column of an Athena table shows it, or undefined for types that Athena cannot take. */
export function athenaType(type: DataType): string | undefined {
  return scalarType(type) ?? nestedType(type)
}

const integers: Readonly<Record<number, string>> = {
  8: 'tinyint',
  16: 'smallint',
  32: 'integer',
  64: 'bigint',
}

function scalarType(type: DataType): string | undefined {
  if (DataType.isBool(type)) return 'boolean'
  if (DataType.isInt(type)) return type.isSigned ? integers[type.bitWidth] : undefined
  if (DataType.isFloat(type)) return floatType(type.precision)
  if (DataType.isDecimal(type))
    return type.bitWidth === 128 ? `decimal(${type.precision},${type.scale})` : undefined
  if (DataType.isUtf8(type)) return 'varchar'
  if (DataType.isBinary(type)) return 'varbinary'
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY ? 'date' : 'timestamp(3)'
  return DataType.isTimestamp(type) ? zonedType(type.unit, type.timezone) : undefined
}

function floatType(precision: Precision): string | undefined {
  if (precision === Precision.HALF) return undefined
  return precision === Precision.SINGLE ? 'real' : 'double'
}

function zonedType(unit: TimeUnit, timezone: string | null | undefined): string | undefined {
  const millisecondsOrMicroseconds = unit === TimeUnit.MILLISECOND || unit === TimeUnit.MICROSECOND
  return timezone && millisecondsOrMicroseconds ? 'timestamp(3) with time zone' : undefined
}

function nestedType(type: DataType): string | undefined {
  const inner = children(type).map((child) => athenaType(child.type) ?? typeText(child.type))
  if (DataType.isList(type)) return `array(${inner[0]})`
  if (DataType.isMap(type)) {
    const [key, value] = children(children(type)[0]?.type ?? type)
    return key && value ? `map(${athenaType(key.type)},${athenaType(value.type)})` : undefined
  }
  if (!DataType.isStruct(type)) return undefined
  return `row(${children(type)
    .map((child, index) => `${child.name} ${inner[index]}`)
    .join(',')})`
}

/** Refuses a block whose columns are not the ones asked for: same names, order and types. */
export function assertProjection(wanted: Schema, found: Schema, what: string): void {
  if (wanted.fields.length !== found.fields.length)
    throw broken(
      'projection',
      `${what} has ${columnNames(found)}, asked for were ${columnNames(wanted)}`,
    )
  for (const [index, field] of wanted.fields.entries()) {
    const other = found.fields[index]
    const difference = other === undefined ? 'missing' : differs(field, other, true)
    if (difference !== undefined)
      throw broken(
        'projection',
        `${what}, column ${index + 1} of ${columnNames(wanted)}: ${difference}`,
      )
  }
}

function columnNames(schema: Schema): string {
  return `(${schema.fields.map((field) => field.name).join(', ')})`
}

/** Arrow's own name of a type, for messages. */
export function typeText(type: { toString(): string }): string {
  return type.toString()
}

/** Children of lists and maps may be called anything; those of structs have the names that were asked for. */
function differs(wanted: Field, found: Field, named: boolean): string | undefined {
  if (named && wanted.name !== found.name)
    return `"${found.name}" stands where "${wanted.name}" belongs`
  const inner = children(wanted.type)
  const others = children(found.type)
  if (!sameType(wanted.type, found.type) || inner.length !== others.length)
    return `"${wanted.name}" is ${found.type}, not ${wanted.type}`
  return inner
    .map((child, index) => {
      const other = others[index]
      return other === undefined ? 'missing' : differs(child, other, DataType.isStruct(wanted.type))
    })
    .find((difference) => difference !== undefined)
}

/** The types themselves, without children; nested types only have to be of one kind. */
function sameType(left: DataType, right: DataType): boolean {
  if (left.typeId !== right.typeId) return false
  return children(left).length > 0 || scalarName(left) === scalarName(right)
}

/** Arrow's own text of a decimal leaves its width out. */
function scalarName(type: DataType): string {
  return DataType.isDecimal(type)
    ? `decimal${type.bitWidth}(${type.precision},${type.scale})`
    : typeText(type)
}
