import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { Predicate, ValueRange } from '../../../service/predicate/predicate.ts'
import { and, inDomain, not, or } from '../../../service/predicate/predicate.ts'
import type { Value } from '../../../service/predicate/value.ts'
import type { ColumnFacts, Verdict } from '../../../service/predicate/verdict.ts'
import { verdictOf } from '../../../service/predicate/verdict.ts'
import { randomNumbers } from '../../support/columns-random.ts'

const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const double: ArrowType = { kind: 'float', bitWidth: 64 }
const text: ArrowType = { kind: 'utf8' }

const at = (value: Value): ValueRange => ({
  low: { value, inclusive: true },
  high: { value, inclusive: true },
})
const above = (value: Value, inclusive = false): ValueRange => ({ low: { value, inclusive } })
const below = (value: Value, inclusive = false): ValueRange => ({ high: { value, inclusive } })

function verdict(predicate: Predicate, facts: Partial<ColumnFacts>): Verdict {
  return verdictOf(predicate, () => ({ rowCount: 10, nullCount: 0, ...facts }))
}

t.test('judges a column by its bounds', async (t) => {
  const facts = { min: 5n, max: 9n }
  const over = (...ranges: ValueRange[]) => inDomain('a', int, { nullAllowed: false, ranges })
  t.equal(verdict(over(at(4n)), facts), 'none')
  t.equal(verdict(over(at(5n)), facts), 'some')
  t.equal(verdict(over(above(9n)), facts), 'none')
  t.equal(verdict(over(above(9n, true)), facts), 'some')
  t.equal(verdict(over(above(5n, true)), facts), 'all')
  t.equal(verdict(over(above(5n)), facts), 'some')
  t.equal(verdict(over(below(5n), above(9n)), facts), 'none')
  t.equal(verdict(over(at(5n)), { min: 5n, max: 5n }), 'all')
  t.equal(verdict(over(at(5n)), {}), 'some')
  t.equal(verdict(over(below(5n)), { min: 5n }), 'none')
  t.equal(
    verdictOf(over(at(5n)), () => undefined),
    'some',
  )
})

t.test('counts nulls only where it knows how many there are', async (t) => {
  const isNull = inDomain('a', int, { nullAllowed: true, ranges: [] })
  const notNull = inDomain('a', int, { nullAllowed: false, ranges: [{}] })
  t.equal(verdict(isNull, { nullCount: 0 }), 'none')
  t.equal(verdict(isNull, { nullCount: 10 }), 'all')
  t.equal(verdict(notNull, { nullCount: 0 }), 'all')
  t.equal(verdict(notNull, { nullCount: 10 }), 'none')
  for (const lie of [11, -1]) t.equal(verdict(isNull, { nullCount: lie }), 'some')
  t.equal(
    verdictOf(isNull, () => ({ rowCount: 10, min: 1n, max: 2n })),
    'some',
  )
  t.equal(
    verdictOf(notNull, () => ({ rowCount: 10, min: 1n, max: 2n })),
    'some',
  )
})

t.test('does not believe bounds that contradict themselves', async (t) => {
  const five = inDomain('a', int, { nullAllowed: false, ranges: [at(5n)] })
  t.equal(verdict(five, { min: 9n, max: 8n }), 'some')
  const pi = inDomain('a', double, { nullAllowed: false, ranges: [at(3.14)] })
  t.equal(verdict(pi, { min: Number.NaN, max: 1 }), 'some')
  t.equal(verdict(pi, { min: 4, max: Number.NaN }), 'some')
})

t.test('knows that a float column may hold NaN, and that -0 equals 0', async (t) => {
  const over = (...ranges: ValueRange[]) => inDomain('a', double, { nullAllowed: false, ranges })
  t.equal(verdict(over(above(1)), { min: 2, max: 3 }), 'some', 'NaN is not above 1')
  t.equal(verdict(over(below(5), above(5)), { min: 5, max: 5 }), 'some', 'NaN is not 5')
  t.equal(verdict(over(below(5), above(5)), { min: 6, max: 7 }), 'all', 'NaN is not 5')
  t.equal(verdict(over(at(0)), { min: -0, max: -0 }), 'some')
  t.equal(verdict(over(at(-0)), { min: 0, max: 0 }), 'some')
  t.equal(verdict(over(at(9)), { min: 2, max: 3 }), 'none')
  t.equal(verdict(over(at(Number.NaN)), { min: 2, max: 3 }), 'all', 'engines differ: left to them')
})

t.test('joins verdicts', async (t) => {
  const over = (range: ValueRange) => inDomain('a', int, { nullAllowed: false, ranges: [range] })
  const [none, some, all] = [over(at(1n)), over(at(5n)), over(above(0n))]
  const facts = { min: 5n, max: 9n }
  t.equal(verdict(and([some, all]), facts), 'some')
  t.equal(verdict(and([some, none]), facts), 'none')
  t.equal(verdict(and([all, all]), facts), 'all')
  t.equal(verdict(or([some, none]), facts), 'some')
  t.equal(verdict(or([some, all]), facts), 'all')
  t.equal(verdict(or([none, none]), facts), 'none')
  t.equal(verdict(not(none), facts), 'all')
  t.equal(verdict(not(some), facts), 'some')
  t.equal(verdict(and([]), facts), 'all')
  t.equal(verdict(or([]), facts), 'none')
})

/** Rows of three columns, and an oracle that knows nothing of sorting ranges. */
interface Row {
  readonly int: bigint | null
  readonly double: number | null
  readonly text: Uint8Array | null
}

interface Column {
  readonly name: keyof Row
  readonly type: ArrowType
  readonly value: (random: () => number) => Value
}

const words = ['', 'a', 'ab', 'b', 'ä', '\u{10000}', '\uE000'].map((word) => Buffer.from(word))
const floats = [Number.NaN, -0, 0, 1.5, -1.5, Infinity, -Infinity, 2, 3]
const columns: readonly Column[] = [
  { name: 'int', type: int, value: (random) => BigInt(Math.floor(random() * 9) - 4) },
  {
    name: 'double',
    type: double,
    value: (random) => floats[Math.floor(random() * floats.length)] ?? 0,
  },
  {
    name: 'text',
    type: text,
    value: (random) => words[Math.floor(random() * words.length)] ?? Buffer.of(),
  },
]

function less(left: Value, right: Value): boolean {
  return left instanceof Uint8Array && right instanceof Uint8Array
    ? Buffer.compare(left, right) < 0
    : left < right
}

function equal(left: Value, right: Value): boolean {
  return left instanceof Uint8Array && right instanceof Uint8Array
    ? Buffer.compare(left, right) === 0
    : left === right
}

/** A term and what it says of a row, decided value by value. */
type Term = readonly [Predicate, (row: Row) => boolean]

function randomTerm(random: () => number, depth: number): Term {
  const choice = random()
  if (depth > 0 && choice < 0.5) {
    const terms = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      randomTerm(random, depth - 1),
    )
    const predicates = terms.map(([predicate]) => predicate)
    if (choice < 0.2) return [and(predicates), (row) => terms.every(([, holds]) => holds(row))]
    if (choice < 0.4) return [or(predicates), (row) => terms.some(([, holds]) => holds(row))]
    const [first] = terms
    if (first) return [not(first[0]), (row) => !first[1](row)]
  }
  return randomDomain(random)
}

function randomDomain(random: () => number): Term {
  const column = columns[Math.floor(random() * columns.length)] ?? columns[0]
  if (!column) throw new Error('no column')
  const bound = () => {
    const value = column.value(random)
    return random() < 0.3 || Number.isNaN(value) ? undefined : { value, inclusive: random() < 0.5 }
  }
  const ranges = Array.from({ length: Math.floor(random() * 4) }, (): ValueRange => {
    const [low, high] = [bound(), bound()]
    return { ...(low && { low }), ...(high && { high }) }
  })
  const nullAllowed = random() < 0.5
  const holds = (row: Row) => {
    const value = row[column.name]
    if (value === null) return nullAllowed
    if (Number.isNaN(value)) {
      const real = ranges.filter(isNotEmpty)
      return real.some(({ low }) => !low) && real.some(({ high }) => !high)
    }
    return ranges.some((range) => inRange(range, value))
  }
  return [inDomain(column.name, column.type, { nullAllowed, ranges }), holds]
}

function isNotEmpty({ low, high }: ValueRange): boolean {
  if (!low || !high) return true
  return (
    less(low.value, high.value) || (equal(low.value, high.value) && low.inclusive && high.inclusive)
  )
}

function inRange({ low, high }: ValueRange, value: Value): boolean {
  const fromLow = !low || less(low.value, value) || (low.inclusive && equal(low.value, value))
  const toHigh = !high || less(value, high.value) || (high.inclusive && equal(high.value, value))
  return fromLow && toHigh
}

/** What an honest writer may tell of the rows: now and then nothing, or bounds that no value reaches. */
function honestFacts(rows: readonly Row[], { name, value }: Column, random: () => number) {
  const values = rows.map((row) => row[name]).filter((one) => one !== null)
  const counted = values.filter((one) => !Number.isNaN(one))
  const facts: { rowCount: number; nullCount?: number; min?: Value; max?: Value } = {
    rowCount: rows.length,
  }
  if (random() < 0.8) facts.nullCount = rows.length - values.length
  const min = counted.reduce<Value | undefined>(
    (least, one) => (least === undefined || less(one, least) ? one : least),
    undefined,
  )
  const max = counted.reduce<Value | undefined>(
    (greatest, one) => (greatest === undefined || less(greatest, one) ? one : greatest),
    undefined,
  )
  const looser = value(random)
  if (min !== undefined && random() < 0.9) facts.min = less(looser, min) ? looser : min
  if (max !== undefined && random() < 0.9) facts.max = less(max, looser) ? looser : max
  return facts
}

t.test('is never wrong about rows, whatever it is asked (20,000 seeded cases)', async (t) => {
  const seen: Record<Verdict, number> = { none: 0, some: 0, all: 0 }
  for (let seed = 1; seed <= 20_000; seed++) {
    const random = randomNumbers(seed)
    const spread = 1 + Math.floor(random() * 6)
    const rows = Array.from({ length: spread }, () => {
      const [a, b, c] = columns.map((column) => (random() < 0.2 ? null : column.value(random)))
      return { int: a, double: b, text: c } as Row
    })
    const facts = new Map(
      columns.map((one) => [one.name as string, honestFacts(rows, one, random)]),
    )
    const [predicate, holds] = randomTerm(random, 3)
    const said = verdictOf(predicate, ({ column }) => facts.get(column))
    const matching = rows.filter(holds).length
    seen[said] += 1
    const isWrong = (said === 'none' && matching > 0) || (said === 'all' && matching < rows.length)
    if (isWrong) t.fail(`seed ${seed}: ${said}, but ${matching} of ${rows.length} rows match`)
  }
  t.ok(seen.none > 1000 && seen.all > 1000, `decides often enough: ${JSON.stringify(seen)}`)
})
