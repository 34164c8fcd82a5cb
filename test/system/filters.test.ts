import { DataType, Int64, Utf8 } from 'apache-arrow'
import t from 'tap'
import { athena } from '../../service/athena/engine.ts'
import { invokeInProcess } from '../../service/athena/invoke.ts'
import type { Literal } from '../../service/athena/literals.ts'
import type { Value } from '../../service/athena/rows.ts'
import type { ColumnTest } from '../../service/athena/where.ts'
import { columnFilters } from '../../service/athena/where.ts'
import { s3SpillReader } from '../../service/athena/spilled-blocks.ts'
import { askTable, defectsIn } from '../support/ask-table.ts'
import type { Plain } from '../support/athena-rows.ts'
import { plainValue } from '../support/athena-rows.ts'
import { goldenBytes, goldenNames } from '../support/golden-files.ts'
import { valueBlock } from '../support/random-predicate.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

// Filters as Athena hands them down, through shim and gateway: the right rows, and no row beyond them.

const schema = 'filtered'
// Some 2,700 queries: a minute alone, several beside others.
t.setTimeout(900_000)
const signal = AbortSignal.timeout(900_000)
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)

const tables = goldenNames().filter((name) => name !== 'case_twins')
await Promise.all(
  tables.map((name) =>
    stack.client.putObject(
      schema,
      `tables/${name}/${name}.parquet`,
      Buffer.from(goldenBytes(name)),
    ),
  ),
)

/** A value as the where clause writes it; undefined for those that are not compared here. */
function literalOf(value: Plain, type: DataType): Literal | undefined {
  if (DataType.isFloat(type)) {
    const number = Number(value)
    return Number.isFinite(number) ? number : undefined
  }
  if (typeof value === 'string') return value.replace(/ UTC$/, '')
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

/** Tests of a column by all three value sets. */
function testsOf(seen: Literal | undefined): readonly ColumnTest[] {
  const presence: ColumnTest[] = [
    { isNull: true },
    { isNotNull: true },
    { isNull: true, as: 'all_or_none' },
  ]
  if (seen === undefined) return presence
  return [
    ...presence,
    { eq: seen },
    { ge: seen, orNull: true },
    { ne: seen },
    { in: [seen], as: 'values' },
    { notIn: [seen], as: 'values', orNull: true },
  ]
}

/** An engine that hands down more than it could by itself: expressions, and limits behind filters. */
function engineWith(more: object) {
  const invoke = invokeInProcess(stack.handler)
  const { url: endpoint, accessKey: accessKeyId, secretKey: secretAccessKey } = stack.store
  const spills = s3SpillReader({ endpoint, credentials: { accessKeyId, secretAccessKey } })
  const engine = athena({
    spills,
    invoke: (event, both) => {
      const { constraints } = event as { readonly constraints?: object }
      const given = constraints && { constraints: { ...constraints, ...more } }
      return invoke({ ...event, ...given }, both)
    },
  })
  t.teardown(() => spills.close())
  return { engine: () => engine }
}
const limiting = engineWith({ limit: 1 })

for (const table of tables) {
  t.test(`${table}: each column by all value sets, projection, limit`, async (t) => {
    const { schema: arrow } = await stack.engine().getTable({ schema, table }, signal)
    const whole: Value[][] = []
    for await (const row of (await stack.engine().query({ schema, table }, signal)).rows()) {
      whole.push(row)
    }
    // Of tables as wide as that some columns stand for all.
    for (const [at, { name, type }] of arrow.fields.slice(0, 12).entries()) {
      const isNested =
        type.children !== undefined && type.children !== null && type.children.length > 0
      const values = whole.map((row) => plainValue(row[at] ?? null, type))
      const present = values.find((value) => value !== null) ?? null
      const seen = isNested ? undefined : literalOf(present, type)
      for (const test of testsOf(seen)) {
        if (isNested && test.as !== 'all_or_none') continue
        const where = { [name]: test }
        const [filter] = columnFilters(where, arrow)
        const wanted = whole.filter((row) => filter?.matches(row[at] ?? null)).length
        const said = `${name} ${JSON.stringify(test)}`
        const other = arrow.fields[(at + 1) % arrow.fields.length]?.name ?? name
        const { rows, statistics } = await askTable(stack, {
          schema,
          table,
          columns: [other],
          where,
        })
        t.strictSame([rows.length, statistics.overReturnedRows], [wanted, 0], said)
        if (wanted < 2 || at > 1) continue
        const limited = await askTable(limiting, { schema, table, where })
        const { returnedRows, splits } = limited.statistics
        t.ok(
          returnedRows >= 1 && returnedRows <= splits,
          `${said}: ${returnedRows} of ${splits} splits`,
        )
      }
    }
  })
}

const days = ['2026-11-01', '2026-11-02', '__HIVE_DEFAULT_PARTITION__']
const words = ['ab', 'abc', 'b%', null, 'Zürich']
interface Item {
  readonly id: number
  readonly number: number | null
  readonly word: string | null
  readonly day: string | null
}
const items = days.flatMap((day, folder): Item[] =>
  sequence(40, folder * 40).map((id) => ({
    id,
    number: id % 7 === 0 ? null : (id * 13) % 50,
    word: words[id % 5] ?? null,
    day: day.startsWith('_') ? null : day,
  })),
)
for (const [folder, day] of days.entries()) {
  const rows = items.slice(folder * 40, folder * 40 + 40)
  const bytes = writeParquet(
    [
      ['id', longs(rows.map(({ id }) => id))],
      ['number', longs(rows.map(({ number }) => number))],
      ['word', texts(rows.map(({ word }) => word))],
    ],
    { rowsPerGroup: 15 },
  )
  await stack.client.putObject(schema, `tables/items/day=${day}/0.parquet`, bytes)
}

const bool = { '@type': 'Bool' }
const long = { '@type': 'Int', bitWidth: 64, isSigned: true }
const text = { '@type': 'Utf8' }
const call = (functionName: string, type: object, ...args: readonly object[]) => ({
  '@type': 'FunctionCallExpression',
  type,
  functionName: { functionName },
  arguments: args,
})
const variable = (columnName: string, type: object) => ({
  '@type': 'VariableExpression',
  columnName,
  type,
})
const [number, word, id] = [variable('number', long), variable('word', text), variable('id', long)]
const constants = (type: object, ...values: readonly (bigint | string)[]) => ({
  '@type': 'ConstantExpression',
  valueBlock: valueBlock(
    type === long ? new Int64() : new Utf8(),
    values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value)),
  ),
  type,
})

type Expression = readonly [json: object, matches: (item: Item) => boolean]
const expressions: Readonly<Record<string, Expression>> = {
  comparison: [
    call('$greater_than', bool, number, constants(long, 30n)),
    (item) => item.number !== null && item.number > 30,
  ],
  'or, is null': [
    call(
      '$or',
      bool,
      call('$is_null', bool, word),
      call('$equal', bool, word, constants(text, 'ab')),
    ),
    (item) => item.word === null || item.word === 'ab',
  ],
  'not in': [
    call(
      '$not',
      bool,
      call('$in', bool, id, call('$array', { '@type': 'List' }, constants(long, 1n, 2n, 100n))),
    ),
    (item) => ![1, 2, 100].includes(item.id),
  ],
  like: [
    call('$like_pattern', bool, word, constants(text, 'ab%')),
    (item) => item.word?.startsWith('ab') === true,
  ],
  'is distinct from': [
    call('$is_distinct_from', bool, word, constants(text, 'ab')),
    (item) => item.word !== 'ab',
  ],
  arithmetic: [
    call(
      '$equal',
      bool,
      call('$modulus', long, call('$add', long, number, constants(long, 1n)), constants(long, 5n)),
      constants(long, 0n),
    ),
    (item) => item.number !== null && (item.number + 1) % 5 === 0,
  ],
  nullif: [
    call('$is_null', bool, call('$nullif', long, number, constants(long, 13n))),
    (item) => item.number === null || item.number === 13,
  ],
  'columns of one row': [
    call('$less_than', bool, number, id),
    (item) => item.number !== null && item.number < item.id,
  ],
}

for (const [name, [expression, matches]] of Object.entries(expressions)) {
  t.test(`an expression: ${name}`, async (t) => {
    const own = engineWith({ expression: [expression] })
    const wanted = items.filter(matches).map((item) => [String(item.id)])
    t.ok(wanted.length > 0 && wanted.length < items.length)
    const request = { schema, table: 'items', columns: ['id'] }
    const { rows, statistics } = await askTable(own, request)
    t.strictSame(rows, wanted)
    t.equal(statistics.returnedRows, wanted.length, 'nothing comes that the engine would drop')
    const where = { day: '2026-11-02' }
    const ofDay = items.filter((item) => item.day === where.day && matches(item))
    const onDay = await askTable(own, { ...request, where })
    t.strictSame(
      onDay.rows,
      ofDay.map((item) => [String(item.id)]),
    )
    const limitingToo = engineWith({ expression: [expression], limit: 1 })
    const limited = await askTable(limitingToo, request)
    t.ok(
      limited.rows.length >= 1 && limited.rows.length <= limited.statistics.splits,
      'one a split',
    )
  })
}

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
