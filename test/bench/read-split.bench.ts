import { createRequire } from 'node:module'
import { buffer } from 'node:stream/consumers'
import { create, toBinary } from '@bufbuild/protobuf'
import { RecordBatchStreamWriter, tableFromIPC } from 'apache-arrow'
import type * as ParquetWasm from 'parquet-wasm/node'
import { BlockSchema } from '../../proto/gen/spillway/v1/federation_pb.ts'
import type * as SecretModule from '../../service/credentials/secret.ts'
import type * as StoreCredentialsModule from '../../service/credentials/store-credentials.ts'
import type * as FooterCacheModule from '../../service/footers/footer-cache.ts'
import type { ObjectStore } from '../../service/objects/object-store.ts'
import type * as OpenStoreModule from '../../service/objects/open-store.ts'
import type * as ScanPoolModule from '../../service/scan/scan-pool.ts'
import type * as ScanSplitModule from '../../service/scan/scan-split.ts'
import type { ScanRequest } from '../../service/scan/scan-request.ts'
import { importBuilt } from '../support/bench-build.ts'
import { ownCpuSeconds } from '../support/bench-cpu.ts'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import { benchBucket, benchStore, type BenchStore, loadTable } from '../support/bench-store.ts'

export const title = 'A split read from MinIO and framed, against the plain use of the packages'

const figure = {
  name: 'a split read and framed, snappy: speed, of the packages plainly used',
  unit: '×',
  must: { atLeast: 4 },
}
const table = 'split-snappy'
const prefix = `tables/${table}/`
const MIB = 1024 * 1024
const frames = { bodyBytesTarget: 2 * MIB, bodyBytesMax: 16 * MIB, rowsMax: 1_000_000 }
/** What an engineer may set who has read parquet-wasm's documentation twice; 1,024 rows is its default. */
const LARGE_BATCH_ROWS = 65_536
const quiet = new AbortController().signal

interface Framed {
  readonly rows: number
  readonly bytes: number
}

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined) return [skipped(figure, NO_PYTHON)]
  await loadTable(store, table, smoke)
  // Before our pool sets V8's flags: plain use does not set them.
  const parquet = createRequire(import.meta.url)('parquet-wasm/node') as typeof ParquetWasm
  const scanner = await startScanner(store)
  try {
    const cost = await medianOfRounds(smoke ? 1 : 15, {
      ours: () => timed(scanner.scan),
      plain: () => timed(() => plainly(store, parquet, {})),
      batches: () => timed(() => plainly(store, parquet, { batchSize: LARGE_BATCH_ROWS })),
    })
    const names = { ours: 'scan', plain: 'packages', batches: `packages, ${LARGE_BATCH_ROWS} rows` }
    for (const [side, name] of Object.entries(names) as [keyof typeof cost, string][]) {
      const { seconds, cpuSeconds, bytes, rows } = cost[side]
      if (rows !== cost.ours.rows) throw new Error(`${name} gave ${rows} of ${cost.ours.rows} rows`)
      const size = `${(bytes / 1e6).toFixed(1)} MB`
      print(
        `${name.padEnd(22)} ${size.padStart(8)} in ${(seconds * 1000).toFixed(0)} ms, ${((cpuSeconds / bytes) * 1e9).toFixed(2)} CPU s/GB`,
      )
    }
    const { ours, plain, batches } = cost
    const larger = (batches.seconds / ours.seconds).toFixed(1)
    const cpu = (plain.cpuSeconds / ours.cpuSeconds).toFixed(1)
    const note = `CPU ${cpu}×; ${larger}× when they are told batches of ${LARGE_BATCH_ROWS} rows`
    return [{ ...figure, reached: plain.seconds / ours.seconds, note }]
  } finally {
    await scanner.close()
  }
}

async function timed(work: () => Promise<Framed>) {
  const cpuBefore = ownCpuSeconds()
  const startedMs = performance.now()
  const { rows, bytes } = await work()
  const seconds = (performance.now() - startedMs) / 1000
  return { seconds, cpuSeconds: ownCpuSeconds() - cpuBefore, rows, bytes }
}

/** Our scan: footers known, as they are after planning; one worker; frames given back at once. */
async function startScanner({ url, accessKey, secretKey }: BenchStore) {
  const { Secret } = await importBuilt<typeof SecretModule>('service/credentials/secret.ts')
  const { staticCredentials } = await importBuilt<typeof StoreCredentialsModule>(
    'service/credentials/store-credentials.ts',
  )
  const { openStore } = await importBuilt<typeof OpenStoreModule>('service/objects/open-store.ts')
  const { FooterCache } = await importBuilt<typeof FooterCacheModule>(
    'service/footers/footer-cache.ts',
  )
  const { ScanPool } = await importBuilt<typeof ScanPoolModule>('service/scan/scan-pool.ts')
  const { scanSplit } = await importBuilt<typeof ScanSplitModule>('service/scan/scan-split.ts')
  const connection = { kind: 's3', url, region: 'us-east-1' } as const
  const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
  const objects = openStore(connection, credentials)
  const footers = new FooterCache({ store: objects, bytesMax: 64 * MIB, concurrency: 4 })
  const runner = await ScanPool.start({ connection, credentials, workerCount: 1 })
  const request = await requestOf(objects, footers)
  return {
    scan: async (): Promise<Framed> => {
      const scan = scanSplit(request, { footers, runner }, quiet)
      for await (const frame of scan.frames) frame.release()
      return { rows: scan.receipt.rowsReturned, bytes: scan.receipt.frameBytes }
    },
    close: async () => {
      await runner.close()
      objects.close()
    },
  }
}

async function requestOf(
  store: ObjectStore,
  footers: FooterCacheModule.FooterCache,
): Promise<ScanRequest> {
  const { objects } = await store.list({ bucket: benchBucket, prefix, shallow: false }, quiet)
  const read = await Promise.all(objects.map((object) => footers.get(object, quiet)))
  const files = objects.map(({ key, etag, sizeBytes }, index) => ({
    key,
    etag,
    sizeBytes,
    rowGroups: { start: 0, end: read[index]?.rowGroupCount ?? 0 },
  }))
  const name = { schema: benchBucket, table }
  return {
    split: { table: name, bucket: benchBucket, prefix, files, partitionColumns: [], expiresMs: 0 },
    columns: (read[0]?.columns ?? []).map(({ field }) => ({ field, from: { kind: 'file' } })),
    frames,
  }
}

/** Each file: downloaded, decoded, as Arrow's table, its batches as protobuf messages of FlightData's form. */
async function plainly(
  { client }: BenchStore,
  parquet: typeof ParquetWasm,
  options: { readonly batchSize?: number },
): Promise<Framed> {
  let rows = 0
  let bytes = 0
  for await (const { name } of client.listObjectsV2(benchBucket, prefix, true)) {
    const file = await buffer(await client.getObject(benchBucket, String(name)))
    const decoded = tableFromIPC(parquet.readParquet(file, options).intoIPCStream())
    for (const batch of decoded.batches) {
      const message = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true)
      const block = create(BlockSchema, headerAndBody(message))
      const framed = Buffer.concat([Buffer.alloc(5), toBinary(BlockSchema, block)])
      rows += batch.numRows
      bytes += framed.length
    }
  }
  return { rows, bytes }
}

/** The record batch of a stream of a schema, one batch and the end. */
function headerAndBody(stream: Uint8Array): { dataHeader: Uint8Array; dataBody: Uint8Array } {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  const batchAt = 8 + view.getInt32(4, true)
  const bodyAt = batchAt + 8 + view.getInt32(batchAt + 4, true)
  return {
    dataHeader: stream.subarray(batchAt + 8, bodyAt),
    dataBody: stream.subarray(bodyAt, stream.length - 8),
  }
}
