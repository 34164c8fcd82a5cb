import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { fileStore } from '../../../service/objects/file-store.ts'
import { ScanPool, type ScanPoolOptions } from '../../../service/scan/scan-pool.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import { goldenBytes, goldenRows } from '../../support/columns-golden.ts'
import { scanFolder } from '../../support/scan-folder.ts'

const MIB = 1024 * 1024
const quiet = new AbortController().signal
const frames = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 100_000 }
const directory = mkdtempSync(join(tmpdir(), 'pool-hostile-'))
const store = fileStore(directory)
const footers = new FooterCache({ store, bytesMax: MIB, concurrency: 4 })
t.teardown(() => rmSync(directory, { recursive: true }))

for (const key of ['good/a', 'hang/hang', 'trap/trap']) {
  const path = join(directory, 'bucket', `${key}.parquet`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, goldenBytes('integers'))
}
const goodRows = goldenRows('integers')

type Teardown = { teardown(end: () => Promise<void>): unknown }

async function poolOf(t: Teardown, options: Partial<ScanPoolOptions> = {}): Promise<ScanPool> {
  const pool = await ScanPool.start({
    connection: { kind: 'file', url: pathToFileURL(directory).href },
    credentials: staticCredentials({ accessKey: '', secretKey: new Secret('') }),
    workerCount: 1,
    entry: new URL('../../support/hanging-decoder-worker', import.meta.url),
    ...options,
  })
  t.teardown(() => pool.close())
  return pool
}

async function rowsOf(pool: ScanPool, prefix: string) {
  const { fields, scan } = await scanFolder({ store, footers, runner: pool, prefix, frames }, quiet)
  return rowsOfFrames(fields, scan.frames)
}

t.test('a hang ends its worker, is told by name, and refused afterwards', async (t) => {
  const losses: string[] = []
  const pool = await poolOf(t, { onLoss: () => losses.push('lost') })
  const hanging = rowsOf(pool, 'hang/')
  const bystander = rowsOf(pool, 'good/')
  const expected = { code: 'unreadable_file', message: /bucket\/hang\/hang\.parquet, row group 0/ }
  await t.rejects(hanging, expected)
  t.strictSame(await bystander, goodRows, 'who had no frame yet is read again elsewhere')
  t.strictSame(losses, ['lost'])
  const [entry] = pool.quarantine.list()
  t.match(entry, { source: 'bucket/hang/hang.parquet, row group 0', how: 'hang' })
  await t.rejects(rowsOf(pool, 'hang/'), expected)
  t.strictSame(losses, ['lost'], 'it costs no second worker')
  t.equal(pool.quarantine.refusedCount, 1)
  t.equal(pool.admission.usedBytes, 0)
})

t.test('a trap beside others: they are read again, and a release lets it in again', async (t) => {
  const losses: string[] = []
  const pool = await poolOf(t, { onLoss: () => losses.push('lost') })
  const answers = await Promise.allSettled(
    ['trap/', 'good/', 'good/'].map((prefix) => rowsOf(pool, prefix)),
  )
  t.match(answers[0], { status: 'rejected', reason: { code: 'unreadable_file' } })
  t.strictSame(answers.slice(1), [
    { status: 'fulfilled', value: goodRows },
    { status: 'fulfilled', value: goodRows },
  ])
  t.equal(pool.quarantine.release('bucket/trap/trap.parquet, row group 0'), true)
  await t.rejects(rowsOf(pool, 'trap/'), { code: 'unreadable_file' })
  t.strictSame(losses, ['lost', 'lost'])
})

t.test('a row group above the budget is refused before it is read', async (t) => {
  const pool = await poolOf(t, { admission: { bytesMax: 100 } })
  await t.rejects(rowsOf(pool, 'good/'), {
    code: 'too_large',
    message: /bucket\/good\/a\.parquet, row group 0 .*SPILLWAY_MEMORY_BYTES/,
  })
  t.equal(pool.load, 0)
})
