import { scrapeMetrics } from '../../service/demo/scrape-metrics.ts'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startFlightPeer, startFlightReader } from '../support/bench-flight.ts'
import { portOf, startBenchGateway } from '../support/bench-gateway.ts'
import type { LineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import { benchBucket, benchStore, loadTable } from '../support/bench-store.ts'

export const title =
  'Arrow Flight: endpoints in parallel, the first batch, a limit, against pyarrow'

const table = 'trips-snappy'
const ENDPOINTS = 4
const LIMIT_ROWS = 1_000

const figures = {
  parallel: {
    name: `one client, ${ENDPOINTS} endpoints: speed, of pyarrow`,
    unit: '×',
    must: { atLeast: 1 },
  },
  first: {
    name: "time to the first batch, warm footers, of pyarrow's",
    unit: '×',
    must: { atMost: 1 },
  },
  limit: { name: `bytes read for LIMIT ${LIMIT_ROWS}`, unit: 'bytes', must: { atMost: 5_000_000 } },
} satisfies Record<string, Omit<Figure, 'reached'>>

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined) return Object.values(figures).map((one) => skipped(one, NO_PYTHON))
  await loadTable(store, table, options.smoke)
  const gateway = await startBenchGateway({
    store,
    settings: { SPILLWAY_SPLIT_BYTES: '128MiB', SPILLWAY_BYTE_CACHE_BYTES: '0' },
  })
  const peer = await startFlightPeer(store)
  const ours = await startFlightReader(store, [portOf(gateway), benchBucket])
  const theirs = await startFlightReader(store, [String(peer.ready['port'])])
  try {
    const cost = await medianOfRounds(options.smoke ? 1 : 7, {
      ours: () => read(ours, { table, endpoints: ENDPOINTS }),
      one: () => read(ours, { table }),
      theirs: () => read(theirs, { table }),
    })
    const before = await bytesRead(gateway.http)
    const { rows } = await read(ours, { table, limit: LIMIT_ROWS })
    const limitBytes = (await bytesRead(gateway.http)) - before
    if (cost.ours.rows !== cost.theirs.rows || rows !== LIMIT_ROWS)
      throw new Error(`${cost.ours.rows} rows and ${rows} here, ${cost.theirs.rows} from pyarrow`)
    for (const [name, { seconds, firstSeconds }] of Object.entries(cost))
      options.print(
        `${name.padEnd(8)} ${seconds.toFixed(2)} s, first batch after ${(firstSeconds * 1e3).toFixed(0)} ms`,
      )
    return [
      { ...figures.parallel, reached: cost.theirs.seconds / cost.ours.seconds },
      { ...figures.first, reached: cost.one.firstSeconds / cost.theirs.firstSeconds },
      { ...figures.limit, reached: limitBytes },
    ]
  } finally {
    await Promise.all([ours, theirs, peer].map((process) => process.stop()))
    await gateway.stop()
  }
}

async function read(reader: LineProcess, question: object) {
  const { seconds, firstSeconds, rows } = await reader.ask(question)
  return { seconds: Number(seconds), firstSeconds: Number(firstSeconds), rows: Number(rows) }
}

async function bytesRead(http: string): Promise<number> {
  return (await scrapeMetrics(http)).get('spillway_store_read_bytes_total') ?? 0
}
