import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { buildInto } from './bench-build.ts'
import { randomNumbers } from './columns-random.ts'
import { residentBytes } from './resident-memory.ts'
import { SoakReaders } from './soak-readers.ts'
import { putSoakTables } from './soak-tables.ts'
import {
  type GatewayProcess,
  gatewaySettings,
  startGatewayProcess,
} from './start-gateway-process.ts'
import { startMinio } from './start-minio.ts'
import { storeClient } from './store-client.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const cache = join(import.meta.dirname, '../../.cache')

const SAMPLES = 360
const SAMPLE_MS_MIN = 250
const FAULT_EVERY_MS = 8_000
const FAULT_MS_MAX = 700
const FAULT_AFTER_BYTES_MAX = 200_000
/** Until what was cancelled is over and what is idle is closed. */
const CALM_MS = 3_000
/** A worker is refused a row group for so long: short, so that the same files cost workers again. */
const QUARANTINE = '15s'

export interface SoakSample {
  readonly atMs: number
  readonly residentBytes: number
  /** Of the gateway's process: files and sockets, threads. */
  readonly handles: number
  readonly threads: number
}

export interface SoakReport {
  readonly counts: Readonly<Record<string, number>>
  /** Answers that no reader may get. */
  readonly wrong: readonly string[]
  /** Before the load, during it in equal steps, and a while after it. */
  readonly idle: SoakSample
  readonly samples: readonly SoakSample[]
  readonly calm: SoakSample
  readonly faultCount: number
  /** Lines of the gateway's log that tell of a defect. */
  readonly defects: readonly string[]
  /** By name, summed over labels, at the end. */
  readonly metrics: ReadonlyMap<string, number>
  readonly exit: number | string
}

/** Mixed load on a gateway in a process of its own, in front of a MinIO whose wire is cut now and then. */
export async function runSoak(seconds: number, seed = 1): Promise<SoakReport> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'soak-'))
  const minio = await startMinio()
  const proxy = await startTcpProxy(minio.url)
  try {
    const hostileTables = await putSoakTables(storeClient(minio))
    const program = join(await buildInto(folder), 'service/main.js')
    const settings = gatewaySettings(
      { ...minio, url: proxy.url },
      { SPILLWAY_WORKERS: '2', SPILLWAY_QUARANTINE: QUARANTINE },
    )
    const gateway = await startGatewayProcess(settings, program)
    try {
      return await load(gateway, { proxy, hostileTables, seconds, random: randomNumbers(seed) })
    } finally {
      gateway.kill('SIGKILL')
    }
  } finally {
    await proxy.close()
    await minio.stop()
    await rm(folder, { recursive: true })
  }
}

interface Load {
  readonly proxy: TcpProxy
  readonly hostileTables: readonly string[]
  readonly seconds: number
  readonly random: () => number
}

async function load(gateway: GatewayProcess, options: Load): Promise<SoakReport> {
  const { proxy, hostileTables, seconds, random } = options
  const readers = new SoakReaders({ grpc: gateway.grpc, hostileTables, random })
  await readers.learn()
  await after(CALM_MS)
  const startMs = performance.now()
  const sample = async () => sampleOf(gateway.pid, performance.now() - startMs)
  const idle = await sample()
  const over = new AbortController()
  const faults = makeFaults(proxy, random, over.signal)
  readers.start()
  const samples: SoakSample[] = []
  const stepMs = Math.max(SAMPLE_MS_MIN, (seconds * 1_000) / SAMPLES)
  while (performance.now() - startMs < seconds * 1_000) {
    await after(stepMs)
    samples.push(await sample())
  }
  over.abort()
  const faultCount = await faults
  await readers.stop()
  await after(CALM_MS)
  const calm = await sample()
  const metrics = parseMetrics(await (await fetch(`${gateway.http}/metrics`)).text())
  const exit = await gateway.stop()
  const defects = gateway.log
    .filter(({ msg, code }) => msg === 'internal error' || code === 'internal')
    .map((line) => JSON.stringify(line))
  const { counts, wrong } = readers
  return { counts, wrong, idle, samples, calm, faultCount, defects, metrics, exit }
}

async function sampleOf(pid: number, atMs: number): Promise<SoakSample> {
  const [files, tasks] = await Promise.all([
    readdir(`/proc/${pid}/fd`),
    readdir(`/proc/${pid}/task`),
  ])
  const bytes = residentBytes(pid) ?? 0
  return { atMs, residentBytes: bytes, handles: files.length, threads: tasks.length }
}

/** Cuts the wire in one of three ways, again and again; answers how often. */
async function makeFaults(
  proxy: TcpProxy,
  random: () => number,
  signal: AbortSignal,
): Promise<number> {
  const kinds = ['resetAfterBytes', 'endAfterBytes', 'stallAfterBytes'] as const
  let count = 0
  while (!signal.aborted) {
    await after(random() * FAULT_EVERY_MS, undefined, { signal }).catch(() => {})
    const kind = kinds[Math.floor(random() * kinds.length)] ?? 'resetAfterBytes'
    proxy.faults[kind] = Math.floor(random() * FAULT_AFTER_BYTES_MAX)
    await after(random() * FAULT_MS_MAX)
    delete proxy.faults[kind]
    // A wire that lost bytes must not go on.
    proxy.cut()
    count++
  }
  return count
}

function parseMetrics(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^(spillway_[a-z_]+)(?:\{[^}]*\})? (\S+)$/.exec(line) ?? []
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(value))
  }
  return sums
}
