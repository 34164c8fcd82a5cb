import { setTimeout as after } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { trapError } from './decoder-trap.ts'
import type { Frame } from './frame.ts'
import { Inbox } from './inbox.ts'
import { fromPlainError, toPlainError } from './plain-error.ts'
import type { ScanJob, ScanPiece } from './scan-job.ts'
import type { ScanLimits } from './scan-limits.ts'
import { addReceipt, type ScanReceipt } from './scan-receipt.ts'
import type { StoreConnection } from '../objects/open-store.ts'
import { toPlainCredentials } from './worker-credentials.ts'
import { workerEntry } from './worker-entry.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts'

export interface PoolWorkerOptions {
  readonly connection: StoreConnection
  readonly credentials: StoreCredentialsSource
  readonly limits: ScanLimits
  /** What the thread runs, without extension; default: `scan-worker` beside this file. */
  readonly entry?: URL
}

/** A scan as the main thread sees it. */
interface OpenScan {
  readonly frames: Inbox<Frame>
  readonly receipt: ScanReceipt
  /** Of the row groups that are decoded, in order. */
  readonly sources: string[]
  /** Pieces that may still be sent. */
  room: number
  noticeRoom: (() => void) | undefined
  /** Nobody reads it any more; what still comes is given back at once. */
  isLeft: boolean
  /** Resolves when the worker has ended it, all its numbers told. */
  readonly over: Promise<void>
  readonly noticeOver: () => void
}

/** A reader who leaves waits so long for the worker to have stopped: a row group that is being decoded is finished. */
const LEAVE_WAIT_MS = 1_000

/** What a run adds its numbers to, and what ends it. */
export interface RunOptions {
  readonly receipt: ScanReceipt
  readonly signal: AbortSignal
}

/** One worker thread, from the main thread's side. It lives once: after its death there is nothing to be had from it. */
export class PoolWorker {
  /** Resolves when it can scan, rejects when it died before. */
  readonly ready: Promise<void>
  /** Resolves when it takes no more scans, whatever the reason. */
  readonly lost: Promise<void>
  readonly #worker: Worker
  readonly #options: PoolWorkerOptions
  readonly #memory: SharedArrayBuffer
  readonly #decoding = new SharedArrayBuffer(8)
  readonly #scans = new Map<number, OpenScan>()
  readonly #closing = new AbortController()
  #lastScanId = 0
  #isDead = false
  #reason: unknown
  #noticeLost: () => void = () => {}

  constructor(options: PoolWorkerOptions) {
    this.#options = options
    this.#memory = new SharedArrayBuffer(options.limits.memoryBytes)
    const start: WorkerStart = {
      connection: options.connection,
      limits: options.limits,
      memory: this.#memory,
      decoding: this.#decoding,
    }
    this.#worker = new Worker(
      workerEntry(options.entry ?? new URL('./scan-worker', import.meta.url)),
      { workerData: start },
    )
    this.#worker.on('message', (message: FromWorker) => this.#receive(message))
    this.#worker.on('error', (reason) => {
      this.#reason = reason
    })
    this.lost = new Promise((resolve) => {
      this.#worker.once('exit', resolve)
      this.#noticeLost = resolve
    })
    this.#worker.once('exit', () => this.#die())
    this.ready = new Promise((resolve, reject) => {
      this.#worker.once('message', () => resolve())
      this.#worker.once('exit', () =>
        reject(
          new GatewayError('unavailable', 'a scan worker died at its start', {
            cause: this.#reason,
          }),
        ),
      )
    })
    this.ready.catch(() => {})
  }

  /** Scans it has not finished. */
  get load(): number {
    return this.#scans.size
  }

  /** Runs one scan. Leaving the loop, an error and the signal end it. */
  async *run(
    job: ScanJob,
    pieces: AsyncIterable<ScanPiece>,
    { receipt, signal }: RunOptions,
  ): AsyncGenerator<Frame, void, undefined> {
    if (signal.aborted) throw GatewayError.from(signal.reason)
    const scanId = ++this.#lastScanId
    const scan = openScan(receipt, this.#options.limits.piecesAheadMax)
    this.#scans.set(scanId, scan)
    const aborted = () => this.#leave(scanId, scan, GatewayError.from(signal.reason))
    signal.addEventListener('abort', aborted, { once: true })
    try {
      this.#tell({ type: 'scan', scanId, job })
      this.#feed(scanId, scan, pieces).catch((reason: unknown) => this.#leave(scanId, scan, reason))
      yield* scan.frames
    } finally {
      signal.removeEventListener('abort', aborted)
      this.#leave(scanId, scan, new GatewayError('cancelled', 'the reader left'))
      await Promise.race([scan.over, after(LEAVE_WAIT_MS, undefined, { ref: false })])
    }
  }

  /** Ends the thread; its scans fail. */
  async terminate(): Promise<void> {
    this.#closing.abort()
    await this.#worker.terminate()
  }

  async #feed(scanId: number, scan: OpenScan, pieces: AsyncIterable<ScanPiece>): Promise<void> {
    for await (const piece of pieces) {
      while (scan.room === 0 && !scan.isLeft) await roomIn(scan)
      if (scan.isLeft) return
      scan.room--
      if (piece.plan !== undefined) scan.sources.push(piece.source)
      this.#tell({ type: 'piece', scanId, piece })
    }
    this.#tell({ type: 'pieces_end', scanId })
  }

  /** Nobody will read on: the worker stops, frames that wait are given back. */
  #leave(scanId: number, scan: OpenScan, reason: unknown): void {
    if (scan.isLeft) return
    scan.isLeft = true
    scan.noticeRoom?.()
    for (const frame of scan.frames.fail(reason)) frame.release()
    if (this.#scans.has(scanId)) this.#tell({ type: 'cancel', scanId })
  }

  #tell(message: ToWorker): void {
    if (!this.#isDead) this.#worker.postMessage(message)
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        return
      case 'piece_taken': {
        const scan = this.#scans.get(message.scanId)
        if (scan === undefined) return
        scan.room++
        return scan.noticeRoom?.()
      }
      case 'frame':
        return this.#receiveFrame(message)
      case 'ended':
        return this.#receiveEnd(message)
      case 'trapped': {
        const { scanId, source, cause } = message
        this.#reason = cause
        this.#noticeLost()
        const scan = this.#scans.get(scanId)
        return scan && this.#leave(scanId, scan, trapError(source, cause))
      }
      case 'ask_credentials':
        this.#answerCredentials(message).catch(() => {})
    }
  }

  #receiveFrame(message: Extract<FromWorker, { type: 'frame' }>): void {
    const { scanId, frameId, offset, lengthBytes, rowCount, bodyBytes } = message
    const scan = this.#scans.get(scanId)
    let isHeld = true
    const release = () => {
      if (isHeld) this.#tell({ type: 'release', scanId, frameId })
      isHeld = false
    }
    if (scan === undefined || scan.isLeft) return release()
    const bytes = new Uint8Array(this.#memory, offset, lengthBytes)
    return scan.frames.push({ message: bytes, rowCount, bodyBytes, release })
  }

  #receiveEnd({ scanId, receipt, error }: Extract<FromWorker, { type: 'ended' }>): void {
    const scan = this.#scans.get(scanId)
    this.#scans.delete(scanId)
    if (scan === undefined) return
    addReceipt(scan.receipt, receipt)
    scan.noticeOver()
    if (error === undefined) scan.frames.end()
    else this.#leave(scanId, scan, fromPlainError(error))
  }

  async #answerCredentials({
    askId,
    isRefused,
  }: Extract<FromWorker, { type: 'ask_credentials' }>): Promise<void> {
    const { credentials } = this.#options
    try {
      if (isRefused) credentials.expire()
      const answer = toPlainCredentials(await credentials.get(this.#closing.signal))
      this.#tell({ type: 'credentials', askId, answer })
    } catch (error) {
      this.#tell({ type: 'credentials', askId, answer: { error: toPlainError(error) } })
    }
  }

  #die(): void {
    this.#isDead = true
    this.#closing.abort()
    const [scanIdDecoding, index = 0] = new Int32Array(this.#decoding)
    const open = [...this.#scans]
    this.#scans.clear()
    for (const [scanId, scan] of open) {
      const source = scanId === scanIdDecoding ? scan.sources[index] : undefined
      scan.noticeOver()
      this.#leave(scanId, scan, this.#deathOf(source))
    }
  }

  /** What the readers of a dead worker's scans are told; the source is what this scan was decoding. */
  #deathOf(source: string | undefined): GatewayError {
    if (source !== undefined) return trapError(source, this.#reason)
    return new GatewayError('unavailable', 'the scan was ended with its worker; try again', {
      cause: this.#reason,
      retryAfterMs: 0,
    })
  }
}

function openScan(receipt: ScanReceipt, room: number): OpenScan {
  let resolveOver: (() => void) | undefined
  const over = new Promise<void>((resolve) => {
    resolveOver = resolve
  })
  return {
    frames: new Inbox(),
    receipt,
    sources: [],
    room,
    noticeRoom: undefined,
    isLeft: false,
    over,
    noticeOver: () => resolveOver?.(),
  }
}

function roomIn(scan: OpenScan): Promise<void> {
  return new Promise((resolve) => {
    scan.noticeRoom = resolve
  })
}
