import { setTimeout as after } from 'node:timers/promises'
import t from 'tap'
import { bundleWorker } from '../support/bundle-worker.ts'
import { type HostileTable, startHostileTable } from '../support/hostile-table.ts'
import { residentBytes } from '../support/resident-memory.ts'
import { minioBinary } from '../support/start-minio.ts'

// `SPILLWAY_TEST_SLOW_SECONDS=180` for longer.
const seconds = Number(process.env['SPILLWAY_TEST_SLOW_SECONDS'] ?? 12)
const READERS = 64
const BYTES_PER_SECOND = 1_024
const FRAME_BYTES = 64 * 1024
const MIB = 1024 * 1024
/** Samples before the memory of decoder, frames and buffers has been touched whole. */
const WARM_UP_SAMPLES = 4
/**
 * What the process takes more than before pool and readers. Of it each thread takes 100 MiB for the test runner's hooks
 * and source maps, which a gateway does not have; `npm run bench -- --only slow-readers` measures one.
 */
const RESIDENT_BYTES_MAX = 768 * MIB
const isSkipped =
  (minioBinary() === undefined && 'there is no minio binary: NOT TESTED') ||
  (process.platform !== 'linux' && 'no /proc')

/** Takes a frame, and then as long for it as a slow line would. */
async function readSlowly(table: HostileTable, signal: AbortSignal): Promise<void> {
  try {
    for await (const frame of table.scan(signal).frames) {
      const bytes = frame.message.length
      await after((bytes / BYTES_PER_SECOND) * 1_000, undefined, { signal })
      frame.release()
    }
  } catch (reason) {
    if (!signal.aborted) throw reason
  }
}

t.test(
  '64 readers at 1 KB/s hold little memory, and a quick one passes them',
  { skip: isSkipped },
  async (t) => {
    t.setTimeout(60_000 + seconds * 3_000)
    const bundled = await bundleWorker()
    t.teardown(() => bundled.remove())
    const runnerBytes = residentBytes(process.pid) ?? 0
    const table = await startHostileTable({
      workerCount: 1,
      entry: bundled.entry,
      frameBytes: FRAME_BYTES,
      limits: {
        memoryBytes: 40 * MIB,
        parkedBytesMax: 256 * MIB,
        bufferBytesKept: 16 * MIB,
        roomBytes: 32 * MIB,
        byteCacheBytes: 32 * MIB,
      },
      admission: { bytesMax: 256 * MIB },
    })
    t.teardown(() => table.stop())
    const right = await table.hashOf(table.scan())
    const gone = new AbortController()
    const slow = Array.from({ length: READERS }, () => readSlowly(table, gone.signal))
    await after(2_000)
    const bytes: number[] = []
    const quickMs: number[] = []
    const endMs = performance.now() + seconds * 1_000
    while (performance.now() < endMs) {
      const startedMs = performance.now()
      t.equal(await table.hashOf(table.scan()), right)
      quickMs.push(Math.round(performance.now() - startedMs))
      bytes.push((residentBytes(process.pid) ?? 0) - runnerBytes)
      await after(500)
    }
    t.equal(table.pool.load, READERS, 'all of them are still served')
    gone.abort()
    await Promise.all(slow)
    const mib = bytes.map((one) => Math.round(one / MIB))
    t.comment(`resident MiB: ${mib.join(' ')}; quick scans ms: ${quickMs.join(' ')}`)
    const warm = bytes.slice(WARM_UP_SAMPLES)
    t.ok(Math.max(...warm) <= Math.min(...warm) * 1.1, 'memory stays flat')
    t.ok(Math.max(...bytes) <= RESIDENT_BYTES_MAX)
    t.equal(table.pool.load, 0)
    t.equal(table.pool.admission.usedBytes, 0)
  },
)
