import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { fileStore } from '../../../service/objects/file-store.ts'
import type { FrameLimits } from '../../../service/scan/frame.ts'
import { ScanPool } from '../../../service/scan/scan-pool.ts'
import { scanSplit } from '../../../service/scan/scan-split.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import { goldenBytes, goldenRows, plainField } from '../../support/columns-golden.ts'

const MIB = 1024 * 1024
const oneRowEach: FrameLimits = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 1 }
const quiet = new AbortController().signal
const credentials = staticCredentials({ accessKey: '', secretKey: new Secret('') })

const directory = mkdtempSync(join(tmpdir(), 'pool-retirement-'))
mkdirSync(join(directory, 'bucket'))
writeFileSync(join(directory, 'bucket/k.parquet'), goldenBytes('integers'))
const store = fileStore(directory)
const footers = new FooterCache({ store, bytesMax: 64 * MIB, concurrency: 4 })
t.teardown(() => rmSync(directory, { recursive: true }))

async function scanOf(pool: ScanPool) {
  const listing = { bucket: 'bucket', prefix: '', shallow: false }
  const [object] = (await store.list(listing, quiet)).objects
  if (object === undefined) throw new Error('no object')
  const footer = await footers.get(object, quiet)
  const fields = footer.columns.map(({ field }) => plainField(field))
  const columns = fields.map((field) => ({ field, from: { kind: 'file' as const } }))
  const split = {
    table: { schema: 'bucket', table: 't' },
    bucket: 'bucket',
    prefix: '',
    files: [{ ...object, rowGroups: { start: 0, end: footer.rowGroupCount } }],
    partitionColumns: [],
    expiresMs: 0,
  }
  const request = { split, columns, frames: oneRowEach }
  return { fields, scan: scanSplit(request, { footers, runner: pool }, quiet) }
}

t.test('a worker that holds too much is replaced, and ends the scans it has', async (t) => {
  let losses = 0
  let hired = 0
  const count = () => hired++
  process.on('worker', count)
  t.teardown(() => process.off('worker', count))
  const pool = await ScanPool.start({
    connection: { kind: 'file', url: pathToFileURL(directory).href },
    credentials,
    workerCount: 1,
    limits: { heldBytesMax: 0 },
    onLoss: () => losses++,
  })
  t.teardown(() => pool.close())
  const rows = goldenRows('integers')
  const bystander = await scanOf(pool)
  const reader = bystander.scan.frames[Symbol.asyncIterator]()
  const first = await reader.next()
  for (let round = 0; round < 3; round++) {
    const { fields, scan } = await scanOf(pool)
    t.strictSame(await rowsOfFrames(fields, scan.frames), rows)
  }
  first.value?.release()
  const rest = await rowsOfFrames(bystander.fields, { [Symbol.asyncIterator]: () => reader })
  t.strictSame(rest, rows.slice(1))
  t.equal(losses, 0, 'no worker was lost')
  t.ok(hired > 3, 'each scan had a worker of its own')
  t.equal(pool.admission.usedBytes, 0)
})
