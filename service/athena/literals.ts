import { DataType, DateUnit, TimeUnit } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import type { Value } from './rows.ts'
import { typeText } from './supported-types.ts'
import { packUtc, packedMilliseconds } from './time-zones.ts'

/**
 * A constant in a predicate, written as rows are printed: numbers and 64-bit integers plain, decimals, dates and
 * times as text (`2024-02-29`, `2024-02-29T12:34:56.789`, with a `Z` for timestamps with time zone), varbinary base64.
 */
export type Literal = boolean | number | bigint | string

/** The literal as a value of the column's type; throws `invalid_request` when it is none. */
export function literalValue(column: string, type: DataType, literal: Literal): Value {
  const value = parse(type, literal)
  if (value === undefined)
    throw new GatewayError(
      'invalid_request',
      `column ${column} (${typeText(type)}) cannot be compared with ${typeof literal} ${literal}`,
    )
  return value
}

function parse(type: DataType, literal: Literal): Value | undefined {
  if (DataType.isBool(type)) return typeof literal === 'boolean' ? literal : undefined
  if (typeof literal === 'boolean') return undefined
  if (DataType.isInt(type)) return parseInteger(type.bitWidth, literal)
  if (DataType.isFloat(type)) return typeof literal === 'string' ? undefined : Number(literal)
  if (DataType.isDecimal(type)) return parseDecimal(String(literal), type)
  if (typeof literal !== 'string') return undefined
  if (DataType.isUtf8(type)) return literal
  if (DataType.isBinary(type)) return Buffer.from(literal, 'base64')
  return parseTime(type, literal)
}

function parseInteger(bitWidth: number, literal: number | bigint | string): Value | undefined {
  if (typeof literal === 'number' && !Number.isSafeInteger(literal)) return undefined
  if (typeof literal === 'string' && !/^-?\d{1,19}$/.test(literal)) return undefined
  const value = BigInt(literal)
  if (BigInt.asIntN(bitWidth, value) !== value) return undefined
  return bitWidth === 64 ? value : Number(value)
}

/** The exact text with all digits of the scale; a literal with more digits than that is refused. */
function parseDecimal(
  text: string,
  type: { readonly precision: number; readonly scale: number },
): string | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? []
  const digits = whole.replace(/^0+(?=.)/, '')
  const integerDigits = digits === '0' ? 0 : digits.length
  if (whole === '' || fraction.length > type.scale) return undefined
  if (integerDigits > type.precision - type.scale) return undefined
  const point = type.scale === 0 ? '' : '.'
  return `${sign}${digits}${point}${fraction.padEnd(type.scale, '0')}`
}

function parseTime(type: DataType, text: string): Value | undefined {
  if (DataType.isDate(type)) {
    if (!/^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?)?$/.test(text)) return undefined
    const milliseconds = Date.parse(text.includes('T') ? `${text}Z` : text)
    if (Number.isNaN(milliseconds)) return undefined
    if (type.unit !== DateUnit.DAY) return BigInt(milliseconds)
    return text.includes('T') ? undefined : milliseconds / 86_400_000
  }
  if (!DataType.isTimestamp(type) || type.unit !== TimeUnit.MILLISECOND) return undefined
  const milliseconds = text.endsWith('Z') ? Date.parse(text) : Number.NaN
  return Number.isNaN(milliseconds) ? undefined : packUtc(BigInt(milliseconds))
}

/** Whether values of the type have an order: all but arrays, maps and rows. */
export function isOrdered(type: DataType): boolean {
  return !(DataType.isList(type) || DataType.isMap(type) || DataType.isStruct(type))
}

/** Below zero, zero or above, for two values that are not null; NaN when either is NaN, as in SQL neither less nor equal. */
export type Compare = (left: Value, right: Value) => number

/**
 * The engine's order: text and binary by bytes (UTF-8), numbers as IEEE does, decimals by value,
 * timestamps with time zone by instant.
 */
export function comparison(type: DataType): Compare {
  if (DataType.isUtf8(type))
    return (left, right) =>
      Buffer.compare(Buffer.from(left as string), Buffer.from(right as string))
  if (DataType.isBinary(type))
    return (left, right) => Buffer.compare(left as Uint8Array, right as Uint8Array)
  if (DataType.isDecimal(type)) return (left, right) => order(unscaled(left), unscaled(right))
  if (DataType.isTimestamp(type))
    return (left, right) =>
      order(packedMilliseconds(left as bigint), packedMilliseconds(right as bigint))
  return (left, right) => order(left as number | bigint, right as number | bigint)
}

function unscaled(value: Value): bigint {
  return BigInt((value as string).replace('.', ''))
}

function order(left: number | bigint, right: number | bigint): number {
  if (left < right) return -1
  if (left > right) return 1
  return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : 0
}
