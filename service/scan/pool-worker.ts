import assert from 'node:assert'
import type { DecoderEngine } from '../decode/decoder-engine.ts'
import { setTimeout as after } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { StoreCredentials, StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { sessionName, type StoreSessions } from '../credentials/store-sessions.ts'
import { GatewayError } from '../errors.ts'
import type { Frame } from './frame.ts'
import { Inbox } from './inbox.ts'
import { fromPlainError, toPlainError } from './plain-error.ts'
import type { AdmissionShare } from './admission.ts'
import type { Quarantine, WorkerEnd } from './quarantine.ts'
import type { RowGroupPlan } from '../decode/decoder.ts'
import { WorkerLoss } from './worker-loss.ts'
import { DecodeWatch, decodeMsMax } from './worker-watchdog.ts'
import type { ScanJob, ScanPiece } from './scan-job.ts'
import type { ScanLimits } from './scan-limits.ts'
import { addReceipt, type ScanReceipt } from './scan-receipt.ts'
import type { StoreConnection } from '../objects/open-store.ts'
import { toPlainCredentials } from './worker-credentials.ts'
import { workerEntry } from './worker-entry.ts'
import { createWorkerMemory } from './worker-memory.ts'
import {
  DECODING_BYTES,
  type FromWorker,
  type ToWorker,
  type WorkerStart,
} from './worker-messages.ts'

export interface PoolWorkerOptions {
  readonly connection: StoreConnection
  readonly credentials: StoreCredentialsSource
  /** Of the sessions that jobs name; absent: they name none. */
  readonly sessions?: Pick<StoreSessions, 'sourceOf'>
  readonly limits: ScanLimits
  readonly quarantine: Quarantine
  /** Default `auto`. */
  readonly decoder?: DecoderEngine
  /** What the thread runs, without extension; default: `scan-worker` beside this file. */
  readonly entry?: URL
}

/** A scan as the main thread sees it. */
interface OpenScan {
  readonly job: ScanJob
  readonly frames: Inbox<Frame>
  readonly options: RunOptions
  /** The row groups that the worker has and that are not done, by their numbers. */
  readonly pieces: Map<number, ScanPiece>
  sentCount: number
  doneCount: number
  /** Pieces that may still be sent. */
  room: number
  /** Told of room, of row groups that are done, and of the end. */
  notice: (() => void) | undefined
  /** Aborted when nobody reads it any more; what still comes is given back at once. */
  readonly left: AbortController
  /** Resolves when the worker has ended it, all its numbers told. */
  readonly over: Promise<void>
  readonly noticeOver: () => void
}

/** A reader who leaves waits so long for the worker to have stopped: a row group that is being decoded is finished. */
const LEAVE_WAIT_MS = 1_000

/** What a run adds its numbers to, where it takes its memory from, and what ends it. */
export interface RunOptions {
  readonly receipt: ScanReceipt
  readonly share: AdmissionShare
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
  readonly #decoding = new SharedArrayBuffer(DECODING_BYTES)
  readonly #watch = new DecodeWatch(this.#decoding)
  readonly #scans = new Map<number, OpenScan>()
  readonly #closing = new AbortController()
  #lastScanId = 0
  #trappedScanId: number | undefined
  #isReady = false
  #isRetired = false
  #isDead = false
  #how: WorkerEnd = 'death'
  #reason: unknown
  #noticeLost: () => void = () => {}
  /** The credentials it was told last, by their source: what it says of refusals is about these. */
  readonly #given = new WeakMap<StoreCredentialsSource, StoreCredentials>()

  constructor(options: PoolWorkerOptions) {
    this.#options = options
    const memory = createWorkerMemory(options.limits)
    this.#memory = memory.memory.buffer
    const start: WorkerStart = {
      connection: options.connection,
      decoder: options.decoder ?? 'auto',
      limits: options.limits,
      memory,
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

  /** Whether it was replaced because it held too much memory. It still ends the scans it has. */
  get isRetired(): boolean {
    return this.#isRetired
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Whether it can scan, or could. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Scans it has not finished. */
  get load(): number {
    return this.#scans.size
  }

  /**
   * Runs one scan. Leaving the loop, an error and the signal end it.
   *
   * @throws {GatewayError} what the scan ends with
   * @throws {WorkerLoss} the worker is gone
   */
  async *run(
    job: ScanJob,
    pieces: AsyncIterable<ScanPiece>,
    options: RunOptions,
  ): AsyncGenerator<Frame, void, undefined> {
    const { signal } = options
    if (signal.aborted) throw GatewayError.from(signal.reason)
    if (this.#isDead) throw new WorkerLoss(this.#how, undefined, this.#reason)
    const scanId = ++this.#lastScanId
    const scan = openScan(job, options, this.#options.limits.piecesAheadMax)
    this.#scans.set(scanId, scan)
    const aborted = () => this.#leave(scanId, scan, GatewayError.from(signal.reason))
    signal.addEventListener('abort', aborted, { once: true })
    try {
      this.#tell({ type: 'scan', scanId, job })
      this.#feed(scanId, scan, { job, pieces }).catch((reason: unknown) =>
        this.#leave(scanId, scan, reason),
      )
      yield* scan.frames
    } finally {
      signal.removeEventListener('abort', aborted)
      this.#leave(scanId, scan, new GatewayError('cancelled', 'the reader left'))
      await Promise.race([scan.over, after(LEAVE_WAIT_MS, undefined, { ref: false })])
    }
  }

  /** Ends the thread when it decodes one row group for too long; to be called at every WATCH_INTERVAL_MS. */
  lookAfter(nowMs: number): void {
    const lastingMs = this.#watch.lastingMs(nowMs)
    const piece = this.#pieceDecoding(this.#watch.scanId)
    if (piece === undefined || lastingMs <= decodeMsMax(piece) || this.#closing.signal.aborted)
      return
    this.#how = 'hang'
    this.#reason = new Error(`not decoded after ${Math.round(lastingMs)} ms`)
    this.#noticeLost()
    void this.terminate()
  }

  /** Ends the thread; its scans fail. */
  async terminate(): Promise<void> {
    this.#closing.abort()
    await this.#worker.terminate()
  }

  async #feed(
    scanId: number,
    scan: OpenScan,
    { job, pieces }: { job: ScanJob; pieces: AsyncIterable<ScanPiece> },
  ): Promise<void> {
    const { signal } = scan.left
    for await (const piece of pieces) {
      while (scan.room === 0 && !signal.aborted) await changeOf(scan)
      if (signal.aborted) return
      if (piece.plan !== undefined) {
        await this.#refuseQuarantined(job, scan, piece)
        await scan.options.share.reserve(memoryOf(piece.plan, piece.late), piece.source, signal)
        scan.pieces.set(scan.sentCount++, piece)
      }
      scan.room--
      this.#tell({ type: 'piece', scanId, piece })
    }
    this.#tell({ type: 'pieces_end', scanId })
  }

  /** A scan that wants so many rows may have them before it comes to the row group: it is given time for that. */
  async #refuseQuarantined({ rowLimit }: ScanJob, scan: OpenScan, piece: ScanPiece): Promise<void> {
    const refusal = this.#options.quarantine.refusal(piece)
    if (refusal === undefined) return
    if (rowLimit < Infinity)
      while (scan.pieces.size > 0 && !scan.left.signal.aborted) await changeOf(scan)
    throw refusal
  }

  /** Nobody will read on: the worker stops, frames that wait are given back. */
  #leave(scanId: number, scan: OpenScan, reason: unknown): void {
    if (scan.left.signal.aborted) return
    scan.left.abort()
    scan.notice?.()
    for (const frame of scan.frames.fail(reason)) frame.release()
    if (this.#scans.has(scanId)) this.#tell({ type: 'cancel', scanId })
  }

  #tell(message: ToWorker): void {
    if (!this.#isDead) this.#worker.postMessage(message)
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#isReady = true
        return
      case 'piece_taken': {
        const scan = this.#scans.get(message.scanId)
        if (scan === undefined) return
        scan.room++
        return scan.notice?.()
      }
      case 'piece_held':
        return this.#scans.get(message.scanId)?.options.share.lessen(message.bytes)
      case 'piece_done':
        return this.#receiveDone(message.scanId, message.queuedBytes)
      case 'frame':
        return this.#receiveFrame(message)
      case 'ended':
        return this.#receiveEnd(message)
      case 'trapped':
        this.#how = 'trap'
        this.#reason = message.cause
        this.#trappedScanId = message.scanId
        return this.#noticeLost()
      case 'ask_credentials':
        this.#answerCredentials(message).catch(() => {})
    }
  }

  #receiveDone(scanId: number, queuedBytes: number): void {
    const scan = this.#scans.get(scanId)
    const piece = scan?.pieces.get(scan.doneCount)
    if (scan === undefined || piece === undefined) return
    scan.pieces.delete(scan.doneCount++)
    this.#options.quarantine.absolve(piece)
    scan.options.share.giveBack(queuedBytes)
    scan.notice?.()
  }

  #receiveFrame(message: Extract<FromWorker, { type: 'frame' }>): void {
    const { scanId, frameId, offset, lengthBytes, rowCount, bodyBytes } = message
    const scan = this.#scans.get(scanId)
    let isHeld = true
    const release = () => {
      if (isHeld) this.#tell({ type: 'release', scanId, frameId })
      isHeld = false
    }
    if (scan === undefined || scan.left.signal.aborted) return release()
    const bytes = new Uint8Array(this.#memory, offset, lengthBytes)
    return scan.frames.push({ message: bytes, rowCount, bodyBytes, release })
  }

  #receiveEnd({ scanId, receipt, heldBytes, error }: Extract<FromWorker, { type: 'ended' }>): void {
    const scan = this.#scans.get(scanId)
    this.#scans.delete(scanId)
    this.#retireAbove(heldBytes)
    if (scan === undefined) return
    addReceipt(scan.options.receipt, receipt)
    scan.options.share.giveBackAll()
    scan.noticeOver()
    if (error === undefined) scan.frames.end()
    else this.#leave(scanId, scan, fromPlainError(error))
  }

  /** Memory of WebAssembly never shrinks: a worker that once had a large row group is replaced when it is idle. */
  #retireAbove(heldBytes: number): void {
    if (heldBytes > this.#options.limits.heldBytesMax) this.#isRetired = true
    if (!this.#isRetired) return
    this.#noticeLost()
    if (this.#scans.size === 0) void this.terminate()
  }

  async #answerCredentials({
    askId,
    isRefused,
    session,
  }: Extract<FromWorker, { type: 'ask_credentials' }>): Promise<void> {
    try {
      const credentials = this.#credentialsOf(session)
      if (isRefused) credentials.expire(this.#given.get(credentials))
      const given = await credentials.get(this.#closing.signal)
      this.#given.set(credentials, given)
      const answer = toPlainCredentials(given)
      this.#tell({ type: 'credentials', askId, answer })
    } catch (error) {
      this.#tell({ type: 'credentials', askId, answer: { error: toPlainError(error) } })
    }
  }

  /** A worker is told only credentials of sessions whose scans it has. */
  #credentialsOf(name: string | undefined): StoreCredentialsSource {
    const { credentials, sessions } = this.#options
    if (name === undefined) return credentials
    const jobs = [...this.#scans.values()].map(({ job }) => job)
    const session = jobs.map((job) => job.session).find((one) => one && sessionName(one) === name)
    assert(session !== undefined && sessions !== undefined, 'a session of no scan is asked for')
    return sessions.sourceOf(session)
  }

  #die(): void {
    this.#isDead = true
    this.#closing.abort()
    const scanIdDecoding = this.#trappedScanId ?? this.#watch.scanId
    const piece = this.#pieceDecoding(scanIdDecoding)
    const open = [...this.#scans]
    this.#scans.clear()
    for (const [scanId, scan] of open) {
      scan.noticeOver()
      scan.options.share.giveBackAll()
      const culprit = scanId === scanIdDecoding ? piece : undefined
      this.#leave(scanId, scan, new WorkerLoss(this.#how, culprit, this.#reason))
    }
  }

  #pieceDecoding(scanId: number | undefined): ScanPiece | undefined {
    if (scanId === undefined) return undefined
    return this.#scans.get(scanId)?.pieces.get(this.#watch.number)
  }
}

/**
 * What a row group takes at most: its bytes as they were read, the decoder's copy of them, and what comes out. One that
 * is decoded in place takes less, a third of it for trips; how much is told when it is opened.
 */
function memoryOf(plan: RowGroupPlan, late: ScanPiece['late']): number {
  const ofPlan = 2 * plan.bufferBytes + plan.decodedBytesEstimate
  return late === undefined ? ofPlan : ofPlan + 2 * late.bufferBytesMax + late.decodedBytesMax
}

function openScan(job: ScanJob, options: RunOptions, room: number): OpenScan {
  let resolveOver: (() => void) | undefined
  const over = new Promise<void>((resolve) => {
    resolveOver = resolve
  })
  return {
    job,
    frames: new Inbox(),
    options,
    pieces: new Map(),
    sentCount: 0,
    doneCount: 0,
    room,
    notice: undefined,
    left: new AbortController(),
    over,
    noticeOver: () => resolveOver?.(),
  }
}

function changeOf(scan: OpenScan): Promise<void> {
  return new Promise((resolve) => {
    scan.notice = resolve
  })
}
