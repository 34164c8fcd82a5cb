import type { Value } from './value.ts'
import { compareValues } from './value.ts'

/** One end of a range. */
export interface Bound {
  readonly value: Value
  readonly inclusive: boolean
}

/** Values from `low` to `high`; a missing end is unbounded. */
export interface ValueRange {
  readonly low?: Bound
  readonly high?: Bound
}

/**
 * A set of values of one type. Ranges built by `inDomain` are sorted, disjoint and not empty. NaN lies in it
 * when the ranges reach both ends: then it is a set with holes, such as `x <> 5`, which is true of NaN.
 */
export interface Domain {
  /** Whether null lies in it; null: that is unknown, as for `x < 5`. */
  readonly nullAllowed: boolean | null
  readonly ranges: readonly ValueRange[]
}

/**
 * The same set with its ranges sorted, disjoint and not empty. An end at NaN is taken as unbounded, as engines
 * do not agree on its place in the order.
 */
export function normalDomain(domain: Domain): Domain {
  const sorted = domain.ranges
    .map(withoutNaN)
    .filter((range) => !isEmptyRange(range))
    .toSorted((left, right) => compareLows(left.low, right.low))
  const ranges: ValueRange[] = []
  for (const range of sorted) {
    const last = ranges.at(-1)
    if (last && touch(last.high, range.low)) ranges[ranges.length - 1] = unite(last, range)
    else ranges.push(range)
  }
  return { nullAllowed: domain.nullAllowed, ranges }
}

export function isFullDomain(domain: Domain): boolean {
  return domain.nullAllowed === true && domain.ranges.some((range) => !range.low && !range.high)
}

export function isEmptyDomain(domain: Domain): boolean {
  return domain.nullAllowed === false && domain.ranges.length === 0
}

/** True when the ranges reach both ends of the order. */
export function isUnbounded({ ranges }: Domain): boolean {
  const [first] = ranges
  return first !== undefined && !first.low && !ranges.at(-1)?.high
}

/** True when a value (null: the null) lies in a normal domain; null when that is unknown. */
export function isInDomain(domain: Domain, value: Value | null): boolean | null {
  if (value === null) return domain.nullAllowed
  if (Number.isNaN(value)) return isUnbounded(domain)
  const range = firstRangeFrom(domain.ranges, value)
  return range !== undefined && !startsAbove(range, value)
}

/** The first range of a normal domain that does not end below the value (undefined: minus infinity). */
export function firstRangeFrom(
  ranges: readonly ValueRange[],
  value: Value | undefined,
): ValueRange | undefined {
  if (value === undefined) return ranges[0]
  let [start, end] = [0, ranges.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    if (endsBelow(ranges[middle], value)) start = middle + 1
    else end = middle
  }
  return ranges[start]
}

/** True when all of the range lies above the value (undefined: plus infinity). */
export function startsAbove({ low }: ValueRange, value: Value | undefined): boolean {
  if (!low || value === undefined) return false
  const order = compareValues(low.value, value)
  return order > 0 || (order === 0 && !low.inclusive)
}

/** True when all of the range lies below the value. */
export function endsBelow(range: ValueRange | undefined, value: Value): boolean {
  const high = range?.high
  if (!high) return false
  const order = compareValues(high.value, value)
  return order < 0 || (order === 0 && !high.inclusive)
}

function withoutNaN({ low, high }: ValueRange): ValueRange {
  return {
    ...(low && !Number.isNaN(low.value) && { low }),
    ...(high && !Number.isNaN(high.value) && { high }),
  }
}

function isEmptyRange({ low, high }: ValueRange): boolean {
  if (!low || !high) return false
  const order = compareValues(low.value, high.value)
  return order > 0 || (order === 0 && !(low.inclusive && high.inclusive))
}

function compareLows(left: Bound | undefined, right: Bound | undefined): number {
  if (!left || !right) return Number(left !== undefined) - Number(right !== undefined)
  return compareValues(left.value, right.value) || Number(right.inclusive) - Number(left.inclusive)
}

/** True when no value lies between a high and the next low. */
function touch(high: Bound | undefined, low: Bound | undefined): boolean {
  if (!high || !low) return true
  const order = compareValues(high.value, low.value)
  return order > 0 || (order === 0 && (high.inclusive || low.inclusive))
}

function unite(left: ValueRange, right: ValueRange): ValueRange {
  const high = left.high && right.high && higher(left.high, right.high)
  return { ...(left.low && { low: left.low }), ...(high && { high }) }
}

function higher(left: Bound, right: Bound): Bound {
  const order = compareValues(left.value, right.value)
  if (order === 0) return left.inclusive ? left : right
  return order > 0 ? left : right
}
