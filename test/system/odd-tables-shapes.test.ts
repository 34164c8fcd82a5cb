import t from 'tap'
import type { MetricSums } from '../../service/demo/scrape-metrics.ts'
import { growth, scrapeMetrics } from '../../service/demo/scrape-metrics.ts'
import { askTable, complaintOf, defectsIn, firstColumn } from '../support/ask-table.ts'
import { startFailingStore } from '../support/failing-store.ts'
import { startStore } from '../support/start-store.ts'
import { startStack } from '../support/start-stack.ts'
import type { FileColumn, WriteParquetOptions } from '../support/write-parquet.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

const schema = 'shapes'
// A thousand row groups are a thousand requests: slow on a busy machine.
t.setTimeout(120_000)
const minio = await startStore()
const door = await startFailingStore(minio.url)
const stack = await startStack({ store: { ...minio, url: door.url } })
t.teardown(async () => {
  await stack.close()
  await door.close()
  await minio.stop()
})
await stack.client.makeBucket(schema)

async function put(
  key: string,
  columns: readonly FileColumn[],
  options: WriteParquetOptions = {},
): Promise<void> {
  await stack.client.putObject(schema, `tables/${key}`, writeParquet(columns, options))
}

/** Requests for data files that the store saw while `run` ran. */
async function readRequests(run: () => Promise<unknown>): Promise<number> {
  const before = door.seen.length
  await run()
  return door.seen.slice(before).filter(({ url }) => url.endsWith('.parquet')).length
}

t.test('a table of 500 columns gives each of them, and reads only what is asked for', async (t) => {
  const columns = sequence(500).map((at): FileColumn => [
    `column_${at}`,
    at % 2 ? longs([at, null]) : texts([`t${at}`, null]),
  ])
  await put('broad/a.parquet', columns)
  const { rows } = await askTable(stack, { schema, table: 'broad' })
  t.strictSame(rows, [
    sequence(500).map((at) => (at % 2 ? String(at) : `t${at}`)),
    sequence(500).map(() => null),
  ])
  const asked = { schema, table: 'broad', columns: ['column_499', 'column_0'] }
  t.strictSame((await askTable(stack, asked)).rows, [
    ['499', 't0'],
    [null, null],
  ])
})

const groups = 1_000
const rowsPerGroup = 5

t.test('a file of 1,000 row groups gives all its rows in order', async (t) => {
  await put('grouped/a.parquet', [['id', longs(sequence(groups * rowsPerGroup))]], { rowsPerGroup })
  const requests = await readRequests(async () => {
    const ids = await firstColumn(stack, { schema, table: 'grouped' })
    t.equal(ids.length, groups * rowsPerGroup)
    t.equal(
      ids.findIndex((id, at) => id !== String(at)),
      -1,
    )
  })
  // They share their reads.
  t.ok(requests <= 3, `${requests} requests`)
})

t.test('of 1,000 row groups only those are read that may match', async (t) => {
  const where = { id: { ge: 2_502, lt: 2_509 } }
  const before = await scrapeMetrics(stack.http)
  const { rows, statistics } = await askTable(stack, { schema, table: 'grouped', where })
  t.strictSame(
    rows,
    sequence(7, 2_502).map((id) => [String(id)]),
  )
  t.equal(await rowGroupsSince(before), 2)
  t.equal(statistics.overReturnedRows, 0)
  const none = await askTable(stack, { schema, table: 'grouped', where: { id: { lt: 0 } } })
  t.equal(none.statistics.splits, 0)
})

t.test('a list of 1,000 values finds its rows, and few others', async (t) => {
  const wanted = sequence(1_000, 1_002)
  for (const as of ['ranges', 'values'] as const) {
    const where = { id: { in: [...wanted, 10_000_000], as } }
    const before = await scrapeMetrics(stack.http)
    const { rows, statistics } = await askTable(stack, { schema, table: 'grouped', where })
    t.equal(rows.length, wanted.length)
    t.ok(wanted.every((id, at) => rows[at]?.[0] === String(id)))
    t.equal(await rowGroupsSince(before), 201)
    t.equal(statistics.overReturnedRows, 0)
  }
})

async function rowGroupsSince(before: MetricSums): Promise<number> {
  return growth(before, await scrapeMetrics(stack.http), 'spillway_scan_row_groups_total')
}

t.test('a limit is obeyed by the function itself, which then reads little', async (t) => {
  for (const limit of [0, 1, 7]) {
    let returned = 0
    const requests = await readRequests(async () => {
      const { statistics } = await askTable(stack, { schema, table: 'grouped', limit })
      returned = statistics.returnedRows
    })
    t.equal(returned, limit)
    t.ok(requests <= 1, `${requests} requests`)
  }
  const where = { id: { ge: 4_990 } }
  const ids = await firstColumn(stack, { schema, table: 'grouped', where, limit: 4 })
  t.strictSame(ids, ['4990', '4991', '4992', '4993'])
})

t.test('rows are counted without reading any data', async (t) => {
  let count = 0
  const requests = await readRequests(async () => {
    const { rows } = await askTable(stack, { schema, table: 'grouped', columns: [] })
    count = rows.length
  })
  t.equal(count, groups * rowsPerGroup)
  t.ok(requests <= 1, `${requests} requests`)
})

t.test('rows that pass a filter are counted', async (t) => {
  const where = { id: { ge: 4_321 } }
  const { rows } = await askTable(stack, { schema, table: 'grouped', columns: [], where })
  t.equal(rows.length, groups * rowsPerGroup - 4_321)
})

t.test('a row larger than a block is refused with the limit; other columns are fine', async (t) => {
  const files = [['small'], ['small', 'x'.repeat(20_000_000), 'small'], ['small']]
  for (const [at, values] of files.entries()) {
    const ids = values.map(() => at)
    await put(`heavy/${at}.parquet`, [
      ['id', longs(ids)],
      ['text', texts(values)],
    ])
  }
  const said = await complaintOf(stack, { schema, table: 'heavy' })
  t.match(said, /^too_large: .* has a row of .*bytes.* a block may have,? 15\d{6}; select/)
  t.match(said, `${schema}/tables/heavy/1.parquet, row group 0`)
  const ids = await firstColumn(stack, { schema, table: 'heavy', columns: ['id'] })
  t.strictSame(ids, ['0', '1', '1', '1', '2'])
})

t.test('rows of a few megabytes each come in blocks of their own', async (t) => {
  const megabytes = sequence(12).map((at) => String.fromCharCode(97 + at).repeat(4_000_000))
  await put('fat/a.parquet', [['text', texts(megabytes)]])
  const { rows, statistics } = await askTable(stack, { schema, table: 'fat' })
  t.ok(statistics.spilledBlocks >= 4)
  t.equal(rows.length, megabytes.length)
  t.ok(rows.every(([text], at) => text === megabytes[at]))
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
