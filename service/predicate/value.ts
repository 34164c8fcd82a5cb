import type { ArrowType } from '../arrow/arrow-type.ts'

/**
 * A value that is not null, of a type that has an order. Integers, dates, times, timestamps (counts of their
 * unit) and decimals (unscaled) are bigints; floats are numbers; utf8 and binary are bytes. A packed timestamp
 * is its milliseconds alone: the zone does not take part in comparisons.
 */
export type Value = boolean | bigint | number | Uint8Array

/**
 * Order of two values of one type: negative, zero or positive. Bytes compare unsigned, as Parquet's statistics
 * do; NaN is the greatest number, -0 equals +0.
 */
export function compareValues(left: Value, right: Value): number {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  if (typeof left === 'number' && typeof right === 'number') return compareNumbers(left, right)
  return left < right ? -1 : left > right ? 1 : 0
}

function compareNumbers(left: number, right: number): number {
  if (Number.isNaN(left) || Number.isNaN(right)) {
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right))
  }
  return left - right || Number(left > right) - Number(left < right)
}

/** True for types whose values are `Value`s; what a dictionary holds counts. */
export function hasOrder(type: ArrowType): boolean {
  switch (type.kind) {
    case 'bool':
    case 'int':
    case 'decimal':
    case 'date':
    case 'time':
    case 'timestamp':
      return true
    case 'float':
      return type.bitWidth > 16
    case 'dictionary':
      return hasOrder(type.value)
    default:
      return isText(type) || isBytes(type)
  }
}

export function isText(type: ArrowType): boolean {
  return type.kind === 'utf8' || type.kind === 'large_utf8' || type.kind === 'utf8_view'
}

export function isBytes(type: ArrowType): boolean {
  return (
    type.kind === 'binary' ||
    type.kind === 'large_binary' ||
    type.kind === 'binary_view' ||
    type.kind === 'fixed_size_binary'
  )
}
