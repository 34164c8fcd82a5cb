import t, { type Test } from 'tap'
import { functionFailure } from '../../service/athena/invoke.ts'
import type { QueryRequest, QueryResult } from '../../service/athena/query.ts'
import { defectsIn, firstColumn } from '../support/ask-table.ts'
import { startFailingStore } from '../support/failing-store.ts'
import { startStore } from '../support/start-store.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

const schema = 'moving'
const signal = AbortSignal.timeout(120_000)
const minio = await startStore()
const door = await startFailingStore(minio.url)
const stack = await startStack({ store: { ...minio, url: door.url } })
t.teardown(async () => {
  await stack.close()
  await door.close()
  await minio.stop()
})
await stack.client.makeBucket(schema)

const file = (start: number): Buffer => writeParquet([['id', longs(sequence(5, start))]])
const ids = (start: number, count = 5): string[] => sequence(count, start).map(String)

async function put(key: string, bytes: Buffer): Promise<void> {
  await stack.client.putObject(schema, `tables/${key}`, bytes)
}

async function remove(key: string): Promise<void> {
  await stack.client.removeObject(schema, `tables/${key}`)
}

/** A table of three files, and a query of it that is planned but not read. */
async function planned(table: string, request: Partial<QueryRequest> = {}): Promise<QueryResult> {
  for (const at of sequence(3)) await put(`${table}/${at}.parquet`, file(at * 5))
  return stack.engine().query({ schema, table, ...request }, signal)
}

/** Rows of a planned query, or what the function said. */
async function read(result: QueryResult): Promise<string[] | string> {
  const found: string[] = []
  try {
    for await (const [id] of result.rows())
      found.push(typeof id === 'bigint' ? String(id) : 'no id')
    return found
  } catch (error) {
    return functionFailure(error)?.errorMessage ?? String(error)
  }
}

/** The query is refused because of that file, and asking anew gives what is there now. */
async function isChanged(
  t: Test,
  result: QueryResult,
  expected: { readonly key: string; readonly table: string; readonly now: readonly string[] },
): Promise<void> {
  const said = await read(result)
  t.match(said, /^object_changed: .*plan again/)
  t.match(said, `${schema}/tables/${expected.key}`)
  const again = await firstColumn(stack, { schema, table: expected.table })
  t.strictSame(again, expected.now, 'planned again it has what is there now')
  t.strictSame(defectsIn(stack), [])
}

t.test('a file that is replaced between plan and read is told', async (t) => {
  const table = 'replaced'
  const result = await planned(table)
  await put('replaced/1.parquet', file(100))
  const now = [...ids(0), ...ids(100), ...ids(10)]
  await isChanged(t, result, { key: 'replaced/1.parquet', table, now })
})

t.test('a file that is deleted between plan and read is told', async (t) => {
  const table = 'deleted'
  const result = await planned(table)
  await remove('deleted/2.parquet')
  await isChanged(t, result, { key: 'deleted/2.parquet', table, now: ids(0, 10) })
})

t.test('a file that is replaced by a shorter one is told', async (t) => {
  const table = 'shortened'
  const result = await planned(table)
  await put('shortened/0.parquet', writeParquet([['id', longs([7])]]))
  const now = ['7', ...ids(5, 10)]
  await isChanged(t, result, { key: 'shortened/0.parquet', table, now })
})

t.test('a file that is replaced by junk is told as changed, and then as junk', async (t) => {
  const result = await planned('junked')
  await put('junked/1.parquet', Buffer.from('junk, and not that short'))
  t.match(await read(result), /^object_changed: .*junked\/1\.parquet/)
  const failure = await stack
    .engine()
    .query({ schema, table: 'junked' }, signal)
    .then(() => undefined, functionFailure)
  t.match(failure?.errorMessage, /^unreadable_file: .*junked\/1\.parquet/)
})

t.test('a file that is replaced by the same bytes is the same file', async (t) => {
  const result = await planned('rewritten')
  await put('rewritten/1.parquet', file(5))
  t.strictSame(await read(result), ids(0, 15))
})

t.test('a file that comes after the plan is not in the answer', async (t) => {
  const result = await planned('growing')
  await put('growing/-1.parquet', file(50))
  await put('growing/9.parquet', file(60))
  t.strictSame(await read(result), ids(0, 15))
  const now = [...ids(50), ...ids(0, 15), ...ids(60)]
  t.strictSame(await firstColumn(stack, { schema, table: 'growing' }), now)
})

t.test('a table whose folder is gone after the plan is told', async (t) => {
  const result = await planned('vanished')
  for (const at of sequence(3)) await remove(`vanished/${at}.parquet`)
  t.match(await read(result), /^object_changed: .*vanished\/\d\.parquet/)
  const failure = await stack
    .engine()
    .query({ schema, table: 'vanished' }, signal)
    .then(() => undefined, functionFailure)
  t.match(failure?.errorMessage, /^table_not_found: /)
})

t.test(
  'a file that changes after its footer was read is told by the read of its data',
  async (t) => {
    const table = 'raced'
    const result = await planned(table)
    let reads = 0
    door.faults.refuse = async ({ url, range }) => {
      // Only data is read now: the footers are known from the plan.
      if (!url.includes('raced/1.parquet') || range === undefined || reads++ > 0) return undefined
      await stack.client.putObject(schema, 'tables/raced/1.parquet', file(100))
      return undefined
    }
    const now = [...ids(0), ...ids(100), ...ids(10)]
    await isChanged(t, result, { key: 'raced/1.parquet', table, now })
    door.faults.refuse = undefined
    t.ok(reads > 0)
  },
)

t.test(
  'a file that changes between listing and plan is told, or planned as it is now',
  async (t) => {
    const table = 'hasty'
    for (const at of sequence(3)) await put(`${table}/${at}.parquet`, file(at * 5))
    let reads = 0
    door.faults.refuse = async ({ method, url }) => {
      if (method !== 'GET' || !url.includes('hasty/1.parquet') || reads++ > 0) return undefined
      await stack.client.putObject(schema, 'tables/hasty/1.parquet', file(100))
      return undefined
    }
    const failure = await stack
      .engine()
      .query({ schema, table }, signal)
      .then(() => undefined, functionFailure)
    door.faults.refuse = undefined
    t.match(failure?.errorMessage, /^object_changed: .*hasty\/1\.parquet.*plan again/)
    const now = [...ids(0), ...ids(100), ...ids(10)]
    t.strictSame(await firstColumn(stack, { schema, table }), now)
  },
)

t.test('columns that are gone since the table was described are null', async (t) => {
  const both = writeParquet([
    ['id', longs([1])],
    ['city', texts(['Ulm'])],
  ])
  await put('narrowed/a.parquet', both)
  const { schema: described } = await stack.engine().getTable({ schema, table: 'narrowed' }, signal)
  t.equal(described.fields.length, 2)
  await put('narrowed/a.parquet', writeParquet([['id', longs([2])]]))
  await put('narrowed/b.parquet', both)
  const result = await stack.engine().query({ schema, table: 'narrowed' }, signal)
  const rows = []
  for await (const row of result.rows()) rows.push(row)
  t.strictSame(rows, [
    [2n, null],
    [1n, 'Ulm'],
  ])
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(await firstColumn(stack, { schema, table: 'growing' }), [
    ...ids(50),
    ...ids(0, 15),
    ...ids(60),
  ])
  t.strictSame(defectsIn(stack), [])
})
