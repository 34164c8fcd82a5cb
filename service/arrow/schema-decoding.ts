import { GatewayError } from '../errors.ts'
import type { ArrowType, Field, IntType, Schema } from './arrow-type.ts'
import { type Allowance, FlatTable } from './schema-flat-table.ts'
import {
  CONTINUATION,
  dateUnits,
  defaults,
  dictionarySlots,
  fieldSlots,
  floatWidths,
  HEADER_SCHEMA,
  intervalUnits,
  keyValueSlots,
  messageSlots,
  schemaSlots,
  timeUnits,
  typeIds,
} from './schema-flatbuffer.ts'

/** Fields (nested ones included) and metadata entries of a schema: above any real table, below what would hurt. */
export const SCHEMA_ENTRIES_MAX = 100_000

/** Levels of nesting: parquet-rs and arrow-cpp read no deeper ones in practice. */
export const SCHEMA_DEPTH_MAX = 64

const kindsById: ReadonlyMap<number, string> = new Map(
  Object.entries(typeIds).map(([kind, id]) => [id, kind]),
)

/**
 * Reads an encapsulated IPC schema message, modern (`ffffffff`, length) or legacy (length only) framing. Bytes
 * after the message are left alone. Every offset is checked against the bytes.
 *
 * @throws {GatewayError} `invalid_request` not such a message; `unsupported` a type this gateway has no word for
 *   (unions, run-end encoding, list views) or big-endian data.
 */
export function decodeSchemaMessage(bytes: Uint8Array): Schema {
  const message = FlatTable.root(flatbufferOf(bytes))
  if (message.uint8(messageSlots.headerType, 0) !== HEADER_SCHEMA) {
    throw malformed('it is a message of another kind')
  }
  const schema = message.table(messageSlots.header)
  if (schema === undefined) throw malformed('the schema is missing')
  if (schema.int16(schemaSlots.endianness, 0) !== 0) {
    throw new GatewayError('unsupported', 'big-endian arrow data is not supported')
  }
  const allowance: Allowance = { left: SCHEMA_ENTRIES_MAX }
  const fields = schema
    .tables(schemaSlots.fields, allowance)
    .map((field) => readField(field, allowance, SCHEMA_DEPTH_MAX))
  return { fields, ...readMetadata(schema, schemaSlots.metadata, allowance) }
}

function flatbufferOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) throw malformed('it ends early')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = view.getUint32(0, true) === CONTINUATION ? 8 : 4
  const length = view.getUint32(start - 4, true)
  if (length > bytes.length - start) throw malformed('it ends early')
  return bytes.subarray(start, start + length)
}

function readField(field: FlatTable, allowance: Allowance, depthLeft: number): Field {
  if (depthLeft === 0) throw malformed(`it nests more than ${SCHEMA_DEPTH_MAX} levels deep`)
  const children = field
    .tables(fieldSlots.children, allowance)
    .map((child) => readField(child, allowance, depthLeft - 1))
  const name = field.text(fieldSlots.name) ?? ''
  const value = readType(field, name, children)
  const dictionary = field.table(fieldSlots.dictionary)
  return {
    name,
    type: dictionary === undefined ? value : readDictionary(dictionary, value),
    nullable: field.uint8(fieldSlots.nullable, 0) !== 0,
    ...readMetadata(field, fieldSlots.metadata, allowance),
  }
}

function readDictionary(dictionary: FlatTable, value: ArrowType): ArrowType {
  const index = dictionary.table(dictionarySlots.index)
  return {
    kind: 'dictionary',
    // Schema.fbs: "if this field is null, the indices must be treated as signed int32".
    index: index === undefined ? { kind: 'int', bitWidth: 32, signed: true } : readInt(index),
    value,
    ordered: dictionary.uint8(dictionarySlots.ordered, 0) !== 0,
  }
}

function readType(field: FlatTable, name: string, children: readonly Field[]): ArrowType {
  const id = field.uint8(fieldSlots.typeId, 0)
  const kind = kindsById.get(id) as keyof typeof typeIds | undefined
  if (kind === undefined) {
    throw new GatewayError(
      'unsupported',
      `arrow type ${id} of field ${JSON.stringify(name)} is not supported`,
    )
  }
  const type = field.table(fieldSlots.type)
  if (type === undefined) throw malformed(`field ${JSON.stringify(name)} has no type`)
  switch (kind) {
    case 'list':
    case 'large_list':
      return { kind, child: onlyChild(children, name) }
    case 'fixed_size_list':
      return { kind, size: natural(type.int32(0, 0)), child: onlyChild(children, name) }
    case 'struct':
      return { kind, children }
    case 'map':
      return { kind, entries: mapEntries(children, name), keysSorted: type.uint8(0, 0) !== 0 }
    default:
      return readFlatType(kind, type)
  }
}

type NestedKind = 'list' | 'large_list' | 'fixed_size_list' | 'struct' | 'map'

function readFlatType(kind: Exclude<keyof typeof typeIds, NestedKind>, type: FlatTable): ArrowType {
  switch (kind) {
    case 'int':
      return readInt(type)
    case 'float':
      return { kind, bitWidth: oneOf(floatWidths, type.int16(0, 0)) }
    case 'decimal':
      return readDecimal(type)
    case 'date':
      return { kind, unit: oneOf(dateUnits, type.int16(0, defaults.dateUnit)) }
    case 'time':
      return {
        kind,
        unit: oneOf(timeUnits, type.int16(0, defaults.timeUnit)),
        bitWidth: width([32, 64], type.int32(1, defaults.timeBitWidth)),
      }
    case 'timestamp':
      return { kind, unit: oneOf(timeUnits, type.int16(0, 0)), timezone: type.text(1) || null }
    case 'duration':
      return { kind, unit: oneOf(timeUnits, type.int16(0, defaults.durationUnit)) }
    case 'interval':
      return { kind, unit: oneOf(intervalUnits, type.int16(0, 0)) }
    case 'fixed_size_binary':
      return { kind, byteWidth: natural(type.int32(0, 0)) }
    default:
      return { kind }
  }
}

function readInt(type: FlatTable): IntType {
  return {
    kind: 'int',
    bitWidth: width([8, 16, 32, 64], type.int32(0, 0)),
    signed: type.uint8(1, 0) !== 0,
  }
}

function readDecimal(type: FlatTable): ArrowType {
  return {
    kind: 'decimal',
    precision: natural(type.int32(0, 0)),
    scale: type.int32(1, 0),
    bitWidth: width([32, 64, 128, 256], type.int32(2, defaults.decimalBitWidth)),
  }
}

function readMetadata(
  table: FlatTable,
  slot: number,
  allowance: Allowance,
): { metadata?: Readonly<Record<string, string>> } {
  const entries = table
    .tables(slot, allowance)
    .map((entry): [string, string] => [
      entry.text(keyValueSlots.key) ?? '',
      entry.text(keyValueSlots.value) ?? '',
    ])
  return entries.length === 0 ? {} : { metadata: Object.fromEntries(entries) }
}

function onlyChild(children: readonly Field[], name: string): Field {
  const [child] = children
  if (child === undefined || children.length !== 1) {
    throw malformed(`list ${JSON.stringify(name)} has ${children.length} children`)
  }
  return child
}

function mapEntries(children: readonly Field[], name: string): Field {
  const entries = onlyChild(children, name)
  if (entries.type.kind !== 'struct' || entries.type.children.length !== 2) {
    throw malformed(`map ${JSON.stringify(name)} has no entries of key and value`)
  }
  return entries
}

function oneOf<T>(values: readonly T[], number: number): T {
  const value = values[number]
  if (value === undefined) throw malformed(`there is no unit ${number}`)
  return value
}

function width<T extends number>(widths: readonly T[], bits: number): T {
  const found = widths.find((each) => each === bits)
  if (found === undefined) throw malformed(`there is no width of ${bits} bits`)
  return found
}

function natural(number: number): number {
  if (number < 0) throw malformed(`a size is ${number}`)
  return number
}

function malformed(what: string): GatewayError {
  return new GatewayError('invalid_request', `not an arrow schema message: ${what}`)
}
