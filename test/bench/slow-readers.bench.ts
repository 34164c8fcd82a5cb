import assert from 'node:assert'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startBenchGateway } from '../support/bench-gateway.ts'
import { startLineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { benchBucket, benchStore, loadTable } from '../support/bench-store.ts'
import { residentBytes } from '../support/resident-memory.ts'

export const title = 'Resident memory of the gateway while 64 readers take 1 KB a second each'

const flat = {
  name: '64 slow readers, 3 minutes: the most memory, of the least',
  unit: '×',
  must: { atMost: 1.1 },
}
const most = {
  name: '64 slow readers, 3 minutes: the most memory',
  unit: 'MB',
  must: { atMost: 512 },
}
const table = 'trips-snappy'
const READERS = 64
const BYTES_PER_SECOND = 1_000
/** The rest of a container of 512 MB is for code, sockets and footers. */
const settings = { SPILLWAY_MEMORY_BYTES: '256MiB' }
/** Until those for whom there is no memory have been told so once, which takes half a minute. */
const SETTLE_SECONDS = 45
const WATCH_SECONDS = 180
const SECONDS_SMOKE = 4
const LOOK_SECONDS = 2

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined || residentBytes(process.pid) === undefined) {
    const reason = store === undefined ? NO_PYTHON : 'no /proc to read memory from'
    return [flat, most].map((figure) => skipped(figure, reason))
  }
  await loadTable(store, table, smoke)
  const gateway = await startBenchGateway({ store, settings })
  const script = join(import.meta.dirname, 'slow-reader.ts')
  const details = [table, String(READERS), String(BYTES_PER_SECOND)]
  const readers = await startLineProcess({
    command: process.execPath,
    words: ['--import=tsx', script, gateway.grpc, benchBucket, ...details],
  })
  try {
    const looks: number[] = []
    await after((smoke ? SECONDS_SMOKE : SETTLE_SECONDS) * 1_000)
    for (let left = smoke ? SECONDS_SMOKE : WATCH_SECONDS; left > 0; left -= LOOK_SECONDS) {
      looks.push((residentBytes(gateway.pid) ?? 0) / 1e6)
      await after(LOOK_SECONDS * 1_000)
    }
    const { open, reading, blocks } = await readers.ask({})
    print(
      `${String(reading)} of ${String(open)} read, the others come again; ${String(blocks)} blocks; MB: ${looks.map((look) => look.toFixed(0)).join(' ')}`,
    )
    // Of a small table the fast end is near.
    assert(smoke || open === READERS, `${String(open)} of ${READERS} readers have not given up`)
    return [
      { ...flat, reached: Math.max(...looks) / Math.min(...looks) },
      { ...most, reached: Math.max(...looks) },
    ]
  } finally {
    await readers.stop()
    await gateway.stop()
  }
}
