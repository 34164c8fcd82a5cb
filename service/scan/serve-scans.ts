import { inspect } from 'node:util'
import type { MessagePort } from 'node:worker_threads'
import type { StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { sessionName, type StoreSession } from '../credentials/store-sessions.ts'
import type { ColumnReader, Decoder } from '../decode/decoder.ts'
import { fallbackMemoryBytes } from '../decode/parquet-wasm-decoder.ts'
import { GatewayError } from '../errors.ts'
import { DecoderTrap } from './decoder-trap.ts'
import { DecoderRooms } from './decoder-rooms.ts'
import { DecoderTurn } from './decoder-turn.ts'
import type { EngineTally } from './engine-tally.ts'
import { withFrameCredits } from './frame-credits.ts'
import { FrameMemory } from './frame-memory.ts'
import type { MemoryRun } from './memory-units.ts'
import { Inbox } from './inbox.ts'
import { fromPlainError, toPlainError } from './plain-error.ts'
import { ParkingSpace } from './parking-space.ts'
import { ReadBuffers } from './read-buffers.ts'
import type { ScanJob, ScanPiece } from './scan-job.ts'
import { emptyReceipt, type ScanReceipt } from './scan-receipt.ts'
import { runScanTask, type TaskParts, type WrittenFrame } from './scan-task.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore } from '../objects/open-store.ts'
import { withByteCache } from '../objects/with-byte-cache.ts'
import { sessionStore } from './session-store.ts'
import { askedCredentials, type PlainCredentials } from './worker-credentials.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts'

/** Where a worker's messages come from and go to. */
export type ScanPort = Pick<MessagePort, 'on' | 'postMessage'>

/**
 * Scans for the main thread: messages in, messages out, frames in shared memory.
 *
 * @param tally told by the decoder which engine it uses
 */
export function serveScans(
  port: ScanPort,
  start: WorkerStart,
  decoder: Decoder,
  tally?: EngineTally,
): void {
  const door = new WorkerDoor(port, start, decoder, tally)
  port.on('message', (message: ToWorker) => door.receive(message))
  port.postMessage({ type: 'ready' } satisfies FromWorker)
}

interface WorkerScan {
  readonly pieces: Inbox<ScanPiece>
  /** What is being read, decoded or written, in order. */
  readonly taken: ScanPiece[]
  /** The number of each row group among those that are decoded, by its name. */
  readonly numbers: Map<string, number>
  readonly cancel: AbortController
  /** Frames that were told and not given back. */
  readonly runs: Map<number, MemoryRun>
  isEnded: boolean
}

/** The worker's parking space as one scan has it: tells when a row group is done, all its rows written. */
class ScanParking extends ParkingSpace {
  readonly #shared: ParkingSpace
  readonly #tellDone: (queuedBytes: number) => void

  constructor(shared: ParkingSpace, tellDone: (queuedBytes: number) => void) {
    super(0)
    this.#shared = shared
    this.#tellDone = tellDone
  }

  override tryPark(bytes: number): boolean {
    return this.#shared.tryPark(bytes)
  }

  override leave(bytes: number, queuedBytes: number): void {
    this.#shared.leave(bytes, queuedBytes)
    this.#tellDone(queuedBytes)
  }
}

type ScanEnd = Extract<FromWorker, { type: 'ended' }>
type CredentialsAnswer = Extract<ToWorker, { type: 'credentials' }>['answer']

/** Sessions whose credentials are at hand; another's are asked for again. */
const SESSIONS_MAX = 256

const nowMs = (): number => performance.now()

class WorkerDoor {
  readonly #port: ScanPort
  readonly #start: WorkerStart
  readonly #tally: EngineTally | undefined
  readonly #decoding: Int32Array
  readonly #memory: FrameMemory
  readonly #shared: Omit<TaskParts, 'memory' | 'receipt' | 'emit' | 'watchDecode' | 'tellHeld'>
  readonly #scans = new Map<number, WorkerScan>()
  /** Questions for credentials that have no answer yet. */
  readonly #asked = new Map<number, (answer: CredentialsAnswer) => void>()
  /** Of the sessions whose scans were here last. */
  readonly #sessions = new Map<string, StoreCredentialsSource>()
  #lastAskId = 0
  #isTrapped = false

  constructor(port: ScanPort, start: WorkerStart, decoder: Decoder, tally?: EngineTally) {
    const { connection, limits } = start
    const { memory, frames, buffers, rooms } = start.memory
    const { buffer } = memory
    const ask = (isRefused: boolean) => this.#askCredentials(isRefused)
    this.#port = port
    this.#start = start
    this.#tally = tally
    this.#decoding = new Int32Array(start.decoding)
    this.#memory = new FrameMemory(buffer, frames)
    this.#shared = {
      store: withByteCache(openStore(connection, askedCredentials({ ask, nowMs })), {
        bytesMax: limits.byteCacheBytes,
        rangeBytesMax: limits.byteCacheBytes,
        keep: 'repeated',
      }),
      decoder: this.#watchedDecoder(decoder),
      turn: new DecoderTurn(),
      parking: new ParkingSpace(limits.parkedBytesMax),
      buffers: new ReadBuffers(limits.bufferBytesKept, { buffer, place: buffers }),
      rooms: new DecoderRooms(buffer, rooms),
      readAhead: limits.readAhead,
      nowMs,
    }
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'scan':
        return this.#startScan(message.scanId, message.job)
      case 'piece':
        return this.#takePiece(message.scanId, message.piece)
      case 'pieces_end':
        return this.#scans.get(message.scanId)?.pieces.end()
      case 'release':
        return this.#releaseFrame(message.scanId, message.frameId)
      case 'cancel':
        this.#scans.get(message.scanId)?.pieces.end()
        return this.#scans.get(message.scanId)?.cancel.abort()
      case 'credentials':
        this.#asked.get(message.askId)?.(message.answer)
        this.#asked.delete(message.askId)
    }
  }

  #startScan(scanId: number, job: ScanJob): void {
    const scan: WorkerScan = {
      pieces: new Inbox(),
      taken: [],
      numbers: new Map(),
      cancel: new AbortController(),
      runs: new Map(),
      isEnded: false,
    }
    this.#scans.set(scanId, scan)
    const receipt = emptyReceipt()
    const parts: TaskParts = {
      ...this.#shared,
      store: this.#storeOf(job.session),
      receipt,
      parking: new ScanParking(this.#shared.parking, (queuedBytes) =>
        this.#tellDone(scanId, scan, queuedBytes),
      ),
      memory: withFrameCredits(this.#memory, this.#start.limits.framesOutstandingMax),
      watchDecode: this.#decodeWatch(scanId, scan, receipt),
      tellHeld: (bytes) => this.#tell({ type: 'piece_held', scanId, bytes }),
      emit: this.#frameTeller(scanId, scan),
    }
    runScanTask(job, this.#takenPieces(scanId, scan), parts, scan.cancel.signal).then(
      () => this.#endScan(scan, { scanId, receipt }),
      (reason: unknown) => {
        if (reason instanceof DecoderTrap) this.#endTrapped(scanId, reason)
        this.#endScan(scan, { scanId, receipt, error: toPlainError(reason) })
      },
    )
  }

  #takePiece(scanId: number, piece: ScanPiece): void {
    const scan = this.#scans.get(scanId)
    if (piece.plan !== undefined) scan?.numbers.set(piece.source, scan.numbers.size)
    scan?.pieces.push(piece)
  }

  /** Writes down what is being decoded where the main thread sees it even when this thread is dead. */
  #decodeWatch(
    scanId: number,
    { numbers }: WorkerScan,
    receipt: ScanReceipt,
  ): TaskParts['watchDecode'] {
    return (piece) => {
      if (this.#tally) this.#tally.receipt = piece === undefined ? undefined : receipt
      if (piece !== undefined) {
        Atomics.store(this.#decoding, 1, numbers.get(piece.source) ?? 0)
        Atomics.add(this.#decoding, 2, 1)
      }
      Atomics.store(this.#decoding, 0, piece === undefined ? 0 : scanId)
    }
  }

  #frameTeller(scanId: number, scan: WorkerScan): (frame: WrittenFrame) => void {
    let frameId = 0
    return ({ message, run, rowCount, bodyBytes }) => {
      scan.runs.set(++frameId, run)
      const place = { offset: message.byteOffset, lengthBytes: message.length }
      this.#tell({ type: 'frame', scanId, frameId, ...place, rowCount, bodyBytes })
    }
  }

  async *#takenPieces(scanId: number, { pieces, taken }: WorkerScan): AsyncGenerator<ScanPiece> {
    for await (const piece of pieces) {
      taken.push(piece)
      this.#tell({ type: 'piece_taken', scanId })
      yield piece
    }
  }

  /** After a trap the others in this thread are not ended one by one: they are told of the thread's end. */
  #watchedDecoder(decoder: Decoder): Decoder {
    const watched = <T>(work: () => T): T => {
      try {
        return work()
      } catch (error) {
        this.#isTrapped ||= !(error instanceof GatewayError)
        throw error
      }
    }
    const { open } = decoder
    return {
      decode: (plan, buffer) => watched(() => decoder.decode(plan, buffer)),
      ...(open && {
        open: (plan, buffer, takeRoom) => {
          const reader = watched(() => open(plan, buffer, takeRoom))
          return (
            reader && {
              ...reader,
              columns: reader.columns.map((one) => watchedColumn(one, watched)),
            }
          )
        },
      }),
    }
  }

  /** Row groups are done in the order in which they were taken. */
  #tellDone(scanId: number, { taken }: WorkerScan, queuedBytes: number): void {
    const piece = taken.shift()
    if (piece?.plan !== undefined) this.#tell({ type: 'piece_done', scanId, queuedBytes })
  }

  #endScan(scan: WorkerScan, end: Omit<ScanEnd, 'type' | 'heldBytes'>): void {
    if (this.#isTrapped) return
    scan.isEnded = true
    this.#forget(end.scanId, scan)
    const { memory, whole } = this.#start.memory
    const heldBytes = memory.buffer.byteLength - whole.start + fallbackMemoryBytes()
    this.#tell({ type: 'ended', ...end, heldBytes })
  }

  #releaseFrame(scanId: number, frameId: number): void {
    const scan = this.#scans.get(scanId)
    if (scan === undefined) return
    scan.runs.get(frameId)?.release()
    scan.runs.delete(frameId)
    this.#forget(scanId, scan)
  }

  #forget(scanId: number, { isEnded, runs }: WorkerScan): void {
    if (isEnded && runs.size === 0) this.#scans.delete(scanId)
  }

  /** The thread ends: whatever the trap left in memory goes with it. */
  #endTrapped(scanId: number, { source, cause }: DecoderTrap): never {
    this.#tell({ type: 'trapped', scanId, source, cause: inspect(cause) })
    process.exit(1)
  }

  /** Sockets and cached bytes are everybody's: only the signature differs. */
  #storeOf(session: StoreSession | undefined): ObjectStore {
    const { store } = this.#shared
    return session === undefined ? store : sessionStore(store, this.#credentialsOf(session))
  }

  #credentialsOf(session: StoreSession): StoreCredentialsSource {
    const name = sessionName(session)
    const ask = (isRefused: boolean) => this.#askCredentials(isRefused, name)
    const source = this.#sessions.get(name) ?? askedCredentials({ ask, nowMs })
    this.#sessions.delete(name)
    this.#sessions.set(name, source)
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) break
      this.#sessions.delete(oldest)
    }
    return source
  }

  #askCredentials(isRefused: boolean, session?: string): Promise<PlainCredentials> {
    const askId = ++this.#lastAskId
    const whose = session === undefined ? {} : { session }
    this.#tell({ type: 'ask_credentials', askId, isRefused, ...whose })
    return new Promise((resolve, reject) => {
      this.#asked.set(askId, (answer) =>
        'error' in answer ? reject(fromPlainError(answer.error)) : resolve(answer),
      )
    })
  }

  #tell(message: FromWorker): void {
    this.#port.postMessage(message)
  }
}

function watchedColumn(column: ColumnReader, watched: <T>(work: () => T) => T): ColumnReader {
  return {
    type: column.type,
    estimateBytes: (rowCount) => column.estimateBytes(rowCount),
    read: (rowCount, target) => watched(() => column.read(rowCount, target)),
    seek: (row) => watched(() => column.seek(row)),
  }
}
