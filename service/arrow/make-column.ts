import assert from 'node:assert'
import type { ArrowType } from './arrow-type.ts'
import { bitmapBytes, setBits } from './bitmap.ts'
import type { Column } from './column.ts'
import { bytesOf } from './typed-views.ts'
import { offsetBytes, valueBytes } from './type-width.ts'

/** One value, as it is stored: decimals unscaled, times and timestamps in their unit, packed ones packed. */
export type ConstantValue = null | bigint | number | string | boolean | Uint8Array

/** So many rows of null. */
export function nullColumn(type: ArrowType, rowCount: number): Column {
  const width = valueBytes(type)
  const isNull = type.kind === 'null'
  return {
    type,
    rowCount,
    offset: 0,
    nullCount: rowCount,
    validity: isNull || rowCount === 0 ? null : new Uint8Array(bitmapBytes(rowCount)),
    values: hasValues(type)
      ? new Uint8Array(type.kind === 'bool' ? bitmapBytes(rowCount) : rowCount * width)
      : null,
    offsets: offsetBytes(type) === 0 ? null : new Uint8Array((rowCount + 1) * offsetBytes(type)),
    children: nullChildren(type, rowCount),
  }
}

function hasValues(type: ArrowType): boolean {
  switch (type.kind) {
    case 'null':
    case 'struct':
    case 'list':
    case 'large_list':
    case 'map':
    case 'fixed_size_list':
      return false
    default:
      return true
  }
}

function nullChildren(type: ArrowType, rowCount: number): Column[] {
  switch (type.kind) {
    case 'struct':
      return type.children.map((child) => nullColumn(child.type, rowCount))
    case 'fixed_size_list':
      return [nullColumn(type.child.type, rowCount * type.size)]
    case 'list':
    case 'large_list':
      return [nullColumn(type.child.type, 0)]
    case 'map':
      return [nullColumn(type.entries.type, 0)]
    case 'dictionary':
      return [nullColumn(type.value, 1)]
    default:
      return []
  }
}

/** So many rows of one value. Not for nested types. */
export function constantColumn(type: ArrowType, rowCount: number, value: ConstantValue): Column {
  if (value === null) return nullColumn(type, rowCount)
  const shell = { type, rowCount, offset: 0, nullCount: 0, validity: null, children: [] }
  if (type.kind === 'bool') {
    const values = new Uint8Array(bitmapBytes(rowCount))
    if (value === true) setBits(values, 0, rowCount)
    return { ...shell, values, offsets: null }
  }
  if (type.kind === 'utf8' || type.kind === 'binary') {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    assert(bytes instanceof Uint8Array, `a constant ${type.kind} must be text or bytes`)
    const offsets = Int32Array.from({ length: rowCount + 1 }, (_, row) => row * bytes.length)
    return { ...shell, values: repeated(bytes, rowCount), offsets: bytesOf(offsets) }
  }
  return { ...shell, values: repeated(storedBytes(type, value), rowCount), offsets: null }
}

function repeated(bytes: Uint8Array, count: number): Uint8Array {
  const target = new Uint8Array(bytes.length * count)
  if (bytes.length > 0 && count > 0) Buffer.from(target.buffer).fill(bytes)
  return target
}

function storedBytes(type: ArrowType, value: Exclude<ConstantValue, null>): Uint8Array {
  const width = valueBytes(type)
  assert(width > 0, `no constants of ${type.kind}`)
  if (value instanceof Uint8Array) {
    assert(value.length === width, `a constant ${type.kind} of ${value.length} bytes`)
    return value
  }
  assert(typeof value === 'number' || typeof value === 'bigint', `a constant ${type.kind} of text`)
  const bytes = new Uint8Array(width)
  if (type.kind === 'float') {
    assert(type.bitWidth !== 16, 'no constants of float16')
    const view = new DataView(bytes.buffer)
    if (type.bitWidth === 32) view.setFloat32(0, Number(value), true)
    else view.setFloat64(0, Number(value), true)
    return bytes
  }
  let rest = BigInt(value)
  for (let i = 0; i < width; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}
