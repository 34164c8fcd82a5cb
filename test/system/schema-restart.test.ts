import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { askTable, complaintOf, defectsIn } from '../support/ask-table.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import type { Stack } from '../support/start-stack.ts'
import { startStack } from '../support/start-stack.ts'
import { storeClient } from '../support/store-client.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

t.setTimeout(120_000)

const schema = 'lake'
const skip = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

/** Attempts at the store so far, by operation. */
async function requests({ http }: Stack, operation: string): Promise<number> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith('spillway_store_requests_total'))
  return lines
    .filter((line) => line.includes(`operation="${operation}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

t.test('a gateway with a cache folder, and full schemas', { skip }, async (t) => {
  const minio = await startMinio()
  t.teardown(() => minio.stop())
  const directory = await mkdtemp(join(tmpdir(), 'spillway-cache-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const client = storeClient(minio)
  await client.makeBucket(schema)
  const put = (key: string, bytes: Buffer) => client.putObject(schema, `tables/${key}`, bytes)
  const fileCount = 40
  for (let at = 0; at < fileCount; at++) {
    const columns = [['id', longs(sequence(2, at))] as const]
    await put(`orders/day=2026-01-${10 + (at % 20)}/${at}.parquet`, writeParquet(columns))
  }
  const start = () =>
    startStack({
      store: minio,
      gateway: { SPILLWAY_CACHE_DIRECTORY: directory, SPILLWAY_SCHEMA_MODE: 'full' },
    })
  const table = { schema, table: 'orders' }

  await t.test('reads each footer once, and none after a restart', async (t) => {
    const first = await start()
    const cold = await askTable(first, { ...table, columns: [] })
    t.equal(cold.rows.length, fileCount * 2)
    t.equal(await requests(first, 'read'), fileCount, 'of rows without columns only footers')
    await first.close()
    const second = await start()
    const warm = await askTable(second, { ...table, columns: [] })
    t.equal(warm.rows.length, fileCount * 2)
    t.equal(await requests(second, 'read'), 0)
    await put('orders/day=2026-01-29/new.parquet', writeParquet([['id', longs([7])]]))
    await askTable(second, { ...table, columns: [] })
    t.equal(await requests(second, 'read'), 1)
    await second.close()
  })

  await t.test(
    'queries that read a contradicting column name file, column and types',
    async (t) => {
      const stack = await start()
      t.teardown(() => stack.close())
      const odd = writeParquet([
        ['id', texts(['x', 'y'])],
        ['note', texts(['a', 'b'])],
      ])
      await put('orders/day=2026-01-30/odd.parquet', odd)
      const complaint = await complaintOf(stack, { ...table, columns: ['id'] })
      t.match(complaint, /^unsupported: .*day=2026-01-30\/odd\.parquet has the column "id" as/)
      t.match(complaint, /utf8.*int64/)
      const others = await askTable(stack, { ...table, columns: ['note', 'day'] })
      t.equal(others.rows.filter(([note]) => note !== null).length, 2)
      t.strictSame(defectsIn(stack), [])
    },
  )

  await t.test('a bad declaration is an error that names its object', async (t) => {
    const stack = await start()
    t.teardown(() => stack.close())
    const declare = (json: unknown) =>
      put('orders.spillway.json', Buffer.from(JSON.stringify(json)))
    await declare({ partitions: { day: { type: 'date', range: ['2026-01-10'] } } })
    t.match(
      await complaintOf(stack, { ...table, columns: [] }),
      /^unreadable_file: lake\/tables\/orders\.spillway\.json partitions\.day has the range/,
    )
    await declare({ partitions: { day: { type: 'date', range: ['2026-01-10', '2026-01-12'] } } })
    const { rows } = await askTable(stack, { ...table, columns: ['id', 'day'] })
    t.equal(rows.length, 3 * 2 * 2, 'two files a day')
    t.strictSame(
      [...new Set(rows.map(([, day]) => day))],
      ['2026-01-10', '2026-01-11', '2026-01-12'],
    )
  })
})
