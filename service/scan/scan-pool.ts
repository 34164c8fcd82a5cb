import { setFlagsFromString } from 'node:v8'
import { GatewayError } from '../errors.ts'
import type { Frame } from './frame.ts'
import { PoolWorker, type PoolWorkerOptions } from './pool-worker.ts'
import type { ScanJob, ScanPiece, ScanRun, ScanRunner } from './scan-job.ts'
import { type ScanLimits, scanLimits } from './scan-limits.ts'
import { emptyReceipt, type ScanReceipt } from './scan-receipt.ts'

export interface ScanPoolOptions extends Omit<PoolWorkerOptions, 'limits'> {
  readonly workerCount: number
  readonly limits?: Partial<ScanLimits>
  /** Told of each worker that is lost and replaced. */
  readonly onLoss?: () => void
}

/** A worker that dies at its start would die again at once: its successor waits so long. */
const RESTART_WAIT_MS = 1_000
/** V8 13 (Node 24) inlines WebAssembly by itself. */
const V8_THAT_INLINES = 13

/**
 * Worker threads that scan. Each scan runs in one of them, the least busy at its start. A worker that dies takes its
 * scans with it and is replaced: the scan whose row group it was decoding ends with `unreadable_file`, the others
 * with `unavailable`.
 */
export class ScanPool implements ScanRunner {
  readonly #options: PoolWorkerOptions
  readonly #onLoss: () => void
  readonly #workers = new Set<PoolWorker>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  #isClosed = false

  private constructor({ limits = {}, onLoss, workerCount, ...options }: ScanPoolOptions) {
    inlineWebAssembly()
    this.#options = { ...options, limits: { ...scanLimits, ...limits } }
    this.#onLoss = onLoss ?? (() => {})
    for (let i = 0; i < workerCount; i++) this.#hire()
  }

  /**
   * Workers with their decoders loaded.
   *
   * @throws {GatewayError} `unavailable` one of them does not start.
   */
  static async start(options: ScanPoolOptions): Promise<ScanPool> {
    const pool = new ScanPool(options)
    try {
      await Promise.all([...pool.#workers].map(({ ready }) => ready))
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }

  /** Scans that run now. */
  get load(): number {
    return [...this.#workers].reduce((sum, worker) => sum + worker.load, 0)
  }

  run(job: ScanJob, pieces: AsyncIterable<ScanPiece>, signal: AbortSignal): ScanRun {
    const receipt = emptyReceipt()
    return { receipt, frames: this.#frames(job, pieces, { receipt, signal }) }
  }

  /** Ends all scans and workers. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#restarts) clearTimeout(timer)
    await Promise.all([...this.#workers].map((worker) => worker.terminate()))
  }

  /** The worker is chosen when the first frame is asked for: a scan that nobody reads costs nothing. */
  async *#frames(
    job: ScanJob,
    pieces: AsyncIterable<ScanPiece>,
    options: { readonly receipt: ScanReceipt; readonly signal: AbortSignal },
  ): AsyncGenerator<Frame, void, undefined> {
    const [worker] = [...this.#workers].toSorted((a, b) => a.load - b.load)
    if (worker === undefined || this.#isClosed) {
      throw new GatewayError('unavailable', 'no scan worker is running; try again', {
        retryAfterMs: RESTART_WAIT_MS,
      })
    }
    yield* worker.run(job, pieces, options)
  }

  #hire(): void {
    const worker = new PoolWorker(this.#options)
    this.#workers.add(worker)
    let wasReady = false
    worker.ready.then(
      () => {
        wasReady = true
      },
      () => {},
    )
    void worker.lost.then(() => {
      this.#workers.delete(worker)
      if (this.#isClosed) return
      this.#onLoss()
      if (wasReady) this.#hire()
      else this.#hireLater()
    })
  }

  #hireLater(): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      this.#hire()
    }, RESTART_WAIT_MS)
    this.#restarts.add(timer)
  }
}

/** Measured on Node 20: zstd decodes 1.45 to 1.8 times as fast. Must be set before the module is compiled. */
function inlineWebAssembly(): void {
  if (Number.parseInt(process.versions.v8, 10) < V8_THAT_INLINES) {
    setFlagsFromString('--experimental-wasm-inlining')
  }
}
