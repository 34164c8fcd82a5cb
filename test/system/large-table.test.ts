import t from 'tap'
import { athena } from '../../service/athena/engine.ts'
import { s3SpillReader } from '../../service/athena/spilled-blocks.ts'
import { scanLimits } from '../../service/scan/scan-limits.ts'
import { addRow, largeFile } from '../support/large-table.ts'
import { invokeIdle, shimBundle, startLambdaProcess } from '../support/lambda-process.ts'
import { peakResidentBytes } from '../support/resident-memory.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

const MIB = 1024 * 1024
const schema = 'lake'
const spillBucket = 'spill'
const tableBytesMin = 1_000_000_000
/** Alternately one row group of 64 MB, as Spark writes, and many small ones. */
const shapes = [
  { seed: 1, rowCount: 320_000, rowsPerGroup: 320_000 },
  { seed: 2, rowCount: 320_000, rowsPerGroup: 40_000 },
]
const copies = 16
/** As Lambda does, an instance runs one event at a time; so the gateway reads as many splits at once. */
const instanceCount = 2
const workerCount = 1
const rowGroupBytes = 64 * MIB
const blockBytes = 16 * MIB

/** Measured: 270 MiB when idle, of which tsx takes a third; then garbage until it is collected. */
const idleBytes = 300 * MIB
/** What is read ahead, the row group that is decoded, blocks not yet taken, and two on their way to the socket. */
const scanBytes =
  scanLimits.readAhead.bytesMax + rowGroupBytes + (scanLimits.framesOutstandingMax + 2) * blockBytes
/** A row group in the decoder's own memory: as fetched, as pages, as Arrow. */
const decoderBytes = 3 * rowGroupBytes
const gatewayBytesMax = idleBytes + instanceCount * scanBytes + workerCount * decoderBytes
/** 120 MiB of Node and the AWS SDK; blocks received, sealed and uploaded, but never all those of a split of 128 MiB. */
const lambdaBytesMax = 384 * MIB

const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

t.setTimeout(240_000)
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

t.test('a table of 1 GB in MinIO', { skip: isSkipped }, async (t) => {
  const minio = await startMinio()
  t.teardown(() => minio.stop())
  const { url, accessKey, secretKey } = minio
  const client = storeClient(minio)
  await client.makeBucket(schema)
  await client.makeBucket(spillBucket)
  const files = shapes.map(largeFile)
  const wanted = { bytes: 0, rows: 0, checksum: 0 }
  for (let copy = 0; copy < copies; copy += 1) {
    const file = files[copy % files.length]
    if (!file) break
    await client.putObject(schema, `tables/orders/copy=${copy}/part.parquet`, file.bytes)
    wanted.bytes += file.bytes.length
    wanted.rows += file.rowCount
    wanted.checksum = (wanted.checksum + file.checksum(copy)) | 0
  }
  t.ok(wanted.bytes >= tableBytesMin, `${wanted.bytes} bytes of Parquet`)

  const gateway = await startGatewayProcess(
    gatewaySettings(minio, { SPILLWAY_WORKERS: String(workerCount) }),
  )
  t.teardown(() => gateway.stop())
  const bundle = await shimBundle()
  const instances = await Promise.all(
    Array.from({ length: instanceCount }, () =>
      startLambdaProcess(bundle, {
        SPILLWAY_GATEWAY: gateway.grpc,
        SPILLWAY_SPILL_PATH_STYLE: 'true',
        spill_bucket: spillBucket,
        AWS_ENDPOINT_URL_S3: url,
        AWS_REGION: 'us-east-1',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: accessKey,
        AWS_SECRET_ACCESS_KEY: secretKey,
      }),
    ),
  )
  t.teardown(() => Promise.all(instances.map((instance) => instance.stop())))
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey }
  const spills = s3SpillReader({ endpoint: url, credentials })
  t.teardown(() => spills.close())
  const engine = athena({
    invoke: invokeIdle(instances),
    spills,
    limits: { parallel: instanceCount },
  })

  t.test('is read whole through the bundled shim', { timeout: 200_000 }, async (t) => {
    const result = await engine.query({ schema, table: 'orders' }, AbortSignal.timeout(180_000))
    const names = result.columns.map(({ name }) => name)
    t.strictSame(names, ['id', 'noise', 'ratio', 'label', 'payload', 'copy'])
    const read = { rows: 0, checksum: 0 }
    for await (const batch of result.batches()) {
      read.rows += batch.rowCount
      for (let index = 0; index < batch.rowCount; index += 1) {
        const [id = 0, noise = 0, , , , copy = 0] = batch.row(index).map(Number)
        read.checksum = addRow(read.checksum, { copy, id, noise })
      }
    }
    t.equal(read.rows, wanted.rows)
    t.equal(read.checksum, wanted.checksum)
    const { splits, spilledBlocks, retries, ms } = result.statistics
    t.equal(retries, 0)
    t.comment(`${splits} splits in ${spilledBlocks} blocks, ${Math.round(ms / 1000)} s`)
  })

  t.test('in bounded memory', { skip: process.platform !== 'linux' && 'no /proc' }, async (t) => {
    const peaks = [
      { name: 'the gateway', pid: gateway.pid, bytesMax: gatewayBytesMax },
      ...instances.map(({ pid }) => ({ name: 'a function', pid, bytesMax: lambdaBytesMax })),
    ]
    for (const { name, pid, bytesMax } of peaks) {
      const bytes = peakResidentBytes(pid) ?? Number.NaN
      const text = `${name} held ${mebibytes(bytes)} at most, of ${mebibytes(bytesMax)} it may hold`
      t.comment(text)
      t.ok(bytes < bytesMax, text)
    }
  })

  t.test('and the gateway ends well', async (t) => t.equal(await gateway.stop(), 0))
})

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
