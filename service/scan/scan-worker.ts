import assert from 'node:assert'
import { inspect } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'
import { parquetWasmDecoder } from '../decode/parquet-wasm-decoder.ts'
import { DecoderTrap } from './decoder-trap.ts'
import { DecoderTurn } from './decoder-turn.ts'
import { withFrameCredits } from './frame-credits.ts'
import { FrameMemory, type MemoryRun } from './frame-memory.ts'
import { Inbox } from './inbox.ts'
import { fromPlainError, toPlainError } from './plain-error.ts'
import { ReadBuffers } from './read-buffers.ts'
import type { ScanJob, ScanPiece } from './scan-job.ts'
import { emptyReceipt } from './scan-receipt.ts'
import { runScanTask } from './scan-task.ts'
import { openStore } from './store-connection.ts'
import { askedCredentials, type PlainCredentials } from './worker-credentials.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts'

// The door of a worker thread: messages in, messages out, frames in shared memory.

assert(parentPort !== null, 'this is the entry of a worker thread')
const port = parentPort
const { connection, limits, memory, decoding } = workerData as WorkerStart
const decodingNow = new Int32Array(decoding)
const frameMemory = new FrameMemory(memory)
const tell = (message: FromWorker): void => port.postMessage(message)
const nowMs = (): number => performance.now()

/** Questions for credentials that have no answer yet. */
const asked = new Map<number, (answer: CredentialsAnswer) => void>()
let lastAskId = 0
type CredentialsAnswer = Extract<ToWorker, { type: 'credentials' }>['answer']

function askCredentials(isRefused: boolean): Promise<PlainCredentials> {
  const askId = ++lastAskId
  tell({ type: 'ask_credentials', askId, isRefused })
  return new Promise((resolve, reject) => {
    asked.set(askId, (answer) =>
      'error' in answer ? reject(fromPlainError(answer.error)) : resolve(answer),
    )
  })
}

const shared = {
  store: openStore(connection, askedCredentials({ ask: askCredentials, nowMs })),
  decoder: parquetWasmDecoder(),
  turn: new DecoderTurn(),
  buffers: new ReadBuffers(limits.bufferBytesKept),
  readAhead: limits.readAhead,
  nowMs,
}

interface WorkerScan {
  readonly pieces: Inbox<ScanPiece>
  readonly cancel: AbortController
  /** Frames that were told and not given back. */
  readonly runs: Map<number, MemoryRun>
  isEnded: boolean
}

const scans = new Map<number, WorkerScan>()

function startScan(scanId: number, job: ScanJob): void {
  const scan: WorkerScan = {
    pieces: new Inbox(),
    cancel: new AbortController(),
    runs: new Map(),
    isEnded: false,
  }
  scans.set(scanId, scan)
  const receipt = emptyReceipt()
  let frameId = 0
  let decodedCount = 0
  const parts = {
    ...shared,
    receipt,
    memory: withFrameCredits(frameMemory, limits.framesOutstandingMax),
    watchDecode(piece: ScanPiece | undefined) {
      Atomics.store(decodingNow, 1, piece === undefined ? 0 : decodedCount++)
      Atomics.store(decodingNow, 0, piece === undefined ? 0 : scanId)
    },
    emit({ message, run, rowCount, bodyBytes }: Parameters<TaskEmit>[0]) {
      scan.runs.set(++frameId, run)
      const place = { offset: message.byteOffset, lengthBytes: message.length }
      tell({ type: 'frame', scanId, frameId, ...place, rowCount, bodyBytes })
    },
  }
  runScanTask(job, takenPieces(scanId, scan), parts, scan.cancel.signal).then(
    () => endScan(scanId, scan, { type: 'ended', scanId, receipt }),
    (reason: unknown) => {
      if (reason instanceof DecoderTrap) endTrapped(reason)
      endScan(scanId, scan, { type: 'ended', scanId, receipt, error: toPlainError(reason) })
    },
  )
}

type TaskEmit = Parameters<typeof runScanTask>[2]['emit']

async function* takenPieces(scanId: number, { pieces }: WorkerScan): AsyncGenerator<ScanPiece> {
  for await (const piece of pieces) {
    tell({ type: 'piece_taken', scanId })
    yield piece
  }
}

function endScan(scanId: number, scan: WorkerScan, end: FromWorker): void {
  scan.isEnded = true
  scan.pieces.end()
  if (scan.runs.size === 0) scans.delete(scanId)
  tell(end)
}

/** The thread ends: whatever the trap left in memory goes with it. */
function endTrapped({ source, cause }: DecoderTrap): never {
  tell({ type: 'trapped', source, cause: inspect(cause) })
  process.exit(1)
}

function releaseFrame(scanId: number, frameId: number): void {
  const scan = scans.get(scanId)
  scan?.runs.get(frameId)?.release()
  scan?.runs.delete(frameId)
  if (scan?.isEnded === true && scan.runs.size === 0) scans.delete(scanId)
}

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'scan':
      return startScan(message.scanId, message.job)
    case 'piece':
      return scans.get(message.scanId)?.pieces.push(message.piece)
    case 'pieces_end':
      return scans.get(message.scanId)?.pieces.end()
    case 'release':
      return releaseFrame(message.scanId, message.frameId)
    case 'cancel': {
      const scan = scans.get(message.scanId)
      scan?.pieces.end()
      return scan?.cancel.abort()
    }
    case 'credentials':
      asked.get(message.askId)?.(message.answer)
      asked.delete(message.askId)
      return
  }
}

port.on('message', receive)
tell({ type: 'ready' })
