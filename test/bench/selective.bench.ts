import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Where } from '../../service/athena/where.ts'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { type LineProcess, startLineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON, pythonScript } from '../support/bench-python.ts'
import { benchBucket, benchStore, type BenchStore } from '../support/bench-store.ts'
import {
  type CountingProxy,
  startCountingProxy,
  type StoreTraffic,
} from '../support/counting-proxy.ts'
import { startStack } from '../support/start-stack.ts'

export const title =
  'Ten queries that want little, requests and bytes counted, against the best peer'

interface SelectiveQuery {
  readonly name: string
  readonly table: 'events' | 'daily'
  /** `id` is among them. */
  readonly columns: readonly string[]
  readonly where: Where
  readonly limit?: number
  /** The condition in SQL: asked over HTTP then, for Athena keeps a limit behind a condition to itself. */
  readonly filter?: string
  /** Whether reading pages or columns later can save anything: then half the bytes is what must be. */
  readonly pages: boolean
}

const cache = join(import.meta.dirname, '../../.cache/bench')
const ROWS_PER_GROUP = 100_000
const ROWS_PER_GROUP_SMOKE = 2_000
/** Ten files each. */
const DAYS = 200
const DAYS_SMOKE = 12
const wide = ['id', 'at', 'kind', 'account', 'amount', 'status', 'note', 'payload']

/** Rows of `events` are a quarter of a second apart and numbered from 0. */
function queries(rowCount: number): readonly SelectiveQuery[] {
  const [some, other] = [Math.floor(rowCount * 0.37), Math.floor(rowCount * 0.81)]
  const at = (row: number) => new Date(Date.UTC(2026, 0, 1) + row * 250).toISOString().slice(0, 23)
  const events = { table: 'events', pages: true } as const
  const daily = { table: 'daily', pages: false } as const
  return [
    { ...events, name: 'a point, all columns', columns: wide, where: { id: some } },
    {
      ...events,
      name: 'a minute, three columns',
      columns: ['id', 'at', 'amount'],
      where: { at: { ge: at(some), lt: at(some + 240) } },
    },
    {
      ...events,
      name: 'a few points',
      columns: ['id', 'note'],
      where: { id: { in: [7, some, other] } },
    },
    {
      ...events,
      name: 'a bloom filter, all columns',
      columns: wide,
      where: { account: `acct-${other * 7919}` },
    },
    {
      ...events,
      name: 'a text in no bloom filter',
      columns: wide,
      where: { account: 'acct-5x' },
      pages: false,
    },
    { ...events, name: 'a text in no dictionary', columns: wide, where: { kind: 'kick' } },
    {
      ...events,
      name: 'what is seldom not null',
      columns: ['id', 'status', 'payload'],
      where: { status: { isNotNull: true } },
    },
    {
      ...events,
      name: 'ten of many',
      columns: ['id', 'kind', 'payload'],
      where: { kind: 'login' },
      limit: 10,
      filter: "kind = 'login'",
      pages: false,
    },
    { ...daily, name: 'one day', columns: ['id', 'value'], where: { day: '2026-01-09' } },
    {
      ...daily,
      name: 'three days and a range',
      columns: ['id', 'word'],
      where: { day: { ge: '2026-01-04', lt: '2026-01-07' }, id: { ge: 2_000 } },
    },
  ]
}

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const rowsPerGroup = smoke ? ROWS_PER_GROUP_SMOKE : ROWS_PER_GROUP
  const asked = queries(rowsPerGroup * 8)
  const store = await benchStore()
  if (store === undefined) {
    return asked.map((query) => skipped({ ...figureOf(query), unit: '×' }, NO_PYTHON))
  }
  await load(store, [rowsPerGroup, smoke ? DAYS_SMOKE : DAYS])
  const proxy = await startCountingProxy(store.url)
  const { python: command, accessKey, secretKey } = store
  const words = [pythonScript('selective_peer.py'), proxy.url, accessKey, secretKey, benchBucket]
  const peer = await startLineProcess({ command, words })
  const names = String(peer.ready['peers']).split(',')
  print(`peers: ${names.join(', ')}; GETs and their bytes, LISTs, others (HEAD), all cold`)
  try {
    const figures: Figure[] = []
    for (const query of asked)
      figures.push(await compare(query, { store, proxy, peer, names, print }))
    return figures
  } finally {
    await peer.stop()
    await proxy.close()
  }
}

function figureOf({ name, pages }: SelectiveQuery): Pick<Figure, 'name' | 'must'> {
  return { name: `bytes: ${name}, of the best peer`, must: { atMost: pages ? 0.5 : 1 } }
}

interface Arena {
  readonly store: BenchStore
  readonly proxy: CountingProxy
  readonly peer: LineProcess
  readonly names: readonly string[]
  readonly print: (line: string) => void
}

interface Outcome {
  readonly name: string
  readonly rows: number
  readonly sum: number
  readonly traffic: StoreTraffic
}

async function compare(query: SelectiveQuery, arena: Arena): Promise<Figure> {
  const { names, peer, print, proxy, store } = arena
  const ours = await askOurs(query, store, proxy)
  const theirs: Outcome[] = []
  const failures: string[] = []
  for (const name of names) {
    proxy.take()
    try {
      const { rows, sum } = await peer.ask({ ...query, peer: name })
      theirs.push({ name, rows: Number(rows), sum: Number(sum), traffic: proxy.take() })
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  print(`${query.name}: ${ours.rows} rows`)
  for (const { name, rows, sum, traffic } of [ours, ...theirs]) {
    if (rows !== ours.rows || (query.limit === undefined && sum !== ours.sum)) {
      throw new Error(
        `${query.name}: ${name} found ${rows} rows, ${sum}, ours ${ours.rows}, ${ours.sum}`,
      )
    }
    const { gets, getBytes, lists, others } = traffic
    const megabytes = (getBytes / 1e6).toFixed(3)
    print(
      `   ${name.padEnd(8)} ${String(gets).padStart(5)} GETs ${megabytes.padStart(9)} MB, ${lists} LISTs, ${others} others`,
    )
  }
  for (const failure of failures) print(`   ${failure.slice(0, 300)}`)
  const best = Math.min(...theirs.map(({ traffic }) => traffic.getBytes))
  const fewest = Math.min(
    ...theirs.map(({ traffic }) => traffic.gets + traffic.lists + traffic.others),
  )
  const requests = ours.traffic.gets + ours.traffic.lists
  return {
    ...figureOf(query),
    unit: '×',
    reached: ours.traffic.getBytes / best,
    note: `${ours.traffic.getBytes} of ${best} bytes; requests ${requests} of ${fewest}`,
  }
}

/** The whole path that Athena takes, through a gateway that knows nothing yet. */
async function askOurs(
  query: SelectiveQuery,
  store: BenchStore,
  proxy: CountingProxy,
): Promise<Outcome> {
  const stack = await startStack({
    store: { ...store, url: proxy.url },
    // As installed.
    gateway: { SPILLWAY_LISTING_TTL: '2s' },
  })
  try {
    proxy.take()
    if (query.filter !== undefined) {
      const { rows, sum } = await askOverHttp(query, stack.http)
      return { name: 'spillway', rows, sum, traffic: proxy.take() }
    }
    const { table, columns, where, limit } = query
    const request = {
      schema: benchBucket,
      table,
      columns,
      where,
      ...(limit !== undefined && { limit }),
    }
    const result = await stack.engine().query(request, AbortSignal.timeout(60_000))
    let [rows, sum] = [0, 0]
    for await (const row of result.rows()) {
      rows += 1
      sum += Number(row[0])
    }
    const { others: _, ...traffic } = proxy.take()
    // What else there was is the shim's look at its spill bucket.
    return { name: 'spillway', rows, sum, traffic: { ...traffic, others: 0 } }
  } finally {
    await stack.close()
  }
}

async function askOverHttp(
  { table, columns, filter = '', limit }: SelectiveQuery,
  url: string,
): Promise<{ readonly rows: number; readonly sum: number }> {
  const words = { schema: benchBucket, table, columns: columns.join(), filter, format: 'ndjson' }
  const asked = new URLSearchParams({ ...words, ...(limit !== undefined && { limit: `${limit}` }) })
  const answer = await fetch(`${url}/v1/read?${asked.toString()}`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  const ids = text
    .trim()
    .split('\n')
    .map((line) => Number((JSON.parse(line) as { id: unknown }).id))
  return { rows: ids.length, sum: ids.reduce((all, id) => all + id, 0) }
}

async function load({ client, python }: BenchStore, sizes: readonly number[]): Promise<void> {
  const script = pythonScript('make_selective.py')
  const version = createHash('sha256')
    .update(await readFile(script))
    .update(sizes.join())
  const folder = join(cache, 'selective', version.digest('hex').slice(0, 16))
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`
    await mkdir(unfinished, { recursive: true })
    await promisify(execFile)(python, [script, unfinished, ...sizes.map(String)])
    await rename(unfinished, folder)
  }
  const files = await readdir(folder, { recursive: true })
  for (const file of files.filter((name) => name.endsWith('.parquet'))) {
    await client.fPutObject(benchBucket, `tables/${file}`, join(folder, file))
  }
}
