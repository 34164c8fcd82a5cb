import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import type { ArrowType, Field, TimeUnit } from './arrow-type.ts'
import { bitAt } from './bitmap.ts'
import { calendarDay } from './calendar.ts'
import { castColumn } from './cast.ts'
import type { Column } from './column.ts'
import { isPresent, valuesOf } from './rebuild-column.ts'
import { childRows, elementRun } from './slice-column.ts'
import {
  float32View,
  int16View,
  int32View,
  int64View,
  int8View,
  uint16View,
  uint32View,
  uint64View,
} from './typed-views.ts'

/** How the values of a column are written; neither is asked of rows that are null. */
export interface ValueText {
  /** Alone; of nested values the same as in JSON. */
  readonly plain: (row: number) => string
  /** As a value of JSON. */
  readonly json: (row: number) => string
}

const quoted = (plain: (row: number) => string): ValueText => ({
  plain,
  json: (row) => `"${plain(row)}"`,
})
const bare = (plain: (row: number) => string): ValueText => ({ plain, json: plain })

/**
 * Exact text of a column's values. Integers are numbers, decimals text, moments ISO 8601 with as many digits of a
 * fraction as their unit has, bytes base64, floats the shortest number that is the same double (text where JSON has no
 * number), maps objects where their keys are text and else pairs.
 *
 * @throws {GatewayError} `unreadable_file` text that is not UTF-8, or a time that is none; `unsupported` the type.
 */
export function valueText(field: Field, column: Column): ValueText {
  const { type } = field
  switch (type.kind) {
    case 'null':
      return bare(() => 'null')
    case 'bool': {
      const bits = column.values ?? new Uint8Array(0)
      return bare((row) => String(bitAt(bits, column.offset + row)))
    }
    case 'int':
      return integerText(type, column)
    case 'float':
      return floatText(floatsOf(type.bitWidth, column))
    case 'date':
    case 'timestamp':
    case 'duration':
      return quoted(temporalText(type, column))
    case 'decimal':
    case 'time':
    case 'interval':
      return stringText(field, castColumn(column, { kind: 'utf8' }))
    case 'utf8':
    case 'large_utf8':
      return stringText(field, column)
    case 'binary':
    case 'large_binary':
    case 'fixed_size_binary':
      return quoted(bytesText(field, column))
    default:
      return nestedText(field, column)
  }
}

function integerText(type: Extract<ArrowType, { kind: 'int' }>, column: Column): ValueText {
  const values = integersOf(type, valuesOf(column, type.bitWidth / 8))
  return bare((row) => String(values[row]))
}

function integersOf(
  { bitWidth, signed }: Extract<ArrowType, { kind: 'int' }>,
  bytes: Uint8Array,
): ArrayLike<number | bigint> {
  switch (bitWidth) {
    case 8:
      return signed ? int8View(bytes) : bytes
    case 16:
      return signed ? int16View(bytes) : uint16View(bytes)
    case 32:
      return signed ? int32View(bytes) : uint32View(bytes)
    case 64:
      return signed ? int64View(bytes) : uint64View(bytes)
  }
}

function floatText(valueOf: (row: number) => number): ValueText {
  const plain = (row: number) => {
    const value = valueOf(row)
    return Object.is(value, -0) ? '-0' : String(value)
  }
  const json = (row: number) => (Number.isFinite(valueOf(row)) ? plain(row) : `"${plain(row)}"`)
  return { plain, json }
}

function floatsOf(bitWidth: 16 | 32 | 64, column: Column): (row: number) => number {
  const bytes = valuesOf(column, bitWidth / 8)
  if (bitWidth === 32) {
    const values = float32View(bytes)
    return (row) => values[row] ?? 0
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bitWidth === 64) return (row) => view.getFloat64(row * 8, true)
  return (row) => halfFloat(view.getUint16(row * 2, true))
}

/** IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfFloat(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function stringText({ name }: Field, column: Column): ValueText {
  const { start, count } = elementRun(column, 0, column.rowCount)
  const bytes = (column.values ?? new Uint8Array(0)).subarray(start, start + count)
  if (!isUtf8(bytes)) {
    throw new GatewayError(
      'unreadable_file',
      `the column "${name}" holds text that is not UTF-8; read it as Arrow`,
    )
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const endOf = offsetReader(column, start)
  const plain = (row: number) => buffer.toString('utf8', endOf(row), endOf(row + 1))
  return { plain, json: (row) => JSON.stringify(plain(row)) }
}

/** Where row's bytes begin, counted from the first row's; those of the row before end there. */
function offsetReader(column: Column, start: number): (row: number) => number {
  const bytes = column.offsets ?? new Uint8Array(0)
  const { offset, type } = column
  if (!type.kind.startsWith('large_')) {
    const ends = int32View(bytes)
    return (row) => (ends[offset + row] ?? 0) - start
  }
  const ends = int64View(bytes)
  return (row) => Number(ends[offset + row] ?? 0n) - start
}

const UUID_BYTES = 16

function bytesText(field: Field, column: Column): (row: number) => string {
  const { type, metadata } = field
  if (type.kind !== 'fixed_size_binary') {
    const bytes = column.values ?? new Uint8Array(0)
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const endOf = offsetReader(column, 0)
    return (row) => buffer.toString('base64', endOf(row), endOf(row + 1))
  }
  const isUuid = metadata?.['ARROW:extension:name'] === 'arrow.uuid'
  if (isUuid && type.byteWidth === UUID_BYTES) {
    return stringText(field, castColumn(column, { kind: 'utf8' })).plain
  }
  const { byteWidth } = type
  const values = valuesOf(column, byteWidth)
  const buffer = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  return (row) => buffer.toString('base64', row * byteWidth, (row + 1) * byteWidth)
}

type TemporalType = Extract<ArrowType, { kind: 'date' | 'timestamp' | 'duration' }>

const fractionDigits: Readonly<Record<TimeUnit, number>> = {
  second: 0,
  millisecond: 3,
  microsecond: 6,
  nanosecond: 9,
}

function temporalText(type: TemporalType, column: Column): (row: number) => string {
  if (type.kind === 'date' && type.unit === 'day') {
    const days = int32View(valuesOf(column, 4))
    return (row) => dayText(days[row] ?? 0)
  }
  const values = int64View(valuesOf(column, 8))
  const unit = type.kind === 'date' ? 'millisecond' : type.unit
  const digits = fractionDigits[unit]
  const perSecond = 10n ** BigInt(digits)
  if (type.kind === 'duration') return (row) => durationText(values[row] ?? 0n, digits)
  const end = type.kind === 'timestamp' && type.timezone !== null ? 'Z' : ''
  const momentOf = momentText(perSecond, digits)
  return (row) => momentOf(values[row] ?? 0n) + end
}

const SECONDS_PER_DAY = 86_400

/** Neighbours often share their day. */
function momentText(perSecond: bigint, digits: number): (value: bigint) => string {
  let known = Number.NaN
  let knownText = ''
  return (value) => {
    const rest = value % perSecond
    const fraction = rest < 0n ? rest + perSecond : rest
    const seconds = Number((value - fraction) / perSecond)
    const day = Math.floor(seconds / SECONDS_PER_DAY)
    if (day !== known) [known, knownText] = [day, dayText(day)]
    const clock = clockText(seconds - day * SECONDS_PER_DAY)
    const end = digits === 0 ? '' : `.${String(fraction).padStart(digits, '0')}`
    return `${knownText}T${clock}${end}`
  }
}

function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

/** Years beyond four digits carry a sign, as ISO 8601 asks. */
export function dayText(days: number): string {
  const { year, month, day } = calendarDay(days)
  const digits = String(Math.abs(year)).padStart(year < 0 || year > 9_999 ? 6 : 4, '0')
  const sign = year < 0 ? '-' : year > 9_999 ? '+' : ''
  return `${sign}${digits}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

function durationText(value: bigint, digits: number): string {
  const size = 10n ** BigInt(digits)
  const positive = value < 0n ? -value : value
  const end = digits === 0 ? '' : `.${String(positive % size).padStart(digits, '0')}`
  return `${value < 0n ? '-' : ''}PT${positive / size}${end}S`
}

function nestedText({ type }: Field, column: Column): ValueText {
  switch (type.kind) {
    case 'list':
    case 'large_list': {
      const item = jsonOrNull(type.child, childRows(column, 0))
      const endOf = offsetReader(column, elementRun(column, 0, column.rowCount).start)
      return bare((row) => `[${eachOf(endOf(row), endOf(row + 1), item).join(',')}]`)
    }
    case 'fixed_size_list': {
      const item = jsonOrNull(type.child, childRows(column, 0))
      return bare((row) => `[${eachOf(row * type.size, (row + 1) * type.size, item).join(',')}]`)
    }
    case 'struct':
      return bare(structText(type.children, column))
    case 'map':
      return bare(mapText(type.entries, column))
    default:
      throw new GatewayError('unsupported', `${type.kind} has no text; read it as Arrow`)
  }
}

function eachOf(start: number, end: number, textOf: (row: number) => string): string[] {
  return Array.from({ length: end - start }, (_, index) => textOf(start + index))
}

function structText(fields: readonly Field[], column: Column): (row: number) => string {
  const children = fields.map((field, index) => {
    const value = jsonOrNull(field, childRows(column, index))
    const name = JSON.stringify(field.name)
    return (row: number) => `${name}:${value(row)}`
  })
  return (row) => `{${children.map((child) => child(row)).join(',')}}`
}

function mapText({ type }: Field, column: Column): (row: number) => string {
  const entries = childRows(column, 0)
  const [key, value] = type.kind === 'struct' ? type.children : []
  if (!key || !value) throw new GatewayError('unreadable_file', 'a map without keys and values')
  const keyOf = jsonOrNull(key, childRows(entries, 0))
  const valueOf = jsonOrNull(value, childRows(entries, 1))
  const endOf = offsetReader(column, elementRun(column, 0, column.rowCount).start)
  const isObject = key.type.kind === 'utf8' || key.type.kind === 'large_utf8'
  const [open, close] = isObject ? ['{', '}'] : ['[', ']']
  const entry = (row: number) =>
    isObject ? `${keyOf(row)}:${valueOf(row)}` : `[${keyOf(row)},${valueOf(row)}]`
  return (row) => `${open}${eachOf(endOf(row), endOf(row + 1), entry).join(',')}${close}`
}

/** JSON of a value that may be null. */
export function jsonOrNull(field: Field, column: Column): (row: number) => string {
  if (field.type.kind === 'null' || column.nullCount === column.rowCount) return () => 'null'
  const { json } = valueText(field, column)
  if (column.nullCount === 0) return json
  return (row) => (isPresent(column, row) ? json(row) : 'null')
}
