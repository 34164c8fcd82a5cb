import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startBenchGateway } from '../support/bench-gateway.ts'
import { startLineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { median } from '../support/bench-rounds.ts'
import { benchBucket, benchStore, loadTable } from '../support/bench-store.ts'

export const title = 'How late the main thread is, with 8 streams'

const figure = {
  name: 'main thread event-loop delay p99, 8 streams',
  unit: 'ms',
  must: { atMost: 15 },
  aim: 10,
}
const STREAMS = 8
const table = 'trips-snappy'
const PERIOD_MS = 10

interface Delay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined) return [skipped(figure, NO_PYTHON)]
  await loadTable(store, table, smoke)
  const watch = join(import.meta.dirname, 'event-loop-watch.mjs')
  const gateway = await startBenchGateway({ store, imports: [watch] })
  const reader = await startLineProcess({
    command: process.execPath,
    words: [
      '--import=tsx',
      join(import.meta.dirname, 'federation-reader.ts'),
      gateway.grpc,
      benchBucket,
    ],
  })
  // This process only waits: what it sees is how late the machine lets anybody be.
  const idle = monitorEventLoopDelay({ resolution: PERIOD_MS })
  try {
    await reader.ask({ table, streams: STREAMS })
    idle.enable()
    const delays: Delay[] = []
    for (let round = 0; round < (smoke ? 1 : 5); round++) {
      await gateway.tell('reset')
      const { bytes, seconds } = await reader.ask({ table, streams: STREAMS })
      const delay = (await gateway.tell('read')) as Delay
      delays.push(delay)
      const speed = Number(bytes) / 1e6 / Number(seconds)
      print(
        `${speed.toFixed(0)} MB/s, p50 ${delay.p50.toFixed(1)}, p99 ${delay.p99.toFixed(1)}, max ${delay.max.toFixed(1)} ms`,
      )
    }
    idle.disable()
    const idleMs = Math.max(0, idle.percentile(99) / 1e6 - PERIOD_MS)
    const note = `an idle process beside it: ${idleMs.toFixed(1)} ms`
    return [{ ...figure, reached: median(delays.map(({ p99 }) => p99)), note }]
  } finally {
    await reader.stop()
    await gateway.stop()
  }
}
