import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import { valuesOf } from '../arrow/rebuild-column.ts'
import { int16View, int32View, int8View, uint16View, uint32View } from '../arrow/typed-views.ts'
import { valueBytes } from '../arrow/type-width.ts'
import type { Bound, Domain } from './domain.ts'
import { isInDomain, isUnbounded } from './domain.ts'
import { byteSpans, floatsOf, PACKED_ZONE_BITS, valueReader } from './read-values.ts'
import { FALSE, TRUE } from './truth.ts'

/** Writes for each row whether its value lies in a domain; of rows that are null it writes anything. */
export type DomainKernel = (column: Column, truths: Uint8Array) => void

/** The fastest way to ask values of a type whether they lie in a normal domain. */
export function domainKernel(domain: Domain, type: ArrowType): DomainKernel {
  switch (type.kind) {
    case 'int':
      if (type.bitWidth < 64) return numberKernel(intervalsOfIntegers(domain), false)
      return type.signed ? wordsKernel(domain, 2, 0) : plainKernel(domain)
    case 'float':
      return numberKernel(intervalsOfFloats(domain), isUnbounded(domain))
    case 'date':
      return type.unit === 'day'
        ? numberKernel(intervalsOfIntegers(domain), false)
        : wordsKernel(domain, 2, 0)
    case 'time':
      return wordsKernel(domain, type.bitWidth / 32, 0)
    case 'timestamp':
      return wordsKernel(domain, 2, type.packedZoneKey === undefined ? 0 : PACKED_ZONE_BITS)
    case 'decimal':
      return wordsKernel(domain, type.bitWidth / 32, 0)
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary':
      return bytesKernel(domain)
    default:
      return plainKernel(domain)
  }
}

function plainKernel(domain: Domain): DomainKernel {
  return (column, truths) => {
    const read = valueReader(column)
    for (let row = 0; row < column.rowCount; row++) {
      truths[row] = isInDomain(domain, read(row)) === true ? TRUE : FALSE
    }
  }
}

/** Closed intervals, sorted. */
interface Intervals {
  readonly lows: Float64Array
  readonly highs: Float64Array
}

/** Of less than 64 bits, so they are exact as doubles. */
function intervalsOfIntegers({ ranges }: Domain): Intervals {
  return {
    lows: Float64Array.from(ranges, ({ low }) => (low ? integerFrom(low, 1) : -Infinity)),
    highs: Float64Array.from(ranges, ({ high }) => (high ? integerFrom(high, -1) : Infinity)),
  }
}

function integerFrom({ value, inclusive }: Bound, step: number): number {
  return Number(value) + (inclusive ? 0 : step)
}

/** A range that ends beyond an infinity holds nothing. */
function intervalsOfFloats({ ranges }: Domain): Intervals {
  const intervals = ranges
    .map(({ low, high }) => ({
      low: low ? floatFrom(low, true) : -Infinity,
      high: high ? floatFrom(high, false) : Infinity,
    }))
    .filter(({ low, high }) => low <= high)
  return {
    lows: Float64Array.from(intervals, ({ low }) => low),
    highs: Float64Array.from(intervals, ({ high }) => high),
  }
}

function floatFrom({ value, inclusive }: Bound, up: boolean): number {
  return inclusive ? Number(value) : nextFloat(Number(value), up)
}

/** The double next to a value; NaN beyond the infinities. */
function nextFloat(value: number, up: boolean): number {
  if (value === (up ? Infinity : -Infinity)) return Number.NaN
  if (value === 0) return up ? Number.MIN_VALUE : -Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === up ? 1n : -1n))
  return view.getFloat64(0)
}

function numberKernel({ lows, highs }: Intervals, takesNaN: boolean): DomainKernel {
  return (column, truths) => {
    const values = numbersOf(column)
    const [low = Number.NaN, high = Number.NaN] = [lows[0], highs[0]]
    for (let row = 0; row < column.rowCount; row++) {
      const value = values[row] ?? 0
      const isIn = lows.length > 1 ? isCovered(lows, highs, value) : value >= low && value <= high
      truths[row] = isIn ? TRUE : FALSE
    }
    if (!takesNaN) return
    for (let row = 0; row < column.rowCount; row++) {
      if (Number.isNaN(values[row])) truths[row] = TRUE
    }
  }
}

/** True when one of many sorted intervals holds the value. */
function isCovered(lows: Float64Array, highs: Float64Array, value: number): boolean {
  let [start, end] = [0, lows.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    if ((highs[middle] ?? 0) < value) start = middle + 1
    else end = middle
  }
  return value >= (lows[start] ?? Number.NaN) && value <= (highs[start] ?? Number.NaN)
}

function numbersOf(column: Column): ArrayLike<number> {
  const { type } = column
  if (type.kind === 'float') return floatsOf(column, type.bitWidth)
  const bytes = valuesOf(column, valueBytes(type))
  const isSigned = type.kind !== 'int' || type.signed
  switch (valueBytes(type)) {
    case 1:
      return isSigned ? int8View(bytes) : bytes
    case 2:
      return isSigned ? int16View(bytes) : uint16View(bytes)
    default:
      return isSigned ? int32View(bytes) : uint32View(bytes)
  }
}

/**
 * Signed integers of several 32-bit words, low first: exact, without a BigInt per row. The domain's values are
 * compared with the stored ones without their lowest bits.
 */
function wordsKernel(domain: Domain, words: number, bitsBelow: number): DomainKernel {
  const bits = BigInt(words * 32)
  const [least, greatest] = [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
  const shift = BigInt(bitsBelow)
  const intervals = domain.ranges
    .map(({ low, high }) => ({
      low: low ? stepped(low, 1n) << shift : least,
      high: high ? ((stepped(high, -1n) + 1n) << shift) - 1n : greatest,
    }))
    .filter(({ low, high }) => low <= greatest && high >= least)
  const clip = (value: bigint) => (value < least ? least : value > greatest ? greatest : value)
  const lows = wordsOf(
    intervals.map(({ low }) => clip(low)),
    words,
  )
  const highs = wordsOf(
    intervals.map(({ high }) => clip(high)),
    words,
  )
  const isLess = lessByWords(words)
  return (column, truths) => {
    const values = int32View(valuesOf(column, words * 4))
    for (let row = 0; row < column.rowCount; row++) {
      let [start, end] = [0, intervals.length]
      while (start < end) {
        const middle = (start + end) >>> 1
        if (isLess(highs, middle, values, row)) start = middle + 1
        else end = middle
      }
      const isIn = start < intervals.length && !isLess(values, row, lows, start)
      truths[row] = isIn ? TRUE : FALSE
    }
  }
}

function stepped({ value, inclusive }: Bound, by: bigint): bigint {
  return inclusive ? BigInt(value as bigint) : BigInt(value as bigint) + by
}

function wordsOf(values: readonly bigint[], words: number): Int32Array {
  const all = new Int32Array(values.length * words)
  values.forEach((value, index) => {
    for (let word = 0; word < words; word++) {
      all[index * words + word] = Number(BigInt.asIntN(32, value >> BigInt(word * 32)))
    }
  })
  return all
}

type WordsLess = (a: Int32Array, i: number, b: Int32Array, j: number) => boolean

/** Compares value `i` of one array with value `j` of another: the top word signed, the others not. */
function lessByWords(words: number): WordsLess {
  return (a, i, b, j) => {
    const [topA, topB] = [a[i * words + words - 1] ?? 0, b[j * words + words - 1] ?? 0]
    if (topA !== topB) return topA < topB
    for (let word = words - 2; word >= 0; word--) {
      const [wordA, wordB] = [(a[i * words + word] ?? 0) >>> 0, (b[j * words + word] ?? 0) >>> 0]
      if (wordA !== wordB) return wordA < wordB
    }
    return false
  }
}

/** Half-open: from a low on, below a high. The least bytes above some are those and a zero. */
function bytesKernel(domain: Domain): DomainKernel {
  const lows = domain.ranges.map(({ low }) => low && bytesFrom(low, low.inclusive))
  const highs = domain.ranges.map(({ high }) => high && bytesFrom(high, !high.inclusive))
  return (column, truths) => {
    const spanOf = byteSpans(column)
    const bytes = column.values ?? new Uint8Array(0)
    for (let row = 0; row < column.rowCount; row++) {
      const [first, last] = [spanOf(row), spanOf(row + 1)]
      let [start, end] = [0, lows.length]
      while (start < end) {
        const middle = (start + end) >>> 1
        const high = highs[middle]
        if (high && compareSpan(bytes, first, last, high) >= 0) start = middle + 1
        else end = middle
      }
      const low = lows[start]
      const isIn = start < lows.length && (!low || compareSpan(bytes, first, last, low) >= 0)
      truths[row] = isIn ? TRUE : FALSE
    }
  }
}

function bytesFrom({ value }: Bound, isOwn: boolean): Uint8Array {
  const bytes = value as Uint8Array
  return isOwn ? bytes : Buffer.concat([bytes, Buffer.of(0)])
}

/** Order of a run of bytes and other bytes, unsigned. */
function compareSpan(bytes: Uint8Array, first: number, last: number, other: Uint8Array): number {
  const length = Math.min(last - first, other.length)
  for (let index = 0; index < length; index++) {
    const difference = (bytes[first + index] ?? 0) - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return last - first - other.length
}
