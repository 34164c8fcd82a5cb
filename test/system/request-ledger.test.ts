import { createHash } from 'node:crypto'
import t from 'tap'
import type { QueryRequest } from '../../service/athena/query.ts'
import { askTable } from '../support/ask-table.ts'
import { startCountingProxy } from '../support/counting-proxy.ts'
import { startStack } from '../support/start-stack.ts'
import type { Stack } from '../support/start-stack.ts'
import { startStore } from '../support/start-store.ts'
import { storeClient } from '../support/store-client.ts'
import type { FileColumn } from '../support/write-parquet.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

// Every request and byte of a query is explained: what the log says of descriptions, plans and scans adds up to what
// passed on the wire, and nothing else did.

const schema = 'counted'
const rowsPerFile = 6_000
const rowsPerGroup = 1_500
const kinds = ['click', 'open', 'view']

const store = await startStore()
t.teardown(() => store.stop())
const proxy = await startCountingProxy(store.url)
t.teardown(() => proxy.close())
const client = storeClient(store)
await client.makeBucket(schema)

const digest = (text: string) => createHash('sha256').update(text).digest('hex')

/** Ids ascend; some kinds are rare, payloads are long. */
function events(start: number, count: number): readonly FileColumn[] {
  const ids = sequence(count, start)
  return [
    ['id', longs(ids)],
    ['kind', texts(ids.map((id) => (id % 997 === 0 ? 'rare' : (kinds[id % 3] ?? ''))))],
    ['user', texts(ids.map((id) => digest(`user ${id}`).slice(0, 32)))],
    ['status', longs(ids.map((id) => (id % 1_201 === 0 ? id : null)))],
    ['payload', texts(ids.map((id) => digest(`payload ${id}`)))],
  ]
}

for (const file of sequence(4)) {
  const bytes = writeParquet(events(file * rowsPerFile, rowsPerFile), { rowsPerGroup })
  await client.putObject(schema, `tables/events/${file}.parquet`, bytes)
}
for (const day of sequence(30, 1)) {
  const folder = `tables/daily/day=2026-11-${String(day).padStart(2, '0')}`
  for (const file of sequence(3)) {
    const bytes = writeParquet(events(day * 1_000 + file * 10, 10))
    // The last has no suffix: it is asked for its magic.
    const name = file === 2 ? 'part-2' : `part-${file}.parquet`
    await client.putObject(schema, `${folder}/${name}`, bytes)
  }
}
const regions = { region: { type: 'enum', values: ['eu', 'us'] } }
for (const region of regions.region.values) {
  const bytes = writeParquet(events(0, 100))
  await client.putObject(schema, `tables/declared/region=${region}/0.parquet`, bytes)
}
await client.putObject(
  schema,
  'tables/declared.spillway.json',
  Buffer.from(JSON.stringify({ partitions: regions })),
)

type Query = Omit<QueryRequest, 'schema'>
const queries: Readonly<Record<string, readonly [Query, rows: number]>> = {
  'a point': [{ table: 'events', where: { id: 4_711 } }, 1],
  'a few points': [
    { table: 'events', where: { id: { in: [3, 7_001, 23_999] } }, columns: ['id', 'user'] },
    3,
  ],
  'a range': [
    { table: 'events', where: { id: { ge: 5_990, lt: 6_010 } }, columns: ['id', 'payload'] },
    20,
  ],
  'a text that is seldom': [{ table: 'events', where: { kind: 'rare' } }, 25],
  'a text that is absent': [{ table: 'events', where: { kind: 'quit' } }, 0],
  'a random text': [{ table: 'events', where: { user: digest('user 77').slice(0, 32) } }, 1],
  'what is not null': [{ table: 'events', where: { status: { isNotNull: true } } }, 20],
  'one day of many': [{ table: 'daily', where: { day: '2026-11-17' }, columns: ['id'] }, 30],
  'some days, and a range': [
    {
      table: 'daily',
      where: { day: { ge: '2026-11-10', lt: '2026-11-13' }, id: { ge: 11_000 } },
      columns: ['id', 'day'],
    },
    60,
  ],
  'a declared partition': [{ table: 'declared', where: { region: 'us' }, columns: ['id'] }, 100],
  'rows without columns': [{ table: 'events', columns: [] }, 24_000],
}

type Counts = Readonly<Record<string, number>>

/** Sums of what the log says. */
function explained({ log }: Pick<Stack, 'log'>) {
  const sum = { lists: 0, listBytes: 0, gets: 0, getBytes: 0 }
  for (const line of log) {
    if (!line.startsWith('{')) continue
    const said = JSON.parse(line) as { msg: string; requests?: Counts; bytes?: Counts } & Counts
    const count = (name: string) => said[name] ?? 0
    if (said.msg === 'describe') {
      const { list = 0, ...reads } = said.requests ?? {}
      const { list: listBytes = 0, ...readBytes } = said.bytes ?? {}
      sum.lists += list
      sum.listBytes += listBytes
      sum.gets += Object.values(reads).reduce((all, one) => all + one, 0)
      sum.getBytes += Object.values(readBytes).reduce((all, one) => all + one, 0)
    }
    if (said.msg !== 'plan' && said.msg !== 'scan') continue
    sum.lists += count('listRequests')
    sum.listBytes += count('listBytes')
    for (const kind of ['fetch', 'footer', 'index', 'other']) {
      sum.gets += count(`${kind}Requests`)
      sum.getBytes += count(`${kind}Bytes`)
    }
  }
  return sum
}

for (const [name, [query, rowCount]] of Object.entries(queries)) {
  t.test(`${name}: the ledgers say what passed`, async (t) => {
    // A gateway that knows nothing yet; then the same that knows the table.
    const stack = await startStack({ store: { ...store, url: proxy.url } })
    t.teardown(() => stack.close())
    for (const state of ['cold', 'warm']) {
      proxy.take()
      const before = explained(stack)
      const { rows } = await askTable(stack, { ...query, schema })
      t.equal(rows.length, rowCount)
      const { others: _, ...passed } = proxy.take()
      const after = explained(stack)
      const said = Object.fromEntries(
        Object.entries(after).map(([key, value]) => [
          key,
          value - before[key as keyof typeof before],
        ]),
      )
      t.strictSame(said, passed, state)
      t.ok(passed.lists > 0 && (passed.gets > 0 || state === 'warm'), 'something passed')
    }
  })
}
