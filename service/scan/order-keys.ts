import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import { int32View } from '../arrow/typed-views.ts'
import { isPresent, valuesOf } from '../arrow/rebuild-column.ts'
import { floatsOf, PACKED_ZONE_BITS, valueReader } from '../predicate/read-values.ts'
import { compareValues, type Value } from '../predicate/value.ts'
import type { TopKey } from './scan-job.ts'

/** What a row is ordered by in one column: whole numbers are numbers while they are exact; null is SQL's. */
export type OrderKey = Value | null

/** High words of 64-bit integers that a number holds exactly: 2^53 in all. */
const HIGH_WORD_MAX = 2 ** 21

/**
 * True for types whose order is SQL's beyond doubt. Text is ordered by its bytes, as Athena does; zoned timestamps
 * by their instants.
 */
export function isOrderable(type: ArrowType): boolean {
  switch (type.kind) {
    case 'bool':
    case 'int':
    case 'decimal':
    case 'date':
    case 'timestamp':
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary':
    case 'fixed_size_binary':
      return true
    case 'float':
      return type.bitWidth > 16
    default:
      return false
  }
}

/**
 * Reads keys of a column. Undefined: where the value belongs is uncertain. NaN and -0 are such: whether NaN comes
 * last in descending order too, and whether -0 comes before +0, differs between versions of Trino.
 */
export function keyReader(column: Column): (row: number) => OrderKey | undefined {
  const { type } = column
  if (type.kind === 'float' && type.bitWidth > 16) {
    const floats = floatsOf(column, type.bitWidth)
    return (row) => (isPresent(column, row) ? certainFloat(floats[row] ?? 0) : null)
  }
  return wholeReader(column) ?? valueReader(column)
}

/** The quick way to read integers that numbers hold; undefined for other types. */
function wholeReader(column: Column): ((row: number) => OrderKey) | undefined {
  const width = signedWords(column.type)
  if (width === undefined) return undefined
  const isPacked = column.type.kind === 'timestamp' && column.type.packedZoneKey !== undefined
  const words = int32View(valuesOf(column, width * 4))
  const general = valueReader(column)
  return (row) => {
    if (!isPresent(column, row)) return null
    const low = words[row * width] ?? 0
    if (width === 1) return low
    const high = words[row * width + 1] ?? 0
    if (isPacked) return high * 2 ** (32 - PACKED_ZONE_BITS) + (low >>> PACKED_ZONE_BITS)
    const sign = high >> 31
    const isLong = width === 4 && (words[row * 4 + 2] !== sign || words[row * 4 + 3] !== sign)
    const isExact = high >= -HIGH_WORD_MAX && high < HIGH_WORD_MAX
    return isExact && !isLong ? high * 2 ** 32 + (low >>> 0) : general(row)
  }
}

function certainFloat(value: number): number | undefined {
  return Number.isNaN(value) || Object.is(value, -0) ? undefined : value
}

/** 32-bit words of a type whose values are signed integers. */
function signedWords(type: ArrowType): 1 | 2 | 4 | undefined {
  switch (type.kind) {
    case 'int':
      return type.signed && type.bitWidth >= 32 ? (type.bitWidth === 32 ? 1 : 2) : undefined
    case 'date':
      return type.unit === 'day' ? 1 : 2
    case 'timestamp':
      return 2
    case 'decimal':
      return type.bitWidth === 128 ? 4 : undefined
    default:
      return undefined
  }
}

/** Negative when the left comes first. */
export function compareKeys(left: OrderKey, right: OrderKey, order: TopKey): number {
  if (left === null || right === null) {
    const nulls = Number(left === null) - Number(right === null)
    return order.nullsFirst ? -nulls : nulls
  }
  const compared = compareValues(left, right)
  return order.descending ? -compared : compared
}
