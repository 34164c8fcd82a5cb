import { setFlagsFromString } from 'node:v8'
import { GatewayError } from '../errors.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import type { Frame } from './frame.ts'
import { PoolWorker, type PoolWorkerOptions } from './pool-worker.ts'
import type { ScanJob, ScanPiece, ScanRun, ScanRunner } from './scan-job.ts'
import { type ScanLimits, scanLimits } from './scan-limits.ts'
import { Quarantine, QUARANTINE_MS } from './quarantine.ts'
import { WorkerLoss } from './worker-loss.ts'
import { ReplayedPieces } from './worker-replay.ts'
import { WATCH_INTERVAL_MS } from './worker-watchdog.ts'
import { emptyReceipt, type ScanReceipt } from './scan-receipt.ts'

export interface ScanPoolOptions extends Omit<PoolWorkerOptions, 'limits' | 'quarantine'> {
  readonly workerCount: number
  readonly limits?: Partial<ScanLimits>
  readonly admission?: Partial<AdmissionLimits>
  /** How long a row group that cost a worker is refused. */
  readonly quarantineMs?: number
  /** Told of each worker that is lost and replaced. */
  readonly onLoss?: () => void
}

/**
 * A worker that dies at its start would die again at once: its successor waits so long. So does the first spare: its
 * start takes processor time that the first scans need.
 */
const RESTART_WAIT_MS = 1_000
/** V8 13 (Node 24) inlines WebAssembly by itself. */
const V8_THAT_INLINES = 13

/** A scan whose workers die, one after the other, is not run once more than this: it may be the reason. */
const RERUNS_MAX = 2

const nowMs = (): number => performance.now()

/**
 * Worker threads that scan. Each scan runs in one of them, the least busy at its start, as soon as there is memory
 * for it. When a worker dies a warm spare takes its place. The row group that killed it is refused for a while, and
 * its scan ends with `unreadable_file`; the worker's other scans run again elsewhere, or end with `unavailable` if
 * their readers have had frames already.
 */
export class ScanPool implements ScanRunner {
  readonly quarantine: Quarantine
  readonly admission: Admission
  readonly #options: PoolWorkerOptions
  readonly #onLoss: () => void
  readonly #workers = new Set<PoolWorker>()
  /** Replaced, with scans that are not over. */
  readonly #leaving = new Set<PoolWorker>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  readonly #watch: NodeJS.Timeout
  readonly #workerCount: number
  #spare: PoolWorker | undefined
  #isClosed = false

  private constructor(options: ScanPoolOptions) {
    const { limits = {}, admission, quarantineMs, onLoss, workerCount, ...rest } = options
    inlineWebAssembly()
    this.admission = new Admission(admission)
    this.quarantine = new Quarantine({ keptMs: quarantineMs ?? QUARANTINE_MS, nowMs })
    this.#options = { ...rest, limits: { ...scanLimits, ...limits }, quarantine: this.quarantine }
    this.#workerCount = workerCount
    this.#onLoss = onLoss ?? (() => {})
    for (let i = 0; i < workerCount; i++) this.#workers.add(this.#hire())
    this.#watch = setInterval(() => this.#lookAfterAll(), WATCH_INTERVAL_MS).unref()
  }

  /**
   * Workers with their decoders warm. The spare comes after them.
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
    pool.#fillLater()
    return pool
  }

  /** Whether a warm worker waits to take over. */
  get hasSpare(): boolean {
    return this.#spare?.isReady === true
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
    clearInterval(this.#watch)
    for (const timer of this.#restarts) clearTimeout(timer)
    await Promise.all(this.#everyone().map((worker) => worker.terminate()))
  }

  /** The worker is chosen when the first frame is asked for: a scan that nobody reads costs nothing. */
  async *#frames(
    job: ScanJob,
    pieces: AsyncIterable<ScanPiece>,
    { receipt, signal }: { readonly receipt: ScanReceipt; readonly signal: AbortSignal },
  ): AsyncGenerator<Frame, void, undefined> {
    const replayed = new ReplayedPieces(pieces)
    const options = { receipt, signal, share: this.admission.open() }
    let rerunsLeft = RERUNS_MAX
    try {
      for (;;) {
        try {
          for await (const frame of this.#leastBusy().run(job, replayed.take(), options)) {
            replayed.forget()
            yield frame
          }
          return
        } catch (reason) {
          if (!(reason instanceof WorkerLoss)) throw reason
          const guilt = reason.piece && this.#accuse(reason.piece, reason)
          if (guilt !== undefined) throw guilt
          if (this.#isClosed || !replayed.isWhole || rerunsLeft-- === 0) throw endedWith(reason)
        }
      }
    } finally {
      options.share.giveBackAll()
      replayed.end()
    }
  }

  #accuse(piece: ScanPiece, { how, cause }: WorkerLoss): GatewayError | undefined {
    return this.#isClosed ? undefined : this.quarantine.accuse(piece, how, cause)
  }

  #leastBusy(): PoolWorker {
    const [worker] = [...this.#workers].toSorted((a, b) => a.load - b.load)
    if (worker !== undefined && !this.#isClosed) return worker
    throw new GatewayError('unavailable', 'no scan worker is running; try again', {
      retryAfterMs: RESTART_WAIT_MS,
    })
  }

  #everyone(): PoolWorker[] {
    const spares = this.#spare === undefined ? [] : [this.#spare]
    return [...this.#workers, ...this.#leaving, ...spares]
  }

  #lookAfterAll(): void {
    const now = nowMs()
    for (const worker of this.#leaving) if (worker.isDead) this.#leaving.delete(worker)
    for (const worker of [...this.#workers, ...this.#leaving]) worker.lookAfter(now)
  }

  #hire(): PoolWorker {
    const worker = new PoolWorker(this.#options)
    void worker.lost.then(() => this.#replace(worker))
    return worker
  }

  /** The spare takes the place of the one that is lost, and another becomes the spare. */
  #replace(lost: PoolWorker): void {
    const isActive = this.#workers.delete(lost)
    if (this.#spare === lost) this.#spare = undefined
    if (this.#isClosed) return
    if (lost.isRetired) this.#leaving.add(lost)
    else this.#onLoss()
    if (isActive) this.#promote()
    if (lost.isReady) this.#fill()
    else this.#fillLater()
  }

  #promote(): void {
    if (this.#spare === undefined) return
    this.#workers.add(this.#spare)
    this.#spare = undefined
  }

  #fill(): void {
    while (this.#workers.size < this.#workerCount) this.#workers.add(this.#hire())
    this.#spare ??= this.#hire()
  }

  #fillLater(): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      this.#fill()
    }, RESTART_WAIT_MS)
    this.#restarts.add(timer)
  }
}

function endedWith({ cause }: WorkerLoss): GatewayError {
  return new GatewayError('unavailable', 'the scan was ended with its worker; try again', {
    cause,
    retryAfterMs: 0,
  })
}

/** Measured on Node 20: zstd decodes 1.45 to 1.8 times as fast. Must be set before the module is compiled. */
function inlineWebAssembly(): void {
  if (Number.parseInt(process.versions.v8, 10) < V8_THAT_INLINES) {
    setFlagsFromString('--experimental-wasm-inlining')
  }
}
