import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Float64, vectorFromArray } from 'apache-arrow'
import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { fileStore } from '../../../service/objects/file-store.ts'
import type { Frame, FrameLimits } from '../../../service/scan/frame.ts'
import { MEMORY_UNIT_BYTES } from '../../../service/scan/memory-units.ts'
import type { ScanLimits } from '../../../service/scan/scan-limits.ts'
import { ScanPool } from '../../../service/scan/scan-pool.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import { goldenBytes, goldenNames, goldenRows } from '../../support/columns-golden.ts'
import { scanFolder } from '../../support/scan-folder.ts'
import { writeParquet } from '../../support/write-parquet.ts'

const MIB = 1024 * 1024
const frames: FrameLimits = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 100_000 }
const oneRowEach: FrameLimits = { ...frames, rowsMax: 1 }
const quiet = new AbortController().signal
const credentials = staticCredentials({ accessKey: '', secretKey: new Secret('') })

const directory = mkdtempSync(join(tmpdir(), 'scan-pool-'))
const store = fileStore(directory)
const footers = new FooterCache({ store, bytesMax: 64 * MIB, concurrency: 4 })
t.teardown(() => rmSync(directory, { recursive: true }))

function put(key: string, name: string): void {
  const path = join(directory, 'bucket', key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, goldenBytes(name))
}

async function poolOf(
  t: { teardown(end: () => Promise<void>): unknown },
  limits: Partial<ScanLimits> = {},
  entry?: URL,
): Promise<ScanPool> {
  const connection = { kind: 'file', url: pathToFileURL(directory).href } as const
  const options = { connection, credentials, workerCount: 1, limits }
  const pool = await ScanPool.start(entry === undefined ? options : { ...options, entry })
  t.teardown(() => pool.close())
  return pool
}

function scanOf(pool: ScanPool, prefix: string, limits = frames, signal = quiet) {
  return scanFolder({ store, footers, runner: pool, prefix, frames: limits }, signal)
}

async function rowsOf(pool: ScanPool, prefix: string, limits = frames, signal = quiet) {
  const { fields, scan } = await scanOf(pool, prefix, limits, signal)
  return rowsOfFrames(fields, scan.frames)
}

t.test('workers read every golden file row for row', async (t) => {
  const pool = await poolOf(t)
  for (const name of goldenNames()) put(`${name}/a.parquet`, name)
  for (const name of goldenNames()) {
    const { fields, scan } = await scanOf(pool, `${name}/`)
    t.strictSame(await rowsOfFrames(fields, scan.frames), goldenRows(name), name)
    t.equal(scan.receipt.rowsReturned, goldenRows(name).length)
  }
  t.equal(pool.load, 0)
})

const many = Array.from({ length: 6 }, (_, i) => `many/${i}.parquet`)
for (const key of many) put(key, 'row_groups_of_3')
const manyRows = many.flatMap(() => goldenRows('row_groups_of_3'))

t.test('scans at once share a worker and its memory, none waits for a stalled one', async (t) => {
  const pool = await poolOf(t, { memoryBytes: 8 * MEMORY_UNIT_BYTES, framesOutstandingMax: 2 })
  const stalled = await scanOf(pool, 'many/', oneRowEach)
  const reader = stalled.scan.frames[Symbol.asyncIterator]()
  const first = await reader.next()
  const others = await Promise.all([1, 2, 3].map(() => rowsOf(pool, 'many/', oneRowEach)))
  for (const rows of others) t.strictSame(rows, manyRows)
  if (first.done !== true) first.value.release()
  let rest = 1
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
    rest += next.value.rowCount
    next.value.release()
  }
  t.equal(rest, manyRows.length)
})

t.test('row groups that are decoded in place take their pages, not their rows', async (t) => {
  const rowCount = 200_000
  const values = vectorFromArray(
    Array.from({ length: rowCount }, (_, row) => row % 7),
    new Float64(),
  )
  mkdirSync(join(directory, 'bucket/stalled'), { recursive: true })
  writeFileSync(join(directory, 'bucket/stalled/a.parquet'), writeParquet([['x', values]]))
  const pool = await poolOf(t, { memoryBytes: 8 * MIB, framesOutstandingMax: 2 })
  const small = { ...frames, bodyBytesTarget: 64 * 1024 }
  const readers: AsyncIterator<Frame>[] = []
  const used: number[] = []
  for (let reader = 0; reader < 3; reader++) {
    const { scan } = await scanOf(pool, 'stalled/', small)
    const iterator = scan.frames[Symbol.asyncIterator]()
    readers.push(iterator)
    t.equal((await iterator.next()).done, false)
    used.push(pool.admission.usedBytes)
  }
  t.ok(used.every((bytes, index) => bytes < ((index + 1) * rowCount * 8) / 2, used.join()))
  t.ok((used[0] ?? 0) > 0, 'something is held')
  for (const reader of readers) await reader.return?.()
  t.equal(pool.admission.usedBytes, 0)
})

t.test('leaving early frees everything, frames that were not read included', async (t) => {
  const pool = await poolOf(t, { memoryBytes: 3 * MEMORY_UNIT_BYTES, framesOutstandingMax: 3 })
  for (let i = 0; i < 10; i++) {
    const { scan } = await scanOf(pool, 'many/', oneRowEach)
    for await (const frame of scan.frames) {
      frame.release()
      break
    }
    t.equal(pool.load, 0, 'the worker has stopped')
    t.ok(scan.receipt.frames > 0, 'and told what it did')
  }
  t.strictSame(await rowsOf(pool, 'many/', oneRowEach), manyRows)
})

t.test('the signal ends a scan, whoever waits for what', async (t) => {
  const pool = await poolOf(t, { memoryBytes: 2 * MEMORY_UNIT_BYTES, framesOutstandingMax: 2 })
  const gone = new AbortController()
  const { scan } = await scanOf(pool, 'many/', oneRowEach, gone.signal)
  const held: { release(): void }[] = []
  const reading = async () => {
    for await (const frame of scan.frames) {
      held.push(frame)
      if (held.length === 2) setTimeout(() => gone.abort(), 20)
    }
  }
  await t.rejects(reading(), { code: 'cancelled' })
  for (const frame of held) frame.release()
  t.strictSame(await rowsOf(pool, 'many/', oneRowEach), manyRows)
  t.equal(pool.load, 0)
  await t.rejects(rowsOf(pool, 'many/', oneRowEach, AbortSignal.abort()), { code: 'cancelled' })
})

const faulty = new URL('../../support/fake-decoder-worker', import.meta.url)

t.test('a trap and a death name file and row group, and the next scan works', async (t) => {
  const pool = await poolOf(t, {}, faulty)
  put('bad/trap.parquet', 'integers')
  put('worse/die.parquet', 'integers')
  const bystander = await scanOf(pool, 'many/', oneRowEach)
  const reader = bystander.scan.frames[Symbol.asyncIterator]()
  await reader.next()
  await t.rejects(rowsOf(pool, 'bad/'), {
    code: 'unreadable_file',
    message: /the decoder failed on bucket\/bad\/trap\.parquet, row group 0/,
  })
  const toTheEnd = async () => {
    while ((await reader.next()).done !== true);
  }
  await t.rejects(toTheEnd(), { code: 'unavailable' })
  t.strictSame(await rowsOf(pool, 'many/'), manyRows)
  await t.rejects(rowsOf(pool, 'worse/'), {
    code: 'unreadable_file',
    message: /the decoder failed on bucket\/worse\/die\.parquet, row group 0/,
  })
  t.strictSame(await rowsOf(pool, 'many/'), manyRows)
})

t.test('a worker that does not start is said so', async (t) => {
  const entry = new URL('./no-such-worker', import.meta.url)
  const connection = { kind: 'file', url: pathToFileURL(directory).href } as const
  const starting = ScanPool.start({ connection, credentials, workerCount: 1, entry })
  await t.rejects(starting, { code: 'unavailable' })
})

t.test('a closed pool scans no more, and ends what runs', async (t) => {
  const pool = await poolOf(t)
  const { scan } = await scanOf(pool, 'many/', oneRowEach)
  const reader = scan.frames[Symbol.asyncIterator]()
  await reader.next()
  await pool.close()
  const toTheEnd = async () => {
    while ((await reader.next()).done !== true);
  }
  await t.rejects(toTheEnd(), { code: 'unavailable' })
  await t.rejects(rowsOf(pool, 'many/'), { code: 'unavailable' })
})
