import { DataType, DateUnit, Precision } from 'apache-arrow'
import type { Data } from 'apache-arrow'
import { broken } from './broken-rule.ts'
import { children } from './supported-types.ts'
import { packedMilliseconds, packedZoneKey, zoneName } from './time-zones.ts'

/**
 * One value of a row. Integers of 64 bits are bigint, decimals their exact text, dates days and timestamps bigint
 * milliseconds since the epoch, timestamps with time zone packed bigint; arrays are arrays, rows objects,
 * maps arrays of `[key, value]`.
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

/** The value in row `row` of one column. */
export type CellReader = (row: number) => Value

/** Reads a column as it came from Arrow IPC: never a slice, so its offset is 0. */
export function cellReader(data: Data): CellReader {
  const cell = presentCell(data)
  return data.nullCount === 0 ? cell : (row) => (data.getValid(row) ? cell(row) : null)
}

function presentCell(data: Data): CellReader {
  const { type } = data
  if (DataType.isBool(type)) {
    const bits = data.values as Uint8Array
    return (row) => ((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0
  }
  if (DataType.isDecimal(type)) return decimalCell(data.values as Uint32Array, type.scale)
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return bytesCell(data)
  if (DataType.isList(type)) return listCell(data)
  if (DataType.isMap(type)) return mapCell(data)
  if (DataType.isStruct(type)) return structCell(data)
  const values = data.values as Int32Array | BigInt64Array | Float64Array
  return (row) => values[row] ?? null
}

/** A decimal's exact text, with all digits of its scale. */
function decimalCell(words: Uint32Array, scale: number): CellReader {
  const bytes = new DataView(words.buffer, words.byteOffset, words.byteLength)
  return (row) => {
    const low = bytes.getBigUint64(row * 16, true)
    const high = bytes.getBigInt64(row * 16 + 8, true)
    return decimalText((high << 64n) | low, scale)
  }
}

/** `-125n` with scale 2 is `-1.25`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const text = scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`
  return negative ? `-${text}` : text
}

function bytesCell(data: Data): CellReader {
  const bytes = data.values as Uint8Array
  const offsets = data.valueOffsets as Int32Array
  const at = (row: number) => bytes.subarray(offsets[row], offsets[row + 1])
  if (DataType.isBinary(data.type)) return at
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return (row) => {
    try {
      return decoder.decode(at(row))
    } catch (reason) {
      throw broken(
        'values',
        `row ${row} of a varchar column holds bytes that are not utf-8`,
        reason,
      )
    }
  }
}

function listCell(data: Data): CellReader {
  const element = childCell(data, 0)
  const offsets = data.valueOffsets as Int32Array
  return (row) => range(offsets[row] ?? 0, offsets[row + 1] ?? 0).map(element)
}

function mapCell(data: Data): CellReader {
  const entries = data.children[0]
  if (entries === undefined) throw broken('arrow', 'a map column has no entries')
  const key = childCell(entries, 0)
  const value = childCell(entries, 1)
  const offsets = data.valueOffsets as Int32Array
  return (row) => range(offsets[row] ?? 0, offsets[row + 1] ?? 0).map((at) => [key(at), value(at)])
}

function structCell(data: Data): CellReader {
  const fields = children(data.type).map((field, index): [string, CellReader] => [
    field.name,
    childCell(data, index),
  ])
  return (row) => Object.fromEntries(fields.map(([name, cell]) => [name, cell(row)]))
}

function childCell(data: Data, index: number): CellReader {
  const child = data.children[index]
  if (child === undefined) throw broken('arrow', 'a nested column lacks a child')
  return cellReader(child)
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index)
}

/** Prints a value as JSON text. */
export type Formatter = (value: Value) => string

/**
 * A row as one line of JSON, columns in order, no spaces. 64-bit integers keep all digits, decimals are texts with
 * all digits of their scale, -0 keeps its sign, NaN and infinities are texts, varbinary is base64,
 * `2024-02-29T12:34:56.789` a timestamp and `2024-02-29T12:34:56.789Z UTC` one with time zone.
 */
export function rowFormatter(
  columns: readonly { name: string; type: DataType }[],
): (row: readonly Value[]) => string {
  const cells = columns.map(({ name, type }) => ({
    key: `${JSON.stringify(name)}:`,
    format: formatter(type),
  }))
  return (row) =>
    `{${cells.map(({ key, format }, index) => key + format(row[index] ?? null)).join(',')}}`
}

/** Prints values of one type, as `rowFormatter` describes. */
export function formatter(type: DataType): Formatter {
  const format = presentFormatter(type)
  return (value) => (value === null ? 'null' : format(value))
}

function presentFormatter(type: DataType): Formatter {
  if (DataType.isFloat(type))
    return type.precision === Precision.SINGLE
      ? (value) => floatText(shortestSingle(Number(value)))
      : (value) => floatText(Number(value))
  if (DataType.isBinary(type))
    return (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`
  if (DataType.isDate(type))
    return type.unit === DateUnit.DAY
      ? (value) => `"${dateText(Number(value))}"`
      : (value) => `"${timestampText(value as bigint)}"`
  if (DataType.isTimestamp(type)) return (value) => `"${zonedText(value as bigint)}"`
  if (DataType.isUtf8(type) || DataType.isDecimal(type)) return (value) => JSON.stringify(value)
  if (DataType.isList(type) || DataType.isMap(type) || DataType.isStruct(type))
    return nestedFormatter(type)
  return String
}

function nestedFormatter(type: DataType): Formatter {
  const inner = children(type).map((child) => formatter(child.type))
  const first = inner[0] ?? String
  if (DataType.isList(type)) return (value) => `[${(value as Value[]).map(first).join(',')}]`
  if (DataType.isStruct(type)) {
    const columns = children(type)
    const row = rowFormatter(columns)
    return (value) => {
      const fields = value as { readonly [name: string]: Value }
      return row(columns.map((column) => fields[column.name] ?? null))
    }
  }
  const [key = String, item = String] = children(children(type)[0]?.type ?? type).map((child) =>
    formatter(child.type),
  )
  return (value) =>
    `[${(value as [Value, Value][]).map(([left, right]) => `[${key(left)},${item(right)}]`).join(',')}]`
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The double with the fewest digits that reads back as the same single. */
function shortestSingle(value: number): number {
  // Rounding to digits would lose the sign of zero.
  if (value === 0) return value
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

const dayMs = 86_400_000n
/** The Gregorian calendar repeats after 400 years. */
const cycleDays = 146_097n

/** `2024-02-29` from days since the epoch; any int32, years beyond 9999 with their sign. */
export function dateText(days: number): string {
  return timestampText(BigInt(days) * dayMs).slice(0, -13)
}

/** `2024-02-29T12:34:56.789` from milliseconds since the epoch, any int64. */
export function timestampText(milliseconds: bigint): string {
  const cycleMs = cycleDays * dayMs
  const withinCycle = ((milliseconds % cycleMs) + cycleMs) % cycleMs
  const cycles = Number((milliseconds - withinCycle) / cycleMs)
  // Within the cycle that begins at the epoch, years have four digits.
  const iso = new Date(Number(withinCycle)).toISOString()
  return yearText(Number(iso.slice(0, 4)) + 400 * cycles) + iso.slice(4, -1)
}

function yearText(year: number): string {
  const sign = year < 0 ? '-' : year > 9999 ? '+' : ''
  return `${sign}${String(Math.abs(year)).padStart(4, '0')}`
}

/** `2024-02-29T12:34:56.789Z UTC` from a packed value. */
export function zonedText(packed: bigint): string {
  const zone = zoneName(packedZoneKey(packed))
  if (zone === undefined)
    throw broken(
      'values',
      `${packed} carries zone key ${packedZoneKey(packed)}, which does not exist (packed is milliseconds << 12 | zone); were plain milliseconds sent?`,
    )
  return `${timestampText(packedMilliseconds(packed))}Z ${zone}`
}
