import { DataType } from 'apache-arrow'
import t from 'tap'
import type { RowOrder } from '../../service/athena/first-rows.ts'
import { firstRows, orderByJson } from '../../service/athena/first-rows.ts'
import { invokeInProcess } from '../../service/athena/invoke.ts'
import { isOrdered } from '../../service/athena/literals.ts'
import type { Value } from '../../service/athena/rows.ts'
import { askTable, defectsIn } from '../support/ask-table.ts'
import { goldenBytes, goldenNames } from '../support/golden-files.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

// ORDER BY with LIMIT as Athena hands it down, through shim and gateway: few rows come, the right ones among them.

const schema = 'ordered'
const signal = AbortSignal.timeout(240_000)
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
const put = (key: string, bytes: Uint8Array) =>
  stack.client.putObject(schema, `tables/${key}`, Buffer.from(bytes))

const tables = goldenNames().filter((name) => name !== 'case_twins')
await Promise.all(tables.map((name) => put(`${name}/${name}.parquet`, goldenBytes(name))))

const ROWS_WANTED = 3

/** NaN and -0, wherever they belong, come in addition. */
const isUncertain = (value: Value) => Number.isNaN(value) || Object.is(value, -0)

for (const table of tables) {
  t.test(`${table}: each column up and down`, async (t) => {
    const { schema: arrow } = await stack.engine().getTable({ schema, table }, signal)
    const whole: Value[][] = []
    for await (const row of (await stack.engine().query({ schema, table }, signal)).rows()) {
      whole.push(row)
    }
    // Of tables as wide as that some columns stand for all.
    for (const [at, { name, type }] of arrow.fields.slice(0, 12).entries()) {
      if (!isOrdered(type)) continue
      for (const descending of [false, true]) {
        const nullsFirst = descending === (at % 2 === 0)
        const orderBy: RowOrder[] = [{ column: name, descending, nullsFirst }]
        const first = firstRows(arrow, orderBy, ROWS_WANTED)
        for (const row of whole) first.add(row)
        const wanted = first.sorted().map((row) => row[at])
        const request = { schema, table, columns: [name], orderBy, limit: ROWS_WANTED }
        const result = await stack.engine().query(request, signal)
        const rows: Value[] = []
        for await (const row of result.rows()) rows.push(row[0] ?? null)
        const said = JSON.stringify(orderBy)
        t.strictSame(rows, wanted, said)
        const { splits, returnedRows } = result.statistics
        const uncertain = DataType.isFloat(type)
          ? whole.filter((row) => isUncertain(row[at] ?? null)).length
          : 0
        t.ok(returnedRows <= splits * ROWS_WANTED + uncertain, `${said}: ${returnedRows} rows`)
      }
    }
  })
}

const days = ['2026-11-01', '2026-11-02', '__HIVE_DEFAULT_PARTITION__']
const words = ['ab', 'Ab', 'b', null, 'ž', '', '\uff5e', '😀']
interface Item {
  readonly id: number
  readonly number: number | null
  readonly word: string | null
  readonly day: string | null
}
const FOLDER_ROWS = 4_000
const items = days.flatMap((day, folder): Item[] =>
  sequence(FOLDER_ROWS, folder * FOLDER_ROWS).map((id) => ({
    id,
    number: id % 7 === 0 ? null : (id * 7_919) % 1_000,
    word: words[id % words.length] ?? null,
    day: day.startsWith('_') ? null : day,
  })),
)
for (const [folder, day] of days.entries()) {
  const rows = items.slice(folder * FOLDER_ROWS, (folder + 1) * FOLDER_ROWS)
  const columns = [
    ['id', longs(rows.map(({ id }) => id))],
    ['number', longs(rows.map(({ number }) => number))],
    ['word', texts(rows.map(({ word }) => word))],
  ] as const
  await put(`items/day=${day}/0.parquet`, writeParquet(columns, { rowsPerGroup: 700 }))
}

/** An engine that hands an order down below filters too. */
function pushing(orders: readonly RowOrder[], limit: number) {
  const invoke = invokeInProcess(stack.handler)
  const orderByClause = orders.map(orderByJson)
  const engine = stack.engine({
    invoke: (event, both) => {
      const { constraints } = event as { readonly constraints?: object }
      const given = constraints && { constraints: { ...constraints, orderByClause, limit } }
      return invoke({ ...event, ...given }, both)
    },
  })
  return { engine: () => engine }
}

const byText = (left: string, right: string) =>
  Buffer.compare(Buffer.from(left), Buffer.from(right))

t.test('several columns, ties, a column that is not shown, a partition column', async (t) => {
  const orderBy: RowOrder[] = [
    { column: 'word', descending: true },
    { column: 'day', nullsFirst: true },
    { column: 'number', descending: true, nullsFirst: true },
    { column: 'id', descending: true },
  ]
  const wanted = items
    .filter(({ word }) => word !== null)
    .toSorted(
      (left, right) =>
        byText(right.word ?? '', left.word ?? '') ||
        byText(left.day ?? '', right.day ?? '') ||
        (right.number ?? 1_000) - (left.number ?? 1_000) ||
        right.id - left.id,
    )
    .slice(0, 100)
  const request = { schema, table: 'items', columns: ['id'], orderBy, limit: 100 }
  const { rows, statistics } = await askTable(stack, request)
  t.strictSame(
    rows,
    wanted.map(({ id }) => [String(id)]),
  )
  t.ok(statistics.returnedRows <= 100 * statistics.splits, `${statistics.returnedRows} rows`)
  t.equal(statistics.rows, 100)
})

t.test('more rows than are worth it, and all rows, are sorted by Athena alone', async (t) => {
  const orderBy: RowOrder[] = [{ column: 'number' }, { column: 'id' }]
  const wanted = items
    .toSorted(
      (left, right) => (left.number ?? 1_000) - (right.number ?? 1_000) || left.id - right.id,
    )
    .map(({ id }) => [String(id)])
  for (const limit of [10_001, 20_000]) {
    const request = { schema, table: 'items', columns: ['id'], orderBy, limit }
    const { rows, statistics } = await askTable(stack, request)
    t.strictSame(rows, wanted.slice(0, limit))
    t.equal(statistics.returnedRows, items.length)
  }
})

t.test('a filter goes before the order', async (t) => {
  const orderBy: RowOrder[] = [{ column: 'number', descending: true }, { column: 'id' }]
  const where = { word: 'ab' }
  const wanted = items
    .filter(({ word }) => word === 'ab')
    .toSorted((left, right) => (right.number ?? -1) - (left.number ?? -1) || left.id - right.id)
    .slice(0, 5)
    .map(({ id }) => [String(id)])
  const request = { schema, table: 'items', columns: ['id'], where, orderBy, limit: 5 }
  t.strictSame((await askTable(stack, request)).rows, wanted)
  // Athena hands both down, as it knows that we apply the filter.
  const pushed = await askTable(pushing(orderBy, 5), request)
  t.strictSame(pushed.rows, wanted)
  const { returnedRows, splits, overReturnedRows } = pushed.statistics
  t.equal(overReturnedRows, 0)
  t.ok(returnedRows <= 5 * splits, `${returnedRows} rows`)
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
