import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { promisify } from 'node:util'
import { growth, type MetricSums, scrapeMetrics } from '../../service/demo/scrape-metrics.ts'
import { cpuSecondsOf } from '../support/bench-cpu.ts'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { type BenchGateway, startBenchGateway } from '../support/bench-gateway.ts'
import { type LineProcess, startLineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON, pythonScript } from '../support/bench-python.ts'
import { median } from '../support/bench-rounds.ts'
import { benchBucket, benchStore, type BenchStore } from '../support/bench-store.ts'

export const title = 'Plans of a table of 2,000 files: cold, warm, with new files, against pyarrow'

const FILES = 2_000
const FILES_SMOKE = 60
const FILES_NEW = 10
const ROWS_OF_FILE = 1_500
const ROUNDS = 5
/** As installed, and a little more: the next plan lists again. */
const LISTING_MS = 2_100
/** Plans until the compiler has settled, on either side. */
const WARM_UP_ROUNDS = 3
const table = 'plan'

const figures = {
  cold: {
    name: `cold plan of ${FILES} files: time, of pyarrow.dataset's`,
    unit: '×',
    must: { atMost: 0.5 },
  },
  threads: { name: `the same, of pyarrow's by 16 threads of Python`, unit: '×' },
  cpu: { name: `the same: processor time, of pyarrow.dataset's`, unit: '×' },
  coldFooters: {
    name: 'cold plan: requests for footers, of each file',
    unit: '×',
    must: { atMost: 1 },
  },
  warm: { name: 'warm plan, revalidated by listing: time', unit: 'ms', must: { atMost: 150 } },
  warmFooters: { name: 'warm plan: requests for footers', unit: '', must: { atMost: 0 } },
  fresh: {
    name: `plan with ${FILES_NEW} new files: requests for footers`,
    unit: '',
    must: { atMost: FILES_NEW },
  },
} satisfies Record<string, Omit<Figure, 'reached'>>

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined) return Object.values(figures).map((one) => skipped(one, NO_PYTHON))
  const fileCount = smoke ? FILES_SMOKE : FILES
  const newFiles = await load(store, fileCount)
  const words = [store.url, store.accessKey, store.secretKey, benchBucket]
  const peer = await startLineProcess({
    command: store.python,
    words: [pythonScript('plan_peer.py'), ...words],
  })
  const least = (fileCount * ROWS_OF_FILE) / 2
  // With room for some footers, the last ones, each plan reads all of them.
  const cold = await startBenchGateway({ store, settings: { SPILLWAY_FOOTER_CACHE_BYTES: '1MiB' } })
  const warm = await startBenchGateway({ store })
  const arena = { cold, warm, peer, least }
  try {
    const rounds: Round[] = []
    for (let round = 0; round < (smoke ? 1 : WARM_UP_ROUNDS + ROUNDS); round++) {
      rounds.push(await compare(arena))
    }
    await newFiles.put()
    await after(LISTING_MS)
    const fresh = await plan(warm, least)
    await newFiles.remove()
    return figuresOf(rounds.slice(smoke ? 0 : WARM_UP_ROUNDS), { fresh, fileCount, print })
  } finally {
    await peer.stop()
    await cold.stop()
    await warm.stop()
  }
}

interface Arena {
  readonly cold: BenchGateway
  readonly warm: BenchGateway
  readonly peer: LineProcess
  /** The filter leaves ids from here on. */
  readonly least: number
}

interface Round {
  readonly cold: Plan
  readonly warm: Plan
  readonly theirs: Readonly<Record<Way, Taken>>
}

/** How the peer plans: fragment by fragment, by counting rows, by fragments on threads. */
const ways = ['fragments', 'count', 'threads'] as const
type Way = (typeof ways)[number]

interface Taken {
  readonly seconds: number
  readonly cpuSeconds: number
}

async function compare({ cold: gateway, warm: knowing, peer, least }: Arena): Promise<Round> {
  const cold = await plan(gateway, least)
  const warm = await plan(knowing, least)
  const asked = async (how: Way): Promise<Taken> => {
    const cpuSeconds = cpuSecondsOf(peer.pid)
    const { seconds, found } = await peer.ask({ how, table, least })
    const expected = how === 'count' ? least : cold.rowGroups
    if (found !== expected) throw new Error(`pyarrow found ${found} by ${how}, not ${expected}`)
    return { seconds: Number(seconds), cpuSeconds: cpuSecondsOf(peer.pid) - cpuSeconds }
  }
  const fragments = await asked('fragments')
  const count = await asked('count')
  const theirs = { fragments, count, threads: await asked('threads') }
  // Both gateways list again.
  await after(LISTING_MS)
  return { cold, warm, theirs }
}

interface Plan {
  readonly ms: number
  readonly cpuSeconds: number
  readonly footers: number
  readonly lists: number
  readonly rowGroups: number
}

async function plan({ http, pid }: BenchGateway, least: number): Promise<Plan> {
  const earlier = await scrapeMetrics(http)
  const cpuSeconds = cpuSecondsOf(pid)
  const startedMs = performance.now()
  const answer = await fetch(`${http}/v1/plan`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ schema: benchBucket, table, filter: `id >= ${least}` }),
  })
  const said = (await answer.json()) as { readonly splits: { readonly rowGroups: number }[] }
  const ms = performance.now() - startedMs
  if (!answer.ok) throw new Error(JSON.stringify(said))
  const spent = cpuSecondsOf(pid) - cpuSeconds
  const later = await scrapeMetrics(http)
  return {
    ms,
    cpuSeconds: spent,
    rowGroups: said.splits.reduce((sum, { rowGroups }) => sum + rowGroups, 0),
    footers: growth(earlier, later, 'spillway_footers_total{source="store"}'),
    lists: requests(later, 'list') - requests(earlier, 'list'),
  }
}

function requests(sums: MetricSums, operation: string): number {
  const series = [...sums].filter(([name]) => name.includes(`operation="${operation}"`))
  return series
    .filter(([name]) => name.startsWith('spillway_store_requests_total'))
    .reduce((sum, [, value]) => sum + value, 0)
}

interface Outcome {
  readonly fresh: Plan
  readonly fileCount: number
  readonly print: (line: string) => void
}

function figuresOf(rounds: readonly Round[], { fresh, fileCount, print }: Outcome): Figure[] {
  const of = (value: (round: Round) => number): number => median(rounds.map(value))
  const [coldMs, warmMs] = [of(({ cold }) => cold.ms), of(({ warm }) => warm.ms)]
  const { seconds, cpuSeconds } = Object.fromEntries(
    (['seconds', 'cpuSeconds'] as const).map((what) => [
      what,
      of(({ theirs }) => Math.min(theirs.fragments[what], theirs.count[what])),
    ]),
  ) as unknown as Taken
  const [first] = rounds
  print(`cold ${coldMs.toFixed(0)} ms, ${first?.cold.lists} LISTs, ${first?.cold.footers} footers`)
  print(`warm ${warmMs.toFixed(0)} ms, ${first?.warm.lists} LISTs, ${first?.warm.footers} footers`)
  print(`${FILES_NEW} new files ${fresh.ms.toFixed(0)} ms, ${fresh.footers} footers`)
  for (const way of ways) {
    print(`pyarrow, ${way.padEnd(9)} ${of(({ theirs }) => theirs[way].seconds).toFixed(2)} s`)
  }
  const footers = Math.max(...rounds.map(({ cold }) => cold.footers))
  return [
    { ...figures.cold, reached: coldMs / 1e3 / seconds },
    { ...figures.threads, reached: coldMs / 1e3 / of(({ theirs }) => theirs.threads.seconds) },
    { ...figures.cpu, reached: of(({ cold }) => cold.cpuSeconds) / cpuSeconds },
    { ...figures.coldFooters, reached: footers / fileCount },
    { ...figures.warm, reached: warmMs },
    { ...figures.warmFooters, reached: Math.max(...rounds.map(({ warm }) => warm.footers)) },
    { ...figures.fresh, reached: fresh.footers },
  ]
}

interface NewFiles {
  put(): Promise<void>
  remove(): Promise<void>
}

/** Puts the table, and keeps some files of days to come aside. */
async function load({ client, python }: BenchStore, fileCount: number): Promise<NewFiles> {
  const folder = await made(python, fileCount + FILES_NEW)
  const names = await readdir(folder, { recursive: true })
  const files = names.filter((name) => name.endsWith('.parquet')).toSorted()
  const fresh = files.slice(fileCount)
  const put = async (file: string): Promise<void> => {
    await client.fPutObject(benchBucket, `tables/${table}/${file}`, join(folder, file))
  }
  const left = files.slice(0, fileCount).values()
  const loader = async (): Promise<void> => {
    for (const file of left) await put(file)
  }
  await Promise.all(Array.from({ length: 8 }, loader))
  return {
    put: async () => {
      for (const file of fresh) await put(file)
    },
    remove: async () => {
      for (const file of fresh) await client.removeObject(benchBucket, `tables/${table}/${file}`)
    },
  }
}

async function made(python: string, fileCount: number): Promise<string> {
  const script = pythonScript('make_plan.py')
  const version = createHash('sha256')
    .update(await readFile(script))
    .update(String(fileCount))
  const cache = join(import.meta.dirname, '../../.cache/bench/plan')
  const folder = join(cache, version.digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  await promisify(execFile)(python, [script, unfinished, String(fileCount)])
  await rename(unfinished, folder)
  return folder
}
