import { Float32, Float64, Int32, Uint16, vectorFromArray } from 'apache-arrow'
import t from 'tap'
import { formatType } from '../../service/arrow/format-type.ts'
import { defectsIn } from '../support/ask-table.ts'
import { failureOf } from '../support/federation-client.ts'
import { flightClient } from '../support/flight-client.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, texts, writeParquet } from '../support/write-parquet.ts'
import type { FileColumn } from '../support/write-parquet.ts'

const schema = 'lake'
const stack = await startStack()
const flight = flightClient(stack.grpc)
t.teardown(async () => {
  flight.close()
  await stack.close()
})
await stack.client.makeBucket(schema)
const put = (key: string, columns: readonly FileColumn[]) =>
  stack.client.putObject(schema, `tables/${key}`, writeParquet(columns))
const typesOf = async (request: object) =>
  (await flight.read(request)).fields.map(({ name, type }) => `${name} ${formatType(type)}`)

t.test('files that differ are one table: wider types, nulls for what is missing', async (t) => {
  await put('evolved/a.parquet', [
    ['id', vectorFromArray([1, 2], new Int32())],
    ['ratio', vectorFromArray([0.5, null], new Float32())],
  ])
  await put('evolved/b.parquet', [
    ['ID', longs([2 ** 40])],
    ['ratio', vectorFromArray([0.1], new Float64())],
    ['extra', vectorFromArray([65_535], new Uint16())],
  ])
  await put('evolved/c.parquet', [['extra', vectorFromArray([7], new Int32())]])
  const table = { schema, table: 'evolved' }
  t.strictSame(await typesOf(table), ['id int64', 'ratio float64', 'extra int32'])
  const rows = [
    [1, 0.5, null],
    [2, null, null],
    [2 ** 40, 0.1, 65_535],
    [null, null, 7],
  ]
  t.strictSame((await flight.read(table)).rows, rows)
  t.strictSame((await flight.read({ ...table, endpoints: 3 })).rows, rows)
  t.strictSame((await flight.read({ ...table, filter: 'extra > 7' })).rows, [rows[2]])
  t.strictSame((await flight.read({ ...table, filter: 'id IS NULL' })).rows, [rows[3]])
})

t.test('types that do not go together spare the other columns', async (t) => {
  await put('torn/a.parquet', [
    ['id', longs([1])],
    ['what', longs([1])],
  ])
  await put('torn/b.parquet', [
    ['id', longs([2])],
    ['what', texts(['two'])],
  ])
  const table = { schema, table: 'torn' }
  t.strictSame((await flight.read({ ...table, columns: ['id'] })).rows, [[1], [2]])
  t.match(await failureOf(flight.read(table)), {
    status: 12,
    code: 'unsupported',
    details: /torn\/b\.parquet.*"what".*utf8.*int64/,
  })
})

t.test('folders are typed columns, null where they say so; filters pass folders by', async (t) => {
  for (const [day, number] of [
    ['2026-11-01', '1'],
    ['2026-11-02', '2'],
    ['__HIVE_DEFAULT_PARTITION__', '3'],
  ]) {
    await put(`days/day=${day}/n=${number}/x.parquet`, [['id', longs([Number(number)])]])
  }
  const table = { schema, table: 'days' }
  t.strictSame(await typesOf(table), ['id int64', 'day date(day)', 'n int32'])
  t.strictSame((await flight.read({ ...table, columns: ['N', 'Day'] })).rows, [
    [1, '2026-11-01'],
    [2, '2026-11-02'],
    [3, null],
  ])
  const filter = "day >= DATE '2026-11-02'"
  t.strictSame((await flight.read({ ...table, columns: ['id'], filter })).rows, [[2]])
  const { appMetadata } = await flight.info({ ...table, filter })
  const { ledger } = JSON.parse(Buffer.from(appMetadata).toString()) as {
    ledger: Record<string, number>
  }
  t.equal(ledger['filesKept'], 1)
  t.equal((ledger['filesDroppedByPartition'] ?? 0) + (ledger['foldersDroppedByPartition'] ?? 0), 2)
})

t.test('500 columns come in one schema, and any few of them alone', async (t) => {
  const columns = Array.from({ length: 500 }, (_, at): FileColumn => [
    `column_${at}`,
    at % 2 === 0 ? longs([at, null]) : texts([`text ${at}`, null]),
  ])
  await put('wide/a.parquet', columns)
  const { fields, rows } = await flight.read({ schema, table: 'wide' })
  t.equal(fields.length, 500)
  t.strictSame(rows[0]?.slice(0, 3), [0, 'text 1', 2])
  t.ok(rows[1]?.every((value) => value === null))
  const few = { schema, table: 'wide', columns: ['column_499', 'COLUMN_0'] }
  t.strictSame((await flight.read(few)).rows, [
    ['text 499', 0],
    [null, null],
  ])
  const { endpoint } = await flight.info({ schema, table: 'wide' })
  const ticketBytes = endpoint[0]?.ticket?.ticket.length ?? 0
  t.ok(ticketBytes > 0 && ticketBytes < 8_192, `${ticketBytes} bytes`)
})

t.test('of many files a sample tells the columns, and all of them are nullable', async (t) => {
  for (let at = 0; at < 40; at++) {
    await put(`many/${at}.parquet`, [['id', longs([at])]])
  }
  const { fields, rows } = await flight.read({ schema, table: 'many', endpoints: 7 })
  t.ok(fields.every(({ nullable }) => nullable))
  t.equal(rows.length, 40)
})

t.test('a table of no rows has a schema, and a count of none', async (t) => {
  await put('empty/a.parquet', [['id', longs([])]])
  const info = await flight.info({ schema, table: 'empty', endpoints: 5 })
  t.match(info, { totalRecords: 0n, ordered: false })
  const { fields, rows } = await flight.read({ schema, table: 'empty' })
  t.strictSame(
    fields.map(({ name }) => name),
    ['id'],
  )
  t.strictSame(rows, [])
})

t.test('no cause of an error was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
