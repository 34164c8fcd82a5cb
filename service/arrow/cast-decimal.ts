import { GatewayError } from '../errors.ts'
import type { ArrowType, IntType } from './arrow-type.ts'
import { readInts } from './cast-number.ts'
import type { Column } from './column.ts'
import { formatType } from './format-type.ts'
import { type Cast, isPresent, textColumn, valuesOf, withValues } from './rebuild-column.ts'
import { int32View, int64View, uint64View } from './typed-views.ts'

type DecimalType = Extract<ArrowType, { kind: 'decimal' }>

/** Integers and decimals to decimals of no smaller scale, decimals to text. */
export function decimalCast(from: ArrowType, to: ArrowType): Cast | undefined {
  if (from.kind === 'decimal' && to.kind === 'utf8') {
    return (column) => {
      const read = valueReader(column, from)
      return textColumn(column, (row) => formatDecimal(read(row), from.scale))
    }
  }
  if (to.kind !== 'decimal') return undefined
  if (from.kind === 'decimal' && to.scale >= from.scale) {
    return (column) => withValues(column, to, toDecimals(column, from, to))
  }
  if (from.kind === 'int' && to.scale >= 0) {
    return (column) => withValues(column, to, toDecimals(column, from, to))
  }
  return undefined
}

function toDecimals(column: Column, from: IntType | DecimalType, to: DecimalType): Int32Array {
  const growth = to.scale - (from.kind === 'decimal' ? from.scale : 0)
  return growth === 0 && to.precision >= digitsOf(from)
    ? resizeWords(column, from, to)
    : rescale(column, { from, to, growth })
}

/** Decimal digits that values of the type may have. */
function digitsOf(type: IntType | DecimalType): number {
  if (type.kind === 'decimal') return type.precision
  return { 8: 3, 16: 5, 32: 10, 64: type.signed ? 19 : 20 }[type.bitWidth]
}

/** The same unscaled values in more or fewer 32-bit words; words cut off must hold the sign only. */
function resizeWords(column: Column, from: IntType | DecimalType, to: DecimalType): Int32Array {
  const { words, width } = sourceWords(column, from)
  const signed = from.kind === 'decimal' || from.signed
  const targetWidth = to.bitWidth / 32
  const target = new Int32Array(column.rowCount * targetWidth)
  const kept = Math.min(width, targetWidth)
  for (let row = 0; row < column.rowCount; row++) {
    const at = row * width
    const sign = signed && (words[at + width - 1] ?? 0) < 0 ? -1 : 0
    for (let k = 0; k < kept; k++) target[row * targetWidth + k] = words[at + k] ?? 0
    for (let k = kept; k < targetWidth; k++) target[row * targetWidth + k] = sign
    const fits = width <= targetWidth || isSignOnly(words, at + targetWidth - 1, at + width)
    if (!fits && isPresent(column, row)) throw overflow(from, to)
  }
  return target
}

/** True when the words behind the first one repeat its sign. */
function isSignOnly(words: Int32Array, first: number, end: number): boolean {
  const sign = (words[first] ?? 0) < 0 ? -1 : 0
  for (let k = first + 1; k < end; k++) if (words[k] !== sign) return false
  return true
}

function sourceWords(
  column: Column,
  from: IntType | DecimalType,
): { words: Int32Array; width: number } {
  if (from.kind === 'int' && from.bitWidth < 32) {
    return { words: new Int32Array(readInts(column, from)), width: 1 }
  }
  return { words: int32View(valuesOf(column, from.bitWidth / 8)), width: from.bitWidth / 32 }
}

interface Rescaling {
  readonly from: IntType | DecimalType
  readonly to: DecimalType
  /** Digits by which the scale grows. */
  readonly growth: number
}

function rescale(column: Column, { from, to, growth }: Rescaling): Int32Array {
  const read = valueReader(column, from)
  const factor = 10n ** BigInt(growth)
  const limit = 10n ** BigInt(to.precision)
  const width = to.bitWidth / 32
  const target = new Int32Array(column.rowCount * width)
  for (let row = 0; row < column.rowCount; row++) {
    if (!isPresent(column, row)) continue
    let rest = read(row) * factor
    if (rest >= limit || rest <= -limit) throw overflow(from, to)
    for (let k = 0; k < width; k++, rest >>= 32n) {
      target[row * width + k] = Number(BigInt.asIntN(32, rest))
    }
  }
  return target
}

function overflow(from: ArrowType, to: ArrowType): GatewayError {
  return new GatewayError(
    'unsupported',
    `a value of ${formatType(from)} does not fit ${formatType(to)}`,
  )
}

/** Reads the unscaled value of a row. */
function valueReader(column: Column, from: IntType | DecimalType): (row: number) => bigint {
  if (from.bitWidth <= 32) {
    const ints =
      from.kind === 'int' ? readInts(column, from) : int32View(valuesOf(column, from.bitWidth / 8))
    return (row) => BigInt(ints[row] ?? 0)
  }
  const bytes = valuesOf(column, from.bitWidth / 8)
  const limbs = uint64View(bytes)
  const heads = from.kind === 'int' && !from.signed ? limbs : int64View(bytes)
  const width = from.bitWidth / 64
  return (row) => {
    let value: bigint = heads[row * width + width - 1] ?? 0n
    for (let k = width - 2; k >= 0; k--) value = (value << 64n) | (limbs[row * width + k] ?? 0n)
    return value
  }
}

/** `-0.50` for the unscaled value -50 at scale 2; never an exponent. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled)
  if (scale <= 0) return unscaled === 0n ? '0' : sign + digits + '0'.repeat(-scale)
  const padded = digits.padStart(scale + 1, '0')
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}
