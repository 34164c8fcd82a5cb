import type { ArrowType, Field } from '../../service/arrow/arrow-type.ts'
import type { Column } from '../../service/arrow/column.ts'
import { sliceColumn } from '../../service/arrow/slice-column.ts'
import { offsetBytes, valueBytes } from '../../service/arrow/type-width.ts'

/**
 * A row's value: numbers and bigints for what is stored as integers (decimals unscaled, instants in their unit),
 * text, bytes, arrays for lists (and structs, one value a child), pairs for maps; null.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [name: string]: Value }

export const int = (bitWidth: 8 | 16 | 32 | 64, signed = true): ArrowType => ({
  kind: 'int',
  bitWidth,
  signed,
})
export const utf8: ArrowType = { kind: 'utf8' }
export const field = (name: string, type: ArrowType): Field => ({ name, type, nullable: true })
export const listOf = (type: ArrowType): ArrowType => ({ kind: 'list', child: field('item', type) })
export const structOf = (children: Record<string, ArrowType>): ArrowType => ({
  kind: 'struct',
  children: Object.entries(children).map(([name, type]) => field(name, type)),
})
export const mapOf = (key: ArrowType, value: ArrowType): ArrowType => ({
  kind: 'map',
  keysSorted: false,
  entries: {
    name: 'entries',
    nullable: false,
    type: {
      kind: 'struct',
      children: [{ ...field('key', key), nullable: false }, field('value', value)],
    },
  },
})

/** A column of these values; with `before`, one whose first row is not the first of its buffers. */
export function columnOf(
  type: ArrowType,
  values: readonly Value[],
  before: readonly Value[] = [],
): Column {
  const all = [...before, ...values]
  const built = build(type, all)
  return sliceColumn(built, before.length, values.length)
}

function build(type: ArrowType, values: readonly Value[]): Column {
  const nullCount =
    type.kind === 'null' ? values.length : values.filter((value) => value === null).length
  const shell = {
    type,
    rowCount: values.length,
    offset: 0,
    nullCount,
    validity:
      nullCount === 0 || type.kind === 'null' ? null : bits(values.map((value) => value !== null)),
    values: null,
    offsets: null,
    children: [],
  }
  switch (type.kind) {
    case 'null':
      return shell
    case 'bool':
      return { ...shell, values: bits(values.map((value) => value === true)) }
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary': {
      const parts = values.map((value) => bytesOfValue(value))
      return {
        ...shell,
        values: new Uint8Array(Buffer.concat(parts)),
        offsets: offsets(type, parts),
      }
    }
    case 'utf8_view':
    case 'binary_view':
      return { ...shell, ...views(values) }
    case 'list':
    case 'large_list':
    case 'map': {
      const child = type.kind === 'map' ? type.entries.type : type.child.type
      const parts = values.map((value) => (value ?? []) as readonly Value[])
      return { ...shell, offsets: offsets(type, parts), children: [build(child, parts.flat())] }
    }
    case 'fixed_size_list': {
      const empty = Array.from({ length: type.size }, () => null)
      const parts = values.map((value) => (value ?? empty) as readonly Value[])
      return { ...shell, children: [build(type.child.type, parts.flat())] }
    }
    case 'struct':
      return {
        ...shell,
        children: type.children.map((child, i) =>
          build(
            child.type,
            values.map((value) => childValue(value, child.name, i)),
          ),
        ),
      }
    case 'dictionary': {
      const entries = [...new Set(values.filter((value) => value !== null))]
      const indices = values.map((value) => (value === null ? 0 : entries.indexOf(value)))
      return {
        ...shell,
        values: fixed(type, indices, 0),
        children: [build(type.value, entries)],
      }
    }
    default:
      // 0xee stands where a null is: nobody may look at it.
      return { ...shell, values: fixed(type, values, 0xee) }
  }
}

function childValue(value: Value, name: string, index: number): Value {
  if (value === null) return null
  if (Array.isArray(value)) return (value as readonly Value[])[index] ?? null
  return (value as { readonly [name: string]: Value })[name] ?? null
}

function bits(flags: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8))
  flags.forEach((flag, i) => {
    if (flag) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7))
  })
  return bytes
}

function bytesOfValue(value: Value): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  return value instanceof Uint8Array ? value : new Uint8Array(0)
}

function offsets(type: ArrowType, parts: readonly { readonly length: number }[]): Uint8Array {
  const width = offsetBytes(type)
  const bytes = new Uint8Array((parts.length + 1) * width)
  const view = new DataView(bytes.buffer)
  let end = 0
  parts.forEach((part, i) => {
    end += part.length
    if (width === 8) view.setBigInt64((i + 1) * 8, BigInt(end), true)
    else view.setInt32((i + 1) * 4, end, true)
  })
  return bytes
}

function views(values: readonly Value[]): { values: Uint8Array; children: Column[] } {
  const bytes = new Uint8Array(values.length * 16)
  const view = new DataView(bytes.buffer)
  const long: Uint8Array[] = []
  let end = 0
  values.forEach((value, i) => {
    const text = bytesOfValue(value)
    view.setInt32(i * 16, text.length, true)
    bytes.set(text.subarray(0, text.length <= 12 ? 12 : 4), i * 16 + 4)
    if (text.length <= 12) return
    view.setInt32(i * 16 + 12, end, true)
    long.push(text)
    end += text.length
  })
  const buffer = build({ kind: 'binary' }, [new Uint8Array(Buffer.concat(long))])
  return { values: bytes, children: [buffer] }
}

function fixed(type: ArrowType, values: readonly Value[], fill: number): Uint8Array {
  const width = valueBytes(type)
  const bytes = new Uint8Array(values.length * width).fill(fill)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => {
    if (value === null) return
    if (value instanceof Uint8Array) bytes.set(value, i * width)
    else if (type.kind === 'float' && type.bitWidth === 32)
      view.setFloat32(i * 4, Number(value), true)
    else if (type.kind === 'float' && type.bitWidth === 64)
      view.setFloat64(i * 8, Number(value), true)
    else {
      let rest = BigInt(value as number)
      for (let k = 0; k < width; k++, rest >>= 8n) bytes[i * width + k] = Number(rest & 0xffn)
    }
  })
  return bytes
}

/**
 * The column's values, read one by one the slow way: integers as numbers where they are exact, else bigint;
 * bytes as hex; structs and map entries as arrays; a float16 as its bits.
 */
export function readColumn(column: Column): Value[] {
  return Array.from({ length: column.rowCount }, (_, row) => readValue(column, row))
}

function readValue(column: Column, row: number): Value {
  const { type } = column
  const position = column.offset + row
  if (type.kind === 'null') return null
  if (column.validity !== null && column.nullCount > 0 && !bit(column.validity, position))
    return null
  switch (type.kind) {
    case 'bool':
      return bit(column.values ?? new Uint8Array(0), position)
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary': {
      const [start, end] = range(column, position)
      const bytes = Buffer.from(column.values?.subarray(start, end) ?? [])
      return type.kind.endsWith('utf8') ? bytes.toString() : `0x${bytes.toString('hex')}`
    }
    case 'list':
    case 'large_list':
    case 'map':
    case 'fixed_size_list': {
      const [start, end] =
        type.kind === 'fixed_size_list'
          ? [position * type.size, (position + 1) * type.size]
          : range(column, position)
      const child = only(column)
      return Array.from({ length: end - start }, (_, i) => readValue(child, start + i))
    }
    case 'struct':
      return column.children.map((child) => readValue(child, position))
    case 'dictionary':
      return readValue(only(column), Number(readFixed(column, position)))
    default:
      return readFixed(column, position)
  }
}

function only(column: Column): Column {
  const [child] = column.children
  if (child === undefined) throw new Error('a missing child')
  return child
}

function bit(bytes: Uint8Array, index: number): boolean {
  return (((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
}

function range(column: Column, position: number): [number, number] {
  const width = offsetBytes(column.type)
  const view = viewOf(column.offsets)
  const read = (i: number) =>
    width === 8 ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true)
  return [read(position), read(position + 1)]
}

function viewOf(bytes: Uint8Array | null): DataView {
  if (bytes === null) throw new Error('a missing buffer')
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function readFixed(column: Column, position: number): Value {
  const { type } = column
  const width = valueBytes(type)
  const view = viewOf(column.values)
  if (type.kind === 'fixed_size_binary') {
    return `0x${Buffer.from(column.values?.subarray(position * width, (position + 1) * width) ?? []).toString('hex')}`
  }
  if (type.kind === 'float' && type.bitWidth === 32) return view.getFloat32(position * 4, true)
  if (type.kind === 'float' && type.bitWidth === 64) return view.getFloat64(position * 8, true)
  let value = 0n
  for (let k = width - 1; k >= 0; k--)
    value = (value << 8n) | BigInt(view.getUint8(position * width + k))
  const signed = !(type.kind === 'int' && !type.signed) && type.kind !== 'float'
  const exact = signed ? BigInt.asIntN(width * 8, value) : value
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact
}
