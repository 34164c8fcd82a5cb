import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Secret } from '../../service/credentials/secret.ts'
import { staticCredentials } from '../../service/credentials/store-credentials.ts'
import { GatewayError } from '../../service/errors.ts'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { FooterCache } from '../../service/footers/footer-cache.ts'
import type { ObjectVersion } from '../../service/objects/object-store.ts'
import { fileStore } from '../../service/objects/file-store.ts'
import { ScanPool, type ScanPoolOptions } from '../../service/scan/scan-pool.ts'
import { scanSplit } from '../../service/scan/scan-split.ts'
import type { Canonical } from '../support/columns-canonical.ts'
import type { Frame } from '../../service/scan/frame.ts'
import { rowsOfFrame } from '../support/columns-from-frames.ts'
import { plainField } from '../support/columns-golden.ts'

const MIB = 1024 * 1024
const frames = { bodyBytesTarget: MIB, bodyBytesMax: 16 * MIB, rowsMax: 100_000 }
const quiet = new AbortController().signal

export interface MutantReaderOptions extends Pick<ScanPoolOptions, 'decoder' | 'entry'> {
  /** Told of each worker that is lost. */
  readonly onLoss: () => void
}

/** What became of a file: its rows, or why there are none. */
export type Reading =
  | {
      readonly rowCount: number
      /** Absent when they hold what no test can show, such as a time in the year 300,000. */
      readonly rows: readonly Canonical[][] | undefined
      readonly error?: undefined
    }
  | { readonly error: GatewayError }

/**
 * Reads files as the gateway does: footer, plan, worker, frames; under the gateway's limits for memory and time.
 * One at a time.
 */
export class MutantReader {
  readonly pool: ScanPool
  readonly #directory: string
  readonly #store: ReturnType<typeof fileStore>
  readonly #footers: FooterCache
  #fileCount = 0

  private constructor(directory: string, pool: ScanPool) {
    this.#directory = directory
    this.pool = pool
    this.#store = fileStore(directory)
    this.#footers = new FooterCache({ store: this.#store, bytesMax: MIB, concurrency: 4 })
  }

  static async start({ onLoss, ...options }: MutantReaderOptions): Promise<MutantReader> {
    const directory = mkdtempSync(join(tmpdir(), 'mutants-'))
    mkdirSync(join(directory, 'bucket'))
    const pool = await ScanPool.start({
      connection: { kind: 'file', url: pathToFileURL(directory).href },
      credentials: staticCredentials({ accessKey: '', secretKey: new Secret('') }),
      workerCount: 1,
      limits: { memoryBytes: 64 * MIB, parkedBytesMax: 16 * MIB, bufferBytesKept: 16 * MIB },
      admission: { bytesMax: 128 * MIB },
      onLoss,
      ...options,
    })
    return new MutantReader(directory, pool)
  }

  /** The fields that a file's footer promises, as a table would have them. */
  async fieldsOf(bytes: Uint8Array): Promise<readonly Field[]> {
    return this.#withFile(bytes, async (object) => {
      const { columns } = await this.#footers.get(object, quiet)
      return columns.map(({ field }) => plainField(field))
    })
  }

  /** All rows of a file in the types of these fields. */
  async read(bytes: Uint8Array, fields: readonly Field[]): Promise<Reading> {
    return this.#withFile(bytes, async (object) => {
      try {
        return await this.#rows(object, fields)
      } catch (reason) {
        return { error: GatewayError.from(reason) }
      }
    })
  }

  async close(): Promise<void> {
    await this.pool.close()
    rmSync(this.#directory, { recursive: true })
  }

  async #rows(object: ObjectVersion, fields: readonly Field[]): Promise<Reading> {
    const { rowGroupCount } = await this.#footers.get(object, quiet)
    const { bucket, ...file } = object
    const split = {
      table: { schema: bucket, table: 'mutants' },
      bucket,
      prefix: '',
      files: [{ ...file, rowGroups: { start: 0, end: rowGroupCount } }],
      partitionColumns: [],
      expiresMs: 0,
    }
    const columns = fields.map((field) => ({ field, from: { kind: 'file' } as const }))
    const deps = { footers: this.#footers, runner: this.pool }
    const sent: Frame[] = []
    for await (const frame of scanSplit({ split, columns, frames }, deps, quiet).frames) {
      sent.push({ ...frame, message: Uint8Array.from(frame.message) })
      frame.release()
    }
    const rowCount = sent.reduce((sum, frame) => sum + frame.rowCount, 0)
    return { rowCount, rows: shown(() => sent.flatMap((frame) => rowsOfFrame(fields, frame))) }
  }

  async #withFile<T>(bytes: Uint8Array, use: (object: ObjectVersion) => Promise<T>): Promise<T> {
    const key = `${++this.#fileCount}.parquet`
    const path = join(this.#directory, 'bucket', key)
    writeFileSync(path, bytes)
    try {
      const { objects } = await this.#store.list(
        { bucket: 'bucket', prefix: key, shallow: false },
        quiet,
      )
      const [object] = objects
      if (object === undefined) throw new Error('the file just written is not listed')
      return await use(object)
    } finally {
      rmSync(path)
    }
  }
}

function shown(show: () => Canonical[][]): Canonical[][] | undefined {
  try {
    return show()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
