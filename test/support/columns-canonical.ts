import type { ArrowType, TimeUnit } from '../../service/arrow/arrow-type.ts'
import type { Column } from '../../service/arrow/column.ts'
import { readColumn, type Value } from './columns.ts'

/** A value in the form of the golden rows (test/golden/parquet/README.md), as parsed JSON. */
export type Canonical =
  | null
  | boolean
  | number
  | string
  | readonly Canonical[]
  | { readonly [name: string]: Canonical }

/** Rows of the columns in canonical form. */
export function canonicalRows(columns: readonly Column[], rowCount: number): Canonical[][] {
  const values = columns.map((column) =>
    readColumn(column).map((value) => canonicalValue(value, column.type)),
  )
  return Array.from({ length: rowCount }, (_, row) => values.map((column) => column[row] ?? null))
}

const perSecond: Record<TimeUnit, bigint> = {
  second: 1n,
  millisecond: 1_000n,
  microsecond: 1_000_000n,
  nanosecond: 1_000_000_000n,
}

function canonicalValue(value: Value, type: ArrowType): Canonical {
  if (value === null) return null
  switch (type.kind) {
    case 'int':
      return integer(BigInt(value as bigint))
    case 'float':
      return float(type.bitWidth === 16 ? halfFloat(Number(value)) : Number(value))
    case 'decimal':
      return decimal(BigInt(value as bigint), type.scale)
    case 'date':
      return instant(
        BigInt(value as bigint) * (type.unit === 'day' ? 86_400_000n : 1n) * 1_000_000n,
      ).slice(0, -19)
    case 'time':
      return instant(nanoseconds(value, type.unit)).slice(-18)
    case 'timestamp':
      return instant(nanoseconds(value, type.unit)) + (type.timezone === null ? '' : 'Z')
    case 'duration':
      return integer(nanoseconds(value, type.unit))
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return (value as readonly Value[]).map((item) => canonicalValue(item, type.child.type))
    case 'struct':
      return Object.fromEntries(
        type.children.map((child, i) => [
          child.name,
          canonicalValue((value as readonly Value[])[i] ?? null, child.type),
        ]),
      )
    case 'map':
      return (value as readonly Value[]).map((entry) => canonicalEntry(entry, type.entries.type))
    default:
      return value as string | boolean
  }
}

function canonicalEntry(entry: Value, type: ArrowType): Canonical {
  if (type.kind !== 'struct') throw new Error('a map without entries')
  return type.children.map((child, i) =>
    canonicalValue((entry as readonly Value[])[i] ?? null, child.type),
  )
}

function integer(value: bigint): number | string {
  return value < 2n ** 53n && value > -(2n ** 53n) ? Number(value) : String(value)
}

function float(value: number): number | string {
  if (Object.is(value, -0)) return '-0.0'
  return Number.isFinite(value) ? value : String(value)
}

function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size =
    exponent === 31
      ? fraction === 0
        ? Infinity
        : NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1 + fraction / 1024) * 2 ** (exponent - 15)
  return bits >> 15 ? -size : size
}

function decimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const text =
    scale === 0 ? digits : `${digits.slice(0, digits.length - scale)}.${digits.slice(-scale)}`
  return (unscaled < 0n ? '-' : '') + text
}

function nanoseconds(value: Value, unit: TimeUnit): bigint {
  return BigInt(value as bigint) * (1_000_000_000n / perSecond[unit])
}

/** `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn`. */
function instant(nanos: bigint): string {
  const fraction = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const date = new Date(Number((nanos - fraction) / 1_000_000n))
  const year = date.getUTCFullYear()
  const text = date.toISOString()
  const body = text.slice(text.indexOf('-', 1), -5)
  const digits = String(Math.abs(year)).padStart(4, '0')
  const sign = year < 0 ? '-' : year > 9999 ? '+' : ''
  return `${sign}${digits}${body}.${String(fraction).padStart(9, '0')}`
}
