import { createHash } from 'node:crypto'
import { Secret } from '../../service/credentials/secret.ts'
import { staticCredentials } from '../../service/credentials/store-credentials.ts'
import { FooterCache } from '../../service/footers/footer-cache.ts'
import { openStore } from '../../service/objects/open-store.ts'
import type { Split } from '../../service/planning/split.ts'
import type { Frame } from '../../service/scan/frame.ts'
import { ScanPool, type ScanPoolOptions } from '../../service/scan/scan-pool.ts'
import type { ScanRun } from '../../service/scan/scan-job.ts'
import { scanSplit } from '../../service/scan/scan-split.ts'
import { plainField } from './columns-golden.ts'
import { largeFile } from './large-table.ts'
import { startMinio } from './start-minio.ts'
import { storeClient } from './store-client.ts'

const KIB = 1024
const MIB = 1024 * KIB
const quiet = new AbortController().signal

/** A table in a MinIO of its own, and a pool of workers that reads it, without the doors. */
export interface HostileTable {
  readonly pool: ScanPool
  readonly rowCount: number
  scan(signal?: AbortSignal): ScanRun
  /** Everything that a scan sends, as a hash. */
  hashOf(run: ScanRun): Promise<string>
  stop(): Promise<void>
}

export interface HostileTableOptions extends Pick<
  ScanPoolOptions,
  'workerCount' | 'entry' | 'limits' | 'admission'
> {
  /** Body bytes of a frame. */
  readonly frameBytes?: number
}

const FILE_COUNT = 2
const ROWS_PER_FILE = 20_000
const ROWS_PER_GROUP = 5_000

export async function startHostileTable(options: HostileTableOptions): Promise<HostileTable> {
  const { frameBytes = 512 * KIB, ...poolOptions } = options
  const minio = await startMinio()
  const client = storeClient(minio)
  await client.makeBucket('hostile')
  for (let file = 0; file < FILE_COUNT; file++) {
    const { bytes } = largeFile({
      seed: file,
      rowCount: ROWS_PER_FILE,
      rowsPerGroup: ROWS_PER_GROUP,
    })
    await client.putObject('hostile', `table/${file}.parquet`, bytes)
  }
  const { url, accessKey, secretKey } = minio
  const connection = { kind: 's3', url, region: 'us-east-1' } as const
  const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
  const store = openStore(connection, credentials)
  const footers = new FooterCache({ store, bytesMax: 16 * MIB, concurrency: 4 })
  const { objects } = await store.list(
    { bucket: 'hostile', prefix: 'table/', shallow: false },
    quiet,
  )
  const read = await Promise.all(objects.map((object) => footers.get(object, quiet)))
  const pool = await ScanPool.start({ connection, credentials, ...poolOptions })
  const split: Split = {
    table: { schema: 'hostile', table: 'table' },
    bucket: 'hostile',
    prefix: 'table/',
    files: objects.map(({ key, etag, sizeBytes }, i) => ({
      key,
      etag,
      sizeBytes,
      rowGroups: { start: 0, end: read[i]?.rowGroupCount ?? 0 },
    })),
    partitionColumns: [],
    expiresMs: 0,
  }
  const columns = (read[0]?.columns ?? []).map(
    ({ field }) => ({ field: plainField(field), from: { kind: 'file' } }) as const,
  )
  const frames = { bodyBytesTarget: frameBytes, bodyBytesMax: 16 * MIB, rowsMax: 100_000 }
  return {
    pool,
    rowCount: FILE_COUNT * ROWS_PER_FILE,
    scan: (signal = quiet) =>
      scanSplit({ split, columns, frames }, { footers, runner: pool }, signal),
    hashOf: ({ frames: sent }) => hashOf(sent),
    async stop() {
      await pool.close()
      store.close()
      await minio.stop()
    },
  }
}

async function hashOf(frames: AsyncIterable<Frame>): Promise<string> {
  const hash = createHash('sha1')
  for await (const frame of frames) {
    // The hash wants memory that nobody else can write to.
    hash.update(Uint8Array.from(frame.message))
    frame.release()
  }
  return hash.digest('hex')
}
