import type { DataType, Schema } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import { comparison, isOrdered, literalValue } from './literals.ts'
import type { Compare, Literal } from './literals.ts'
import type { Value } from './rows.ts'

/** Bounds of one range; `eq` stands alone, no bound at all is any value. */
export interface RangeTest {
  readonly eq?: Literal
  readonly lt?: Literal
  readonly le?: Literal
  readonly gt?: Literal
  readonly ge?: Literal
}

/**
 * A test of one column: a range, or one of the other keys alone. Rows where the column is null fail it,
 * unless `orNull` lets them in. `as` chooses the value set that carries it: ranges by default, `values`
 * for eq, ne, in and notIn, `all_or_none` for isNull and isNotNull (the only one for arrays, maps and rows).
 */
export interface ColumnTest extends RangeTest {
  readonly ne?: Literal
  readonly in?: readonly Literal[]
  readonly notIn?: readonly Literal[]
  readonly anyOf?: readonly RangeTest[]
  readonly isNull?: true
  readonly isNotNull?: true
  readonly orNull?: boolean
  readonly as?: 'ranges' | 'values' | 'all_or_none'
}

/** Column name to test, all of which must hold; a bare literal means `eq`. */
export type Where = Readonly<Record<string, Literal | ColumnTest>>

export interface Bound {
  readonly value: Value
  readonly inclusive: boolean
}

/** Null: unbounded on that side. */
export interface ValueRange {
  readonly low: Bound | null
  readonly high: Bound | null
}

/** What a column may hold, in one of the three forms that the protocol knows; `nulls` lets null in. */
export type ValueSet =
  | { readonly kind: 'ranges'; readonly ranges: readonly ValueRange[]; readonly nulls: boolean }
  | {
      readonly kind: 'values'
      readonly values: readonly Value[]
      readonly included: boolean
      readonly nulls: boolean
    }
  | { readonly kind: 'all_or_none'; readonly all: boolean; readonly nulls: boolean }

/** One column's test, ready to be sent and to be applied. */
export interface ColumnFilter {
  readonly column: string
  readonly type: DataType
  readonly set: ValueSet
  readonly matches: (value: Value) => boolean
}

/** Throws `invalid_request` for unknown columns, tests that mix keys, and literals of another type. */
export function columnFilters(where: Where, schema: Schema): ColumnFilter[] {
  return Object.entries(where).map(([column, test]) => {
    const type = schema.fields.find((field) => field.name === column)?.type
    if (type === undefined)
      throw new GatewayError(
        'invalid_request',
        `the where clause names ${column}, which is no column of the table`,
      )
    const set = valueSet(column, type, typeof test === 'object' ? test : { eq: test })
    return { column, type, set, matches: matcher(type, set) }
  })
}

const rangeKeys: ReadonlySet<string> = new Set(['eq', 'lt', 'le', 'gt', 'ge'])

function valueSet(column: string, type: DataType, test: ColumnTest): ValueSet {
  const { orNull = false, as = isOrdered(type) ? 'ranges' : 'all_or_none', ...rest } = test
  const keys = Object.keys(rest)
  if (!keys.every((key) => rangeKeys.has(key)) && keys.length !== 1)
    throw invalid(column, `keys that do not go together: ${keys.join(', ')}`)
  if (rest.isNull === true) return nullTest(as, false)
  if (rest.isNotNull === true) return nullTest(as, true)
  if (as === 'all_or_none' || !isOrdered(type))
    throw invalid(column, 'only isNull and isNotNull suit an all-or-none set')
  const values = (literals: readonly Literal[]) =>
    literals.map((literal) => literalValue(column, type, literal))
  if (as === 'values') return equatable(column, rest, values, orNull)
  const compare = comparison(type)
  const excluded = rest.notIn ?? (rest.ne === undefined ? undefined : [rest.ne])
  if (excluded !== undefined)
    return { kind: 'ranges', ranges: gaps(values(excluded), compare), nulls: orNull }
  const tests = rest.anyOf ?? rest.in?.map((eq): RangeTest => ({ eq })) ?? [rest]
  const ranges = tests.map((one) => valueRange(column, type, one))
  return { kind: 'ranges', ranges: coalesced(ranges, compare), nulls: orNull }
}

function nullTest(as: 'ranges' | 'values' | 'all_or_none', present: boolean): ValueSet {
  if (as === 'all_or_none') return { kind: as, all: present, nulls: !present }
  if (as === 'values') return { kind: as, values: [], included: !present, nulls: !present }
  return { kind: as, ranges: present ? [{ low: null, high: null }] : [], nulls: !present }
}

function equatable(
  column: string,
  test: ColumnTest,
  values: (literals: readonly Literal[]) => Value[],
  nulls: boolean,
): ValueSet {
  const wanted = test.in ?? (test.eq === undefined ? undefined : [test.eq])
  const unwanted = test.notIn ?? (test.ne === undefined ? undefined : [test.ne])
  const listed = wanted ?? unwanted
  if (listed === undefined || Object.keys(test).length !== 1)
    throw invalid(column, 'a set of values takes one of eq, ne, in, notIn')
  return { kind: 'values', values: values(listed), included: wanted !== undefined, nulls }
}

function valueRange(column: string, type: DataType, test: RangeTest): ValueRange {
  const { eq, lt, le, gt, ge } = test
  const bound = (literal: Literal, inclusive: boolean): Bound => ({
    value: literalValue(column, type, literal),
    inclusive,
  })
  if (eq !== undefined) {
    if (Object.keys(test).length > 1) throw invalid(column, 'eq stands alone')
    return { low: bound(eq, true), high: bound(eq, true) }
  }
  if ((lt !== undefined && le !== undefined) || (gt !== undefined && ge !== undefined))
    throw invalid(column, 'one bound on each side is enough')
  const low = ge === undefined ? gt : ge
  const high = le === undefined ? lt : le
  return {
    low: low === undefined ? null : bound(low, ge !== undefined),
    high: high === undefined ? null : bound(high, le !== undefined),
  }
}

/** Everything but the values, as ranges between them. */
function gaps(values: readonly Value[], compare: Compare): ValueRange[] {
  const bounds = values.toSorted(compare).map((value): Bound => ({ value, inclusive: false }))
  const ranges = [null, ...bounds].map((low, index): ValueRange => ({
    low,
    high: bounds[index] ?? null,
  }))
  return ranges.filter((range) => !isEmpty(range, compare))
}

/** Sorted by low bound, empty ones left out, overlapping and touching ones joined: as the protocol wants them. */
function coalesced(ranges: readonly ValueRange[], compare: Compare): ValueRange[] {
  const joined: ValueRange[] = []
  const sorted = ranges
    .filter((range) => !isEmpty(range, compare))
    .toSorted((left, right) => compareLow(left.low, right.low, compare))
  for (const range of sorted) {
    const last = joined.at(-1)
    if (last === undefined || isApart(last.high, range.low, compare)) joined.push(range)
    else joined[joined.length - 1] = { low: last.low, high: higher(last.high, range.high, compare) }
  }
  return joined
}

function isEmpty({ low, high }: ValueRange, compare: Compare): boolean {
  if (low === null || high === null) return false
  const order = compare(low.value, high.value)
  return !(order < 0 || (order === 0 && low.inclusive && high.inclusive))
}

function compareLow(left: Bound | null, right: Bound | null, compare: Compare): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  return compare(left.value, right.value) || Number(right.inclusive) - Number(left.inclusive)
}

function isApart(high: Bound | null, low: Bound | null, compare: Compare): boolean {
  if (high === null || low === null) return false
  const order = compare(high.value, low.value)
  return order < 0 || (order === 0 && !high.inclusive && !low.inclusive)
}

function higher(left: Bound | null, right: Bound | null, compare: Compare): Bound | null {
  if (left === null || right === null) return null
  const order = compare(left.value, right.value)
  return order > 0 || (order === 0 && left.inclusive) ? left : right
}

function matcher(type: DataType, set: ValueSet): (value: Value) => boolean {
  const present = presentMatcher(type, set)
  return (value) => (value === null ? set.nulls : present(value))
}

function presentMatcher(type: DataType, set: ValueSet): (value: Value) => boolean {
  if (set.kind === 'all_or_none') return () => set.all
  const compare = comparison(type)
  if (set.kind === 'values')
    return (value) => set.values.some((other) => compare(value, other) === 0) === set.included
  // NaN is in no range; it passes only what asks for nothing but "not null" or "not equal".
  const reachesAll = set.ranges[0]?.low === null && set.ranges.at(-1)?.high === null
  return (value) =>
    Number.isNaN(value) ? reachesAll : set.ranges.some((range) => contains(range, value, compare))
}

function contains({ low, high }: ValueRange, value: Value, compare: Compare): boolean {
  const above = low === null ? 1 : compare(value, low.value)
  const below = high === null ? -1 : compare(value, high.value)
  return (
    (above > 0 || (above === 0 && low?.inclusive === true)) &&
    (below < 0 || (below === 0 && high?.inclusive === true))
  )
}

function invalid(column: string, problem: string): GatewayError {
  return new GatewayError('invalid_request', `the test of column ${column}: ${problem}`)
}
