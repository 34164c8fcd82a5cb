import {
  DataType,
  DateUnit,
  Field,
  List,
  Map_,
  Precision,
  RecordBatch,
  Schema,
  Struct,
  makeData,
} from 'apache-arrow'
import type { Data, Int } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import type { Value } from './rows.ts'
import { children, typeText } from './supported-types.ts'

/** A record batch of whole rows, each with one value per field; types as `assertSupported` allows. */
export function recordBatch(schema: Schema, rows: readonly (readonly Value[])[]): RecordBatch {
  const columns = schema.fields.map((field, index) =>
    columnData(
      field.type,
      rows.map((row) => row[index] ?? null),
    ),
  )
  const type = new Struct(schema.fields)
  const data = makeData({ type, length: rows.length, nullCount: 0, children: columns })
  return new RecordBatch(schema, data)
}

/** A column in Arrow's memory layout from values in the form that `cellReader` returns. */
export function columnData(type: DataType, values: readonly Value[]): Data {
  const length = values.length
  const nullCount = values.reduce<number>((nulls, value) => nulls + (value === null ? 1 : 0), 0)
  const shared = {
    length,
    nullCount,
    ...(nullCount > 0 && { nullBitmap: bitmap(values, isPresent) }),
  }
  if (DataType.isList(type) || DataType.isMap(type)) {
    const lists = values.map((value) => (value ?? []) as readonly Value[])
    const child = listChild(type, lists.flat())
    return makeData({ type: type as List, ...shared, valueOffsets: offsetsOf(lists), child })
  }
  if (DataType.isStruct(type)) {
    const fields = children(type).map((field) => columnData(field.type, pick(values, field.name)))
    return makeData({ type, ...shared, children: fields })
  }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const bytes = values.map((value) => Buffer.from((value ?? '') as string))
    return makeData({
      type: type as never,
      ...shared,
      valueOffsets: offsetsOf(bytes),
      data: Buffer.concat(bytes),
    })
  }
  return makeData({ type: type as Int, ...shared, data: fixedWidth(type, values) as Int32Array })
}

/** A map's entries are pairs; as a struct they are objects. */
function listChild(type: List | Map_, flat: readonly Value[]): Data {
  const child = children(type)[0]
  if (child === undefined) throw unwritable(type)
  if (!DataType.isMap(type)) return columnData(child.type, flat)
  const [key, value] = children(child.type)
  if (key === undefined || value === undefined) throw unwritable(type)
  return columnData(
    child.type,
    flat.map((entry) => {
      const [left = null, right = null] = entry as readonly Value[]
      return { [key.name]: left, [value.name]: right }
    }),
  )
}

function pick(values: readonly Value[], name: string): Value[] {
  return values.map((value) =>
    value === null ? null : ((value as { readonly [name: string]: Value })[name] ?? null),
  )
}

function fixedWidth(type: DataType, values: readonly Value[]) {
  if (DataType.isBool(type)) return bitmap(values, (value) => value === true)
  if (DataType.isDecimal(type)) return decimalWords(values)
  if (DataType.isFloat(type))
    return type.precision === Precision.SINGLE
      ? Float32Array.from(values, Number)
      : Float64Array.from(values, Number)
  const isDays = DataType.isDate(type) && type.unit === DateUnit.DAY
  if (isDays || (DataType.isInt(type) && type.bitWidth === 32))
    return Int32Array.from(values, Number)
  if (DataType.isInt(type) && type.bitWidth === 16) return Int16Array.from(values, Number)
  if (DataType.isInt(type) && type.bitWidth === 8) return Int8Array.from(values, Number)
  if (DataType.isInt(type) || DataType.isDate(type) || DataType.isTimestamp(type))
    return BigInt64Array.from(values, (value) => BigInt((value ?? 0) as bigint | number))
  throw unwritable(type)
}

function decimalWords(values: readonly Value[]): Uint32Array {
  const words = new BigUint64Array(2 * values.length)
  for (const [index, value] of values.entries()) {
    const unscaled = BigInt(((value ?? '0') as string).replace('.', ''))
    words[2 * index] = BigInt.asUintN(64, unscaled)
    words[2 * index + 1] = BigInt.asUintN(64, unscaled >> 64n)
  }
  return new Uint32Array(words.buffer)
}

function bitmap(values: readonly Value[], isSet: (value: Value) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8))
  for (const [index, value] of values.entries())
    if (isSet(value)) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
  return bits
}

function isPresent(value: Value): boolean {
  return value !== null
}

function offsetsOf(items: readonly { readonly length: number }[]): Int32Array {
  const offsets = new Int32Array(items.length + 1)
  let end = 0
  for (const [index, item] of items.entries()) offsets[index + 1] = end += item.length
  return offsets
}

function unwritable(type: DataType): GatewayError {
  return new GatewayError(
    'unsupported',
    `values of type ${typeText(type)} cannot be written for athena`,
  )
}

/** The same schema with a name for every child: apache-arrow leaves empty names out, and Java fails without. */
export function nameChildren(schema: Schema): Schema {
  return new Schema(schema.fields.map(nameChildrenOf), schema.metadata)
}

function nameChildrenOf(field: Field): Field {
  return new Field(field.name, named(field.type), field.nullable, field.metadata)
}

function named(type: DataType): DataType {
  const inner = children(type).map(nameChildrenOf)
  const first = inner[0]
  if (DataType.isList(type) && first !== undefined)
    return new List(first.name === '' ? first.clone({ name: 'item' }) : first)
  if (DataType.isMap(type) && first !== undefined) return new Map_(first as never, type.keysSorted)
  return DataType.isStruct(type) ? new Struct(inner) : type
}
