import type { Decoder } from '../decode/decoder.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { DecoderTrap, trapError } from './decoder-trap.ts'
import { DecoderRooms } from './decoder-rooms.ts'
import { DecoderTurn } from './decoder-turn.ts'
import type { Frame } from './frame.ts'
import { withFrameCredits } from './frame-credits.ts'
import { FrameMemory } from './frame-memory.ts'
import { Inbox } from './inbox.ts'
import { ParkingSpace } from './parking-space.ts'
import { ReadBuffers } from './read-buffers.ts'
import type { ScanJob, ScanPiece, ScanRun, ScanRunner } from './scan-job.ts'
import { type ScanLimits, scanLimits } from './scan-limits.ts'
import { emptyReceipt } from './scan-receipt.ts'
import type { WorkerMemory } from './worker-memory.ts'
import { runScanTask, type TaskParts, type WrittenFrame } from './scan-task.ts'

export interface InProcessParts {
  readonly store: ObjectStore
  readonly decoder: Decoder
  readonly nowMs: () => number
  readonly limits?: Partial<ScanLimits>
  /** Of these limits, and that of the decoder: then it can decode where frames are sent from. */
  readonly memory?: WorkerMemory
}

/** Runs scans where it stands, without a worker: for tests and for one-shot commands. Decoding blocks everything. */
export class InProcessRunner implements ScanRunner {
  readonly memory: FrameMemory
  readonly #parts: Omit<TaskParts, 'memory' | 'receipt' | 'emit'>
  readonly #limits: ScanLimits

  constructor({ store, decoder, nowMs, limits = {}, memory }: InProcessParts) {
    this.#limits = { ...scanLimits, ...limits }
    const buffer = memory?.memory.buffer ?? new SharedArrayBuffer(this.#limits.memoryBytes)
    this.memory = new FrameMemory(buffer, memory?.frames)
    const buffers = memory && { buffer, place: memory.buffers }
    this.#parts = {
      store,
      decoder,
      nowMs,
      turn: new DecoderTurn(),
      parking: new ParkingSpace(this.#limits.parkedBytesMax),
      buffers: new ReadBuffers(this.#limits.bufferBytesKept, buffers),
      ...(memory && { rooms: new DecoderRooms(buffer, memory.rooms) }),
      readAhead: this.#limits.readAhead,
      watchDecode() {},
      tellHeld() {},
    }
  }

  run(job: ScanJob, pieces: AsyncIterable<ScanPiece>, signal: AbortSignal): ScanRun {
    const receipt = emptyReceipt()
    const memory = withFrameCredits(this.memory, this.#limits.framesOutstandingMax)
    const parts = { ...this.#parts, memory, receipt }
    return { receipt, frames: framesOf(job, pieces, parts, signal) }
  }
}

async function* framesOf(
  job: ScanJob,
  pieces: AsyncIterable<ScanPiece>,
  parts: Omit<TaskParts, 'emit'>,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, undefined> {
  const left = new AbortController()
  const frames = new Inbox<WrittenFrame>()
  const emit = (frame: WrittenFrame) => frames.push(frame)
  const both = AbortSignal.any([signal, left.signal])
  const done = runScanTask(job, pieces, { ...parts, emit }, both).then(
    () => frames.end(),
    (error: unknown) => release(frames.fail(known(error))),
  )
  try {
    for await (const { message, run, rowCount, bodyBytes } of frames) {
      yield { message, rowCount, bodyBytes, release: () => run.release() }
    }
  } finally {
    left.abort()
    await done
    release(frames.fail(undefined))
  }
}

function release(unread: readonly WrittenFrame[]): void {
  for (const { run } of unread) run.release()
}

function known(error: unknown): unknown {
  return error instanceof DecoderTrap ? trapError(error.source, error.cause) : error
}
