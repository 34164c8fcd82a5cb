import type { ArrowType } from '../arrow/arrow-type.ts'
import { columnBytes } from '../arrow/column-bytes.ts'
import { ownRows } from '../arrow/own-rows.ts'
import type { BatchPiece } from '../arrow/write-batch.ts'
import type { DecodedRowGroup, RowGroupPlan } from '../decode/decoder.ts'
import { GatewayError } from '../errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type CastRows, castRows } from './cast-rows.ts'
import { DecoderTrap } from './decoder-trap.ts'
import type { DecoderTurn } from './decoder-turn.ts'
import { ScanFilter } from './filter-rows.ts'
import type { FetchedPiece } from './fetch-row-group.ts'
import { FrameMessages, type PlannedFrame } from './frame-messages.ts'
import { readPiece } from './read-piece.ts'
import type { ReadParts } from './read-parts.ts'
import { SharedReads } from './shared-reads.ts'
import type { MemorySource } from './frame-memory.ts'
import type { MemoryRun } from './memory-units.ts'
import type { ParkingSpace } from './parking-space.ts'
import { growingReadAhead, type ReadAheadLimits, readAhead } from './read-ahead.ts'
import type { ReadBuffers } from './read-buffers.ts'
import {
  type NextFrame,
  type PlacedFrame,
  PlacedFrames,
  type PlacingParts,
} from './placed-frames.ts'
import { RowQueue } from './row-queue.ts'
import type { ScanJob, ScanPiece } from './scan-job.ts'
import type { ScanReceipt } from './scan-receipt.ts'
import { TopRows } from './top-rows.ts'

/** A frame that was written; the run is its reader's to release. */
export interface WrittenFrame {
  readonly message: Uint8Array
  readonly run: MemoryRun
  readonly rowCount: number
  readonly bodyBytes: number
}

/** What a task works with. Tasks of one worker share everything but the last two and their credits for memory. */
export interface TaskParts extends PlacingParts {
  readonly store: ObjectStore
  readonly turn: DecoderTurn
  readonly parking: ParkingSpace
  readonly buffers: ReadBuffers
  readonly readAhead: ReadAheadLimits
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number
  /** Told of the piece that is being decoded, then of the end of it. */
  readonly watchDecode: (piece: ScanPiece | undefined) => void
  /** Told what the row group takes that is taken, when it is surely less than was thought. */
  readonly tellHeld: (bytes: number) => void
  readonly memory: MemorySource
  readonly receipt: ScanReceipt
  readonly emit: (frame: WrittenFrame) => void
}

/**
 * Reads row groups ahead, decodes them in order, casts, cuts and writes frames, as fast as there is memory for them.
 *
 * @throws {GatewayError} what is wrong with store, file or limits
 * @throws {DecoderTrap} the decoder must not be used any more
 */
export async function runScanTask(
  job: ScanJob,
  pieces: AsyncIterable<ScanPiece>,
  parts: TaskParts,
  signal: AbortSignal,
): Promise<void> {
  if (job.rowLimit === 0) return
  const reading = {
    bytesOf: ({ plan, late }: ScanPiece) => (plan?.bufferBytes ?? 0) + (late?.bufferBytesMax ?? 0),
    start: (piece: ScanPiece, abort: AbortSignal) => task.read(piece, abort),
    discard: (fetched: FetchedPiece) => fetched.release(),
  }
  const task = new ScanTask(job, parts, signal)
  // Without a filter there are no more pieces than the limit needs.
  const isOpen = job.rowLimit !== Infinity && (job.terms ?? []).length > 0
  const growing = isOpen ? growingReadAhead(parts.readAhead) : undefined
  let waitingSince = parts.nowMs()
  for await (const fetched of readAhead(pieces, reading, growing ?? parts.readAhead, signal)) {
    parts.receipt.fetchWaitMs += parts.nowMs() - waitingSince
    const isEnough = await task.take(fetched)
    if (isEnough) break
    growing?.grow()
    waitingSince = parts.nowMs()
  }
  await task.finish()
}

/** A row group whose rows are not all queued yet; they may be views of the decoder's memory. */
interface HeldRows {
  readonly rest: Iterator<CastRows>
  /** What the decoder made, roughly what the rows take. */
  readonly bytes: number
  /** Whether it is this scan's turn with the decoder. */
  hasTurn(): boolean
  /** May be called twice. */
  release(): void
}

class ScanTask {
  readonly #job: ScanJob
  readonly #parts: TaskParts
  readonly #signal: AbortSignal
  readonly #messages: FrameMessages
  readonly #queue: RowQueue
  readonly #filter: ScanFilter
  /** Absent: rows are queued as they come. */
  readonly #top: TopRows | undefined
  readonly #shared: SharedReads
  #held: HeldRows | undefined
  #rowsLeft: number
  #parkedBytes = 0
  /** The row group that is taken: a row too large is one of its rows, the queue gives such away at once. */
  #source = ''

  constructor(job: ScanJob, parts: TaskParts, signal: AbortSignal) {
    this.#job = job
    this.#parts = parts
    this.#signal = signal
    const types: readonly ArrowType[] = job.fields.map(({ type }) => type)
    this.#messages = new FrameMessages(job)
    this.#queue = new RowQueue(types, job.frames)
    this.#filter = new ScanFilter(job.terms ?? [], job.rowFilterTerms)
    this.#top = job.top && new TopRows(types, job.top)
    this.#shared = new SharedReads(parts)
    this.#rowsLeft = job.rowLimit
  }

  /** Fetches a row group, and where its other columns wait for the filter, filters it too. */
  read(piece: ScanPiece, signal: AbortSignal): Promise<FetchedPiece> {
    const { rowLimit } = this.#job
    const decode: ReadParts['decode'] = (...read) => this.#decode(...read)
    const own = { filter: this.#filter, shared: this.#shared, rowLimit, decode }
    return readPiece(piece, { ...this.#parts, ...own }, signal)
  }

  /** Makes frames of one row group; true when no more rows are wanted. */
  async take(fetched: FetchedPiece): Promise<boolean> {
    const { piece } = fetched
    this.#source = piece.source
    this.#parts.receipt.rowGroups++
    this.#parts.receipt.rowsRead += piece.rowCount
    let isTrapped = false
    try {
      const placed = this.#openPlaced(fetched)
      if (placed !== undefined) this.#parts.tellHeld(placed.heldBytes)
      if (placed === undefined) await this.#takeWhole(fetched)
      else await this.#emitPlaced(placed, piece)
    } catch (error) {
      isTrapped = error instanceof DecoderTrap
      throw error
    } finally {
      fetched.release()
      // A row group that broke the decoder is not done: it is looked for.
      if (!isTrapped) this.#parts.parking.leave(this.#parkedBytes, this.#queue.bytes)
      this.#parkedBytes = 0
    }
    return this.#rowsLeft === 0
  }

  #openPlaced({ piece, buffer, early }: FetchedPiece): PlacedFrames | undefined {
    const { plan } = piece
    const { fields, frames, top } = this.#job
    if (plan === undefined || early !== undefined || frames.text !== undefined) return undefined
    // Rows that are held back are not decoded where they are sent from.
    if (top !== undefined) return undefined
    const rows = { piece, plan, buffer, fields, frames }
    return this.#watched(piece, () => PlacedFrames.open(rows, this.#parts))
  }

  /** Frames that are decoded where they are sent from; rows that wait come first. */
  async #emitPlaced(placed: PlacedFrames, piece: ScanPiece): Promise<void> {
    const { emit, memory, nowMs, receipt } = this.#parts
    try {
      await this.#emitFrames(true)
      while (placed.rowsLeft > 0 && this.#rowsLeft > 0) {
        const next = this.#watched(piece, () => placed.next(this.#rowsLeft))
        const startedMs = nowMs()
        const run = await memory.allocate(next.totalBytes, this.#signal)
        receipt.memoryWaitMs += nowMs() - startedMs
        const frame = this.#written(placed, piece, { next, run })
        if (frame === undefined) continue
        const { rowCount, bodyBytes } = frame
        this.#rowsLeft -= rowCount
        receipt.decodedBytes += bodyBytes
        receipt.frames++
        receipt.frameBytes += bodyBytes
        receipt.rowsReturned += rowCount
        emit({ ...frame, run })
      }
    } finally {
      placed.release()
    }
  }

  /** The memory is given back when there is no frame in it. */
  #written(
    placed: PlacedFrames,
    piece: ScanPiece,
    { next, run }: { readonly next: NextFrame; readonly run: MemoryRun },
  ): PlacedFrame | undefined {
    let frame: PlacedFrame | undefined
    try {
      frame = this.#watched(piece, () => placed.write(next, run.bytes))
      return frame
    } finally {
      if (frame === undefined) run.release()
    }
  }

  async #takeWhole(fetched: FetchedPiece): Promise<void> {
    this.#held = await this.#open(fetched)
    try {
      while (this.#queueNext()) await this.#emitFrames(false)
      this.#letGo()
    } finally {
      this.#held.release()
      this.#held = undefined
    }
  }

  finish(): Promise<void> {
    this.#timed('frameMs', () => {
      for (const { columns, rowCount } of this.#top?.finish() ?? [])
        this.#queue.add(columns, rowCount)
    })
    return this.#emitFrames(true)
  }

  async #open(fetched: FetchedPiece): Promise<HeldRows> {
    const { piece, early = [] } = fetched
    const { fields } = this.#job
    const wanted = { piece, fields, filter: this.#filter, rowsMax: this.#rowsLeft }
    const ends = [() => fetched.release()]
    const release = () => ends.splice(0).forEach((end) => end())
    if (piece.plan === undefined) {
      return {
        rest: castRows({ ...wanted, decoded: early }),
        bytes: 0,
        hasTurn: () => false,
        release,
      }
    }
    try {
      ends.unshift(await this.#parts.turn.acquire(this.#signal))
      const decoded = this.#decode(piece, piece.plan, fetched.buffer)
      ends.unshift(() => decoded.release())
      const bytes = decoded.columns.reduce((sum, column) => sum + columnBytes(column), 0)
      this.#parts.receipt.decodedBytes += bytes
      const rest = castRows({ ...wanted, decoded: [...early, ...decoded.columns] })
      return { rest, bytes, hasTurn: () => ends.length > 0, release }
    } catch (error) {
      release()
      throw error
    }
  }

  #decode(piece: ScanPiece, plan: RowGroupPlan, buffer: Uint8Array): DecodedRowGroup {
    const decoded = this.#watched(piece, () => this.#parts.decoder.decode(plan, buffer))
    if (decoded.rowCount !== piece.rowCount) {
      decoded.release()
      throw new GatewayError(
        'unreadable_file',
        `${piece.source} holds ${decoded.rowCount} rows where its footer says ${piece.rowCount}`,
      )
    }
    return decoded
  }

  /** What the decoder does is timed and watched; after a trap it is out of order. */
  #watched<T>(piece: ScanPiece, work: () => T): T {
    const { watchDecode } = this.#parts
    return this.#timed('decodeMs', () => {
      watchDecode(piece)
      try {
        return work()
      } catch (error) {
        if (error instanceof GatewayError) throw error
        this.#parts.turn.close()
        throw new DecoderTrap(piece.source, error)
      } finally {
        watchDecode(undefined)
      }
    })
  }

  /** Moves the next rows of the row group to the queue; false when there are no more. */
  #queueNext(): boolean {
    return this.#timed('frameMs', () => {
      const next = this.#held?.rest.next()
      if (next === undefined || next.done === true) return false
      for (const { columns, rowCount } of this.#top?.add(next.value) ?? [next.value]) {
        this.#queue.add(columns, rowCount)
      }
      this.#rowsLeft -= next.value.rowCount
      return true
    })
  }

  /** Copies what is not written yet and hands the decoder on. */
  #letGo(): void {
    while (this.#queueNext());
    this.#timed('frameMs', () => this.#queue.detach())
    this.#held?.release()
  }

  async #emitFrames(isEnd: boolean): Promise<void> {
    for (let rows = this.#queue.take(isEnd); rows !== undefined; rows = this.#queue.take(isEnd)) {
      await this.#emitFrame(rows)
    }
  }

  async #emitFrame(rows: readonly BatchPiece[]): Promise<void> {
    const ready = this.#timed('frameMs', () => this.#messages.ready(rows, this.#source))
    let { rows: left } = ready
    for (const planned of ready.dictionaries) {
      const { run, rows: now } = await this.#findRoom(planned, left)
      this.#emit(planned, run)
      left = now
    }
    const planned = this.#plan(left)
    const { run, rows: now } = await this.#findRoom(planned, left)
    this.#emit(now === left ? planned : this.#plan(now), run)
  }

  #plan(rows: readonly BatchPiece[]): PlannedFrame {
    return this.#timed('frameMs', () => this.#messages.plan(rows, this.#source))
  }

  #emit({ message, rowCount, bodyBytes }: PlannedFrame, run: MemoryRun): void {
    const { emit, receipt } = this.#parts
    receipt.frames++
    receipt.frameBytes += bodyBytes
    receipt.rowsReturned += rowCount
    const written = this.#timed('frameMs', () => message.write(run.bytes))
    emit({ message: written, run, rowCount, bodyBytes })
  }

  /**
   * Waits for memory; not with the decoder in hand when another scan wants it and the rows can be parked. The rows are
   * the same, or copies that were made meanwhile.
   */
  async #findRoom(
    { message }: PlannedFrame,
    rows: readonly BatchPiece[],
  ): Promise<{ run: MemoryRun; rows: readonly BatchPiece[] }> {
    const { memory, nowMs, receipt, turn } = this.#parts
    const startedMs = nowMs()
    const room = memory.allocate(message.totalBytes, this.#signal)
    let left = rows
    try {
      const mustWait =
        this.#held?.hasTurn() === true &&
        !(await Promise.race([room.then(() => true), turn.wanted()]))
      if (mustWait && this.#park()) {
        const count = rows.reduce((sum, piece) => sum + piece.count, 0)
        left = [{ columns: ownRows(this.#messages.types, rows), start: 0, count }]
        this.#letGo()
      }
    } catch (error) {
      room.then(
        (run) => run.release(),
        () => {},
      )
      throw error
    }
    const run = await room
    receipt.memoryWaitMs += nowMs() - startedMs
    return { run, rows: left }
  }

  /** True when there is room for the rows that are not written yet. */
  #park(): boolean {
    const bytes = this.#held?.bytes ?? 0
    if (!this.#parts.parking.tryPark(bytes)) return false
    this.#parkedBytes = bytes
    return true
  }

  #timed<T>(stage: 'decodeMs' | 'frameMs', work: () => T): T {
    const startedMs = this.#parts.nowMs()
    try {
      return work()
    } finally {
      this.#parts.receipt[stage] += this.#parts.nowMs() - startedMs
    }
  }
}
