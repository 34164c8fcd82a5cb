import { canSeeCpu, cpuSecondsOf } from '../support/bench-cpu.ts'
import type { BenchOptions, Bound, Figure } from '../support/bench-figure.ts'
import { skipped } from '../support/bench-figure.ts'
import { startFlightPeer, startFlightReader } from '../support/bench-flight.ts'
import { portOf, startBenchGateway } from '../support/bench-gateway.ts'
import type { LineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import {
  benchBucket,
  benchStore,
  type BenchStore,
  type BenchTable,
  loadTable,
} from '../support/bench-store.ts'
import { hasZstd } from './figures-of.ts'

export const title = 'Full scans: CPU seconds of the server and time of the reader, against pyarrow'

interface Scan {
  readonly label: string
  readonly table: BenchTable
  /** CPU of the server, as a part of the peer's. */
  readonly cpu?: { readonly must: Bound; readonly aim: number }
  /** How many times as fast as the peer. */
  readonly speed?: { readonly must: Bound; readonly aim: number }
  readonly needsZstd?: boolean
}

const scans: readonly Scan[] = [
  {
    label: 'snappy',
    table: 'trips-snappy',
    cpu: { must: { atMost: 0.55 }, aim: 0.35 },
    speed: { must: { atLeast: 1.1 }, aim: 1.5 },
  },
  {
    label: 'zstd',
    table: 'trips-zstd',
    cpu: { must: { atMost: 0.75 }, aim: 0.35 },
    speed: { must: { atLeast: 1 }, aim: 1.5 },
    needsZstd: true,
  },
  {
    label: 'dictionary',
    table: 'dicts-snappy',
    cpu: { must: { atMost: 0.4 }, aim: 0.35 },
    speed: { must: { atLeast: 1.5 }, aim: 1.5 },
  },
  {
    label: 'strings snappy',
    table: 'logs-snappy',
    cpu: { must: { atMost: 0.65 }, aim: 0.35 },
    speed: { must: { atLeast: 1.1 }, aim: 1.5 },
  },
  {
    label: 'strings zstd',
    table: 'logs-zstd',
    cpu: { must: { atMost: 1 }, aim: 0.35 },
    needsZstd: true,
  },
  { label: 'nested', table: 'nested-snappy', speed: { must: { atLeast: 0.9 }, aim: 1.5 } },
]

const crowd: Omit<Figure, 'reached'> = {
  name: '4 clients, a full scan each: speed, of pyarrow',
  unit: '×',
  must: { atLeast: 1.3 },
  aim: 1.8,
}
const CROWD_SIZE = 4
/** A gateway runs for weeks; its compiler takes this long to be done (measured: 4 GB, 1.9 → 0.9 CPU s per GB). */
const WARM_UP_ROUNDS = 8
/** Each reader is a process that has to start. */
const CROWD_SIZE_SMOKE = 2

interface Server {
  readonly pid: number
  /** What its readers are told: the port, and whether they have to ask for tickets. */
  readonly words: readonly string[]
}

/** One server and its readers, who wait for their questions. */
interface Side {
  readonly serverPid: number
  readonly readers: readonly LineProcess[]
}

interface Cost {
  readonly [name: string]: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly bytes: number
  readonly rows: number
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined || !canSeeCpu) {
    const reason = store === undefined ? NO_PYTHON : 'no /proc to read CPU times from'
    return [
      ...scans.flatMap((scan) => figuresOf(scan)).map((figure) => skipped(figure, reason)),
      skipped(crowd, reason),
    ]
  }
  for (const { table } of scans) await loadTable(store, table, options.smoke)
  const gateway = await startBenchGateway({ store })
  const peer = await startFlightPeer(store)
  const crowdSize = options.smoke ? CROWD_SIZE_SMOKE : CROWD_SIZE
  const ours = await readersOf(
    store,
    { pid: gateway.pid, words: [portOf(gateway), benchBucket] },
    crowdSize,
  )
  const theirs = await readersOf(
    store,
    { pid: peer.pid, words: [String(peer.ready['port'])] },
    crowdSize,
  )
  try {
    const figures: Figure[] = []
    for (const scan of scans) {
      const cost = await compare(scan.table, 1, { ours, theirs }, options)
      report(scan.label, cost, options)
      figures.push(...figuresOf(scan, cost))
    }
    const cost = await compare('trips-snappy', crowdSize, { ours, theirs }, options)
    report(`${crowdSize} clients`, cost, options)
    return [...figures, { ...crowd, reached: cost.theirs.seconds / cost.ours.seconds }]
  } finally {
    await Promise.all([...ours.readers, ...theirs.readers].map((reader) => reader.stop()))
    await peer.stop()
    await gateway.stop()
  }
}

type Costs = Record<'ours' | 'theirs', Cost>

async function compare(
  table: BenchTable,
  readers: number,
  { ours, theirs }: Record<'ours' | 'theirs', Side>,
  { smoke }: BenchOptions,
): Promise<Costs> {
  const cost = await medianOfRounds(
    smoke ? 1 : 7,
    {
      ours: () => scanOnce(ours, table, readers),
      theirs: () => scanOnce(theirs, table, readers),
    },
    smoke ? 1 : WARM_UP_ROUNDS,
  )
  if (cost.ours.rows !== cost.theirs.rows)
    throw new Error(`${table}: ${cost.ours.rows} rows here, ${cost.theirs.rows} from pyarrow`)
  return cost
}

async function scanOnce(side: Side, table: BenchTable, readers: number): Promise<Cost> {
  const cpuBefore = cpuSecondsOf(side.serverPid)
  const startedMs = performance.now()
  const asked = side.readers.slice(0, readers).map((reader) => reader.ask({ table }))
  const answers = await Promise.all(asked)
  const allSeconds = (performance.now() - startedMs) / 1000
  const sum = (name: string): number =>
    answers.reduce((total, answer) => total + Number(answer[name]), 0)
  return {
    seconds: readers === 1 ? sum('seconds') : allSeconds,
    cpuSeconds: cpuSecondsOf(side.serverPid) - cpuBefore,
    bytes: sum('bytes'),
    rows: sum('rows'),
  }
}

function figuresOf({ label, cpu, speed, needsZstd = false }: Scan, cost?: Costs): Figure[] {
  const asked = ({ must, aim }: { readonly must: Bound; readonly aim: number }) =>
    needsZstd && !hasZstd ? { aim, note: 'must on Node 24' } : { must, aim }
  const ratio = (value: (one: Cost) => number) =>
    cost === undefined || value(cost.theirs) === 0
      ? undefined
      : value(cost.ours) / value(cost.theirs)
  const cpuRatio = ratio(({ cpuSeconds }) => cpuSeconds)
  const timeRatio = ratio(({ seconds }) => seconds)
  return [
    ...(cpu === undefined
      ? []
      : [
          {
            name: `CPU of a full scan, ${label}, of pyarrow's`,
            unit: '×',
            ...asked(cpu),
            reached: cpuRatio,
          },
        ]),
    ...(speed === undefined
      ? []
      : [
          {
            name: `speed of a full scan, ${label}, of pyarrow's`,
            unit: '×',
            ...asked(speed),
            reached: timeRatio === undefined ? undefined : 1 / timeRatio,
          },
        ]),
  ]
}

function report(label: string, { ours, theirs }: Costs, { print }: BenchOptions): void {
  // What pyarrow counts is the same for both.
  const { bytes } = theirs
  const line = ({ seconds, cpuSeconds }: Cost): string =>
    `${(bytes / 1e6 / seconds).toFixed(0)} MB/s, ${((cpuSeconds / bytes) * 1e9).toFixed(2)} CPU s/GB`
  print(
    `${label.padEnd(15)} ${(bytes / 1e6).toFixed(0).padStart(5)} MB  ${line(ours).padEnd(26)} pyarrow ${line(theirs)}`,
  )
}

/** The same client reads both. */
async function readersOf(store: BenchStore, server: Server, count: number): Promise<Side> {
  const start = () => startFlightReader(store, server.words)
  const readers = await Promise.all(Array.from({ length: count }, start))
  return { serverPid: server.pid, readers }
}
