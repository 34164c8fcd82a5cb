import type { DataType, Vector } from 'apache-arrow'
import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Float32,
  Float64,
  Int16,
  Int32,
  makeData,
  TimestampMicrosecond,
  Uint32,
  Uint64,
  Vector as ArrowVector,
  vectorFromArray,
} from 'apache-arrow'
import t from 'tap'
import type { Literal } from '../../service/athena/literals.ts'
import type { Value } from '../../service/athena/rows.ts'
import type { ColumnTest, Where } from '../../service/athena/where.ts'
import { columnFilters } from '../../service/athena/where.ts'
import { askTable, defectsIn } from '../support/ask-table.ts'
import type { Plain } from '../support/athena-rows.ts'
import { startStack } from '../support/start-stack.ts'
import type { FileColumn } from '../support/write-parquet.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

const schema = 'sifted'
const table = 'mixed'
const rowsPerFile = 12
const rounds = 40
const days = ['2026-11-01', '2026-11-02', '__HIVE_DEFAULT_PARTITION__']
const regions = ['1', '20', '__HIVE_DEFAULT_PARTITION__']

const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)

/** A small seeded generator (Marsaglia's xorshift, 32 bits), from 0 to below `end`. */
let state = 0x2f6e2b1
function random(end: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % end
}

function pick<T>(values: readonly [T, ...T[]]): T {
  return values[random(values.length)] ?? values[0]
}

/** Literals that rows hold, that lie between rows, and that lie beyond. */
const literals = {
  id: [-1, 0, 5, 50, 107, 1_000_000, '9223372036854775807'],
  narrow: [-3, 0, 2, 4, 300],
  real: [-1e300, -0.5, 0, 0.25, 2.5, 1e300],
  single: [-0.5, 0, 0.1, 2.5],
  word: ['', 'a', 'ab', 'b', 'zz', 'Zürich', '\u{10FFFF}'],
  flag: [true, false],
  price: ['-1.50', '0.00', '0.25', '2.50', '99999999.99'],
  born: ['1969-12-31', '1970-01-01', '1970-01-03', '2100-01-01'],
  seen: ['1969-12-31T23:59:59.999', '1970-01-01T00:00:00.000', '1970-01-01T00:00:00.002'],
  raw: ['', 'AA==', 'AQI=', '/w=='],
  small: [0, 1, 4_294_967_295],
  huge: ['0', '1', '18446744073709551615'],
  region: [0, 1, 20, 21],
  day: ['2026-10-31', '2026-11-01', '2026-11-02', '2026-11-03'],
} as const satisfies Record<string, readonly Literal[]>
type Column = keyof typeof literals
const columns = Object.keys(literals) as Column[]

function column<T extends DataType>(type: T, values: readonly unknown[]): Vector<T> {
  const holed = values.map((value) => (random(5) === 0 ? null : value))
  return vectorFromArray(holed, type)
}

function integers64(type: Uint64, values: readonly bigint[]): Vector<Uint64> {
  return new ArrowVector([
    makeData({ type, length: values.length, data: BigUint64Array.from(values) }),
  ])
}

function decimals(units: readonly number[]): Vector<Decimal> {
  const data = new Uint32Array(units.length * 4)
  for (const [row, unit] of units.entries()) {
    const bits = BigInt.asUintN(128, BigInt(unit))
    for (const word of sequence(4)) {
      data[row * 4 + word] = Number((bits >> BigInt(word * 32)) & 0xffff_ffffn)
    }
  }
  return new ArrowVector([makeData({ type: new Decimal(2, 10, 128), length: units.length, data })])
}

function times(values: readonly number[]): Vector<TimestampMicrosecond> {
  const data = BigInt64Array.from(values.map(BigInt))
  const type = new TimestampMicrosecond()
  return new ArrowVector([makeData({ type, length: values.length, data })])
}

/** A file whose columns are sometimes narrower, sometimes missing, sometimes all null. */
function randomFile(start: number): readonly FileColumn[] {
  const some = <T>(values: readonly [T, ...T[]]): T[] =>
    sequence(rowsPerFile).map(() => pick(values))
  const all: readonly FileColumn[] = [
    ['id', longs(sequence(rowsPerFile, start))],
    ['narrow', column(random(2) ? new Int16() : new Int32(), some([-3, 0, 2, 3, 4]))],
    ['real', column(new Float64(), some([-0.5, 0, -0, 0.25, 2.5, Number.NaN, Infinity]))],
    ['single', column(new Float32(), some([-0.5, 0, -0, 0.25, 2.5, Number.NaN]))],
    ['word', column(texts(['']).type, some(['', 'a', 'ab', 'b', 'Zürich', 'zz', '🦊']))],
    ['flag', column(new Bool(), some([true, false]))],
    ['price', decimals(some([-150, 0, 25, 250, 251]))],
    [
      'born',
      column(
        new DateDay(),
        some([-1, 0, 1, 2].map((day) => new Date(day * 86_400_000)) as [Date, ...Date[]]),
      ),
    ],
    ['seen', times(some([-1_000, -1, 0, 1, 999, 1_000, 2_000, 2_001]))],
    [
      'raw',
      column(new Binary(), some([Buffer.of(), Buffer.of(0), Buffer.of(1, 2), Buffer.of(255)])),
    ],
    ['small', column(new Uint32(), some([0, 1, 2_147_483_648, 4_294_967_295]))],
    ['huge', integers64(new Uint64(), some([0n, 1n, 2n ** 63n, 2n ** 64n - 1n]))],
  ]
  return all.filter(([name]) => name === 'id' || random(6) > 0)
}

for (const [at, day] of days.entries()) {
  for (const [next, region] of regions.entries()) {
    for (const file of sequence(2)) {
      const start = ((at * regions.length + next) * 2 + file) * rowsPerFile
      const bytes = writeParquet(randomFile(start), { rowsPerGroup: 1 + random(6) })
      const key = `tables/${table}/day=${day}/region=${region}/${file}.parquet`
      await stack.client.putObject(schema, key, bytes)
    }
  }
}

function randomTest(column: Column): ColumnTest {
  const values = literals[column] as readonly [Literal, ...Literal[]]
  const literal = pick(values)
  const orNull = random(3) === 0
  const tests: readonly [ColumnTest, ...ColumnTest[]] = [
    { eq: literal, orNull },
    { lt: literal, orNull },
    { le: literal, orNull },
    { gt: literal, orNull },
    { ge: literal, orNull },
    { gt: literal, le: pick(values), orNull },
    { ne: literal, orNull },
    { in: values.filter(() => random(2)), orNull },
    { notIn: values.filter(() => random(2)), orNull },
    { in: [literal], as: 'values', orNull },
    { notIn: [literal], as: 'values', orNull },
    { anyOf: [{ lt: literal }, { gt: pick(values) }], orNull },
    { isNull: true },
    { isNotNull: true },
    { isNull: true, as: 'all_or_none' },
    { isNotNull: true, as: 'all_or_none' },
  ]
  return pick(tests)
}

/** All rows, read without filters. */
const signal = AbortSignal.timeout(30_000)
const { schema: arrowSchema } = await stack.engine().getTable({ schema, table }, signal)
const whole: Value[][] = []
for await (const row of (await stack.engine().query({ schema, table }, signal)).rows()) {
  whole.push(row)
}

/** Ids of the rows that pass by the engine's own rules. */
function idsThatPass(where: Where): Plain[][] {
  const names = arrowSchema.fields.map(({ name }) => name)
  const filters = columnFilters(where, arrowSchema)
  const passes = (row: readonly Value[]): boolean =>
    filters.every(({ column, matches }) => matches(row[names.indexOf(column)] ?? null))
  return whole.filter(passes).map((row) => [String(row[names.indexOf('id')] as bigint)])
}

t.test('whatever the filters, no row is missing', async (t) => {
  t.equal(whole.length, days.length * regions.length * 2 * rowsPerFile)
  let spared = 0
  for (const round of sequence(rounds)) {
    const tests = sequence(1 + random(3)).map(() => {
      const column = pick(columns as [Column, ...Column[]])
      return [column, randomTest(column)] as const
    })
    const where: Where = Object.fromEntries(tests)
    const found = await askTable(stack, { schema, table, columns: ['id'], where })
    t.strictSame(found.rows, idsThatPass(where), `${round}: ${JSON.stringify(where)}`)
    spared += whole.length - found.statistics.returnedRows
  }
  t.ok(spared > 0, `${spared} rows were not read`)
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
