import assert from 'node:assert'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startBenchGateway } from '../support/bench-gateway.ts'
import { startLineProcess } from '../support/bench-line-process.ts'
import { flightClient } from '../support/flight-client.ts'
import { largeFile } from '../support/large-table.ts'
import { peakResidentBytes } from '../support/resident-memory.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

export const title = 'A caller that reads now and then, beside another with 1,000 readers at once'

const slower = {
  name: '1,000 readers of another caller: p95 of ours, of alone',
  unit: '×',
  must: { atMost: 2 },
}
const memory = {
  name: '1,000 readers: the most memory of the gateway',
  unit: 'MB',
  must: { atMost: 512 },
}
const READERS = 1_000
const READERS_SMOKE = 20
const READS = 100
const READS_SMOKE = 3
/** Until the crowd has come. */
const SETTLE_MS = 5_000
/** Between two reads of the caller that is well-behaved. */
const PAUSE_MS = 50

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const callers = `
roles:
  one: { tables: [{ schema: '*', table: '*' }] }
  many: { tables: [{ schema: '*', table: '*' }], limits: { streams: 1 } }
callers:
  - { name: ours, roles: [one], tokens: [{ sha256: '${sha256('ours')}' }] }
  - { name: crowd, roles: [many], tokens: [{ sha256: '${sha256('crowd')}' }] }
`

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  if (minioBinary() === undefined || peakResidentBytes(process.pid) === undefined) {
    return [slower, memory].map((figure) => skipped(figure, 'no minio binary, or no /proc'))
  }
  const folder = await mkdtemp(join(tmpdir(), 'spillway-crowd-'))
  const file = join(folder, 'callers.yaml')
  await writeFile(file, callers)
  const store = await startMinio()
  const lake = storeClient(store)
  await lake.makeBucket('lake')
  const { bytes } = largeFile({ seed: 1, rowCount: 4_000, rowsPerGroup: 2_000 })
  await lake.putObject('lake', 'tables/crowd/one.parquet', bytes)
  // Of 512 MB; the rest is for code, sockets and footers.
  const settings = { SPILLWAY_MEMORY_BYTES: '192MiB', SPILLWAY_CALLERS_FILE: file }
  const gateway = await startBenchGateway({ store, settings })
  const ours = flightClient(gateway.grpc, { authorization: 'Bearer ours' })
  const p95 = async () => {
    const times: number[] = []
    for (let read = 0; read < (smoke ? READS_SMOKE : READS); read++) {
      const startedMs = performance.now()
      const info = await ours.info({ schema: 'lake', table: 'crowd' })
      const messages = await ours.messages(info.endpoint[0]?.ticket?.ticket ?? new Uint8Array())
      assert(messages.length > 1, 'there are rows')
      times.push(performance.now() - startedMs)
      await after(PAUSE_MS)
    }
    return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? 0
  }
  try {
    await p95()
    const aloneMs = await p95()
    const script = join(import.meta.dirname, 'crowd-reader.ts')
    const readers = String(smoke ? READERS_SMOKE : READERS)
    const crowd = await startLineProcess({
      command: process.execPath,
      words: ['--import=tsx', script, gateway.grpc, 'crowd', 'lake', 'crowd', readers],
    })
    try {
      await after(smoke ? 0 : SETTLE_MS)
      await crowd.ask({})
      const besideMs = await p95()
      const { reads, busy, failures } = await crowd.ask({})
      print(
        `alone ${aloneMs.toFixed(1)} ms, beside them ${besideMs.toFixed(1)} ms; they read ${String(reads)} times and were told busy ${String(busy)} times`,
      )
      assert.deepStrictEqual(failures, [], 'every other answer was right')
      const peakMb = (peakResidentBytes(gateway.pid) ?? 0) / 1e6
      return [
        { ...slower, reached: besideMs / aloneMs },
        { ...memory, reached: peakMb },
      ]
    } finally {
      await crowd.stop()
    }
  } finally {
    ours.close()
    await gateway.stop()
    await store.stop()
    await rm(folder, { recursive: true })
  }
}
