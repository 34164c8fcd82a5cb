import type { ArrowType, TimeUnit } from '../../service/arrow/arrow-type.ts'
import type { Column } from '../../service/arrow/column.ts'

/** A value in the canonical form of the golden files' README: what JSON holds. */
export type Canonical =
  | null
  | boolean
  | number
  | string
  | readonly Canonical[]
  | { readonly [name: string]: Canonical }

/** The rows of a batch of columns, each an array of canonical values. */
export function canonicalRows(columns: readonly Column[]): Canonical[][] {
  const rowCount = columns[0]?.rowCount ?? 0
  return Array.from({ length: rowCount }, (_, row) =>
    columns.map((column) => canonicalValue(column, row)),
  )
}

/** The value at a column's logical row. */
export function canonicalValue(column: Column, row: number): Canonical {
  const at = column.offset + row
  if (column.type.kind === 'null') return null
  if (column.validity !== null && !bit(column.validity, at)) return null
  return valueAt(column, at)
}

function valueAt(column: Column, at: number): Canonical {
  const { type } = column
  switch (type.kind) {
    case 'null':
      return null
    case 'bool':
      return bit(bytesOf(column), at)
    case 'int':
      return integer(integerAt(column, at, type))
    case 'float':
      return float(floatAt(column, at, type.bitWidth))
    case 'decimal':
      return decimal(littleEndian(column, at, type.bitWidth / 8, true), type.scale)
    case 'utf8':
    case 'large_utf8':
      return text(variableAt(column, at))
    case 'binary':
    case 'large_binary':
      return hex(variableAt(column, at))
    case 'fixed_size_binary':
      return hex(bytesOf(column).subarray(at * type.byteWidth, (at + 1) * type.byteWidth))
    case 'date':
    case 'time':
    case 'timestamp':
    case 'duration':
      return temporal(column, at, type)
    case 'list':
    case 'large_list':
    case 'map':
    case 'fixed_size_list':
      return list(column, at)
    case 'struct':
      return struct(column, at)
    case 'dictionary':
      return canonicalValue(
        child(column, 0),
        Number(littleEndian(column, at, type.index.bitWidth / 8, type.index.signed)),
      )
    case 'interval':
    case 'utf8_view':
    case 'binary_view':
      throw new Error(`no canonical form of ${type.kind}`)
  }
}

function bit(bitmap: Uint8Array, at: number): boolean {
  return (((bitmap[at >> 3] ?? 0) >> (at & 7)) & 1) === 1
}

function bytesOf(column: Column): Uint8Array {
  if (column.values === null) throw new Error(`${column.type.kind} without values`)
  return column.values
}

function child(column: Column, index: number): Column {
  const found = column.children[index]
  if (found === undefined) throw new Error(`${column.type.kind} without child ${index}`)
  return found
}

function littleEndian(column: Column, at: number, width: number, signed: boolean): bigint {
  const bytes = bytesOf(column)
  let value = 0n
  for (let index = (at + 1) * width - 1; index >= at * width; index--) {
    value = (value << 8n) | BigInt(bytes[index] ?? 0)
  }
  return signed ? BigInt.asIntN(width * 8, value) : value
}

function integerAt(column: Column, at: number, type: Extract<ArrowType, { kind: 'int' }>): bigint {
  return littleEndian(column, at, type.bitWidth / 8, type.signed)
}

function integer(value: bigint): Canonical {
  const safe = value > -(2n ** 53n) && value < 2n ** 53n
  return safe ? Number(value) : String(value)
}

function floatAt(column: Column, at: number, bitWidth: 16 | 32 | 64): number {
  const bytes = bytesOf(column)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bitWidth === 64) return view.getFloat64(at * 8, true)
  if (bitWidth === 32) return view.getFloat32(at * 4, true)
  return half(view.getUint16(at * 2, true))
}

function half(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function float(value: number): Canonical {
  if (Object.is(value, -0)) return '-0.0'
  return Number.isFinite(value) ? value : String(value)
}

function decimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - scale)}`
}

function range(column: Column, at: number): { start: number; end: number } {
  const { offsets, type } = column
  if (type.kind === 'fixed_size_list') return { start: at * type.size, end: (at + 1) * type.size }
  if (offsets === null) throw new Error(`${type.kind} without offsets`)
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength)
  return type.kind.startsWith('large_')
    ? {
        start: Number(view.getBigInt64(at * 8, true)),
        end: Number(view.getBigInt64(at * 8 + 8, true)),
      }
    : { start: view.getInt32(at * 4, true), end: view.getInt32(at * 4 + 4, true) }
}

function variableAt(column: Column, at: number): Uint8Array {
  const { start, end } = range(column, at)
  return bytesOf(column).subarray(start, end)
}

function text(bytes: Uint8Array): Canonical {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { invalid_utf8: hex(bytes).slice(2) }
  }
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

function list(column: Column, at: number): Canonical {
  const { start, end } = range(column, at)
  const items = child(column, 0)
  return Array.from({ length: end - start }, (_, index) =>
    column.type.kind === 'map'
      ? items.children.map((part) => canonicalValue(part, items.offset + start + index))
      : canonicalValue(items, start + index),
  )
}

function struct(column: Column, at: number): Canonical {
  if (column.type.kind !== 'struct') throw new Error('not a struct')
  const entries = column.type.children.map((field, index): [string, Canonical] => [
    field.name,
    canonicalValue(child(column, index), at),
  ])
  const names = new Set(entries.map(([name]) => name))
  return names.size === entries.length ? Object.fromEntries(entries) : entries
}

const nanoseconds: Readonly<Record<TimeUnit, bigint>> = {
  second: 1_000_000_000n,
  millisecond: 1_000_000n,
  microsecond: 1000n,
  nanosecond: 1n,
}
const NANOSECONDS_PER_DAY = 86_400_000_000_000n

type TemporalType = Extract<ArrowType, { kind: 'date' | 'time' | 'timestamp' | 'duration' }>

function temporal(column: Column, at: number, type: TemporalType): Canonical {
  switch (type.kind) {
    case 'date': {
      const count = littleEndian(column, at, type.unit === 'day' ? 4 : 8, true)
      return day(type.unit === 'day' ? count : floorDivide(count, 86_400_000n))
    }
    case 'time':
      return clock(littleEndian(column, at, type.bitWidth / 8, true) * nanoseconds[type.unit])
    case 'duration':
      return integer(littleEndian(column, at, 8, true) * nanoseconds[type.unit])
    case 'timestamp': {
      const instant = littleEndian(column, at, 8, true) * nanoseconds[type.unit]
      const days = floorDivide(instant, NANOSECONDS_PER_DAY)
      const zone = type.timezone === null ? '' : 'Z'
      return `${day(days)}T${clock(instant - days * NANOSECONDS_PER_DAY)}${zone}`
    }
  }
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value % divisor < 0n ? quotient - 1n : quotient
}

function clock(nanosecondOfDay: bigint): string {
  const seconds = nanosecondOfDay / 1_000_000_000n
  const pad = (value: bigint, width: number): string => String(value).padStart(width, '0')
  const fraction = pad(nanosecondOfDay % 1_000_000_000n, 9)
  return `${pad(seconds / 3600n, 2)}:${pad((seconds / 60n) % 60n, 2)}:${pad(seconds % 60n, 2)}.${fraction}`
}

/** Proleptic Gregorian calendar, days since 1970: Howard Hinnant, "chrono-compatible low-level date algorithms". */
function day(days: bigint): string {
  const shifted = days + 719_468n
  const era = floorDivide(shifted, 146_097n)
  const dayOfEra = shifted - era * 146_097n
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n)
  const shiftedMonth = (5n * dayOfYear + 2n) / 153n
  const dayOfMonth = dayOfYear - (153n * shiftedMonth + 2n) / 5n + 1n
  const month = shiftedMonth < 10n ? shiftedMonth + 3n : shiftedMonth - 9n
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n)
  const sign = year < 0n ? '-' : year > 9999n ? '+' : ''
  const digits = String(year < 0n ? -year : year).padStart(4, '0')
  return `${sign}${digits}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`
}
