import type { DecoderEngine } from '../decode/decoder-engine.ts'
import type { PlainError } from './plain-error.ts'
import type { ScanJob, ScanPiece } from './scan-job.ts'
import type { ScanLimits } from './scan-limits.ts'
import type { ScanReceipt } from './scan-receipt.ts'
import type { StoreConnection } from '../objects/open-store.ts'
import type { PlainCredentials } from './worker-credentials.ts'
import type { WorkerMemory } from './worker-memory.ts'

/** Bytes of {@link WorkerStart.decoding}. */
export const DECODING_BYTES = 12

/** What a worker is born with. */
export interface WorkerStart {
  readonly connection: StoreConnection
  readonly decoder: DecoderEngine
  readonly limits: ScanLimits
  /** Where it works, and writes its frames. */
  readonly memory: WorkerMemory
  /**
   * Three int32 that outlive the worker: the scan whose row group it is decoding (0: none), the number of that row
   * group among those of the scan that are decoded, and how many times it has begun to decode.
   */
  readonly decoding: SharedArrayBuffer
}

/** What the main thread tells a worker. */
export type ToWorker =
  | { readonly type: 'scan'; readonly scanId: number; readonly job: ScanJob }
  | { readonly type: 'piece'; readonly scanId: number; readonly piece: ScanPiece }
  | { readonly type: 'pieces_end'; readonly scanId: number }
  | { readonly type: 'release'; readonly scanId: number; readonly frameId: number }
  | { readonly type: 'cancel'; readonly scanId: number }
  | {
      readonly type: 'credentials'
      readonly askId: number
      readonly answer: PlainCredentials | { readonly error: PlainError }
    }

/** What a worker tells the main thread. */
export type FromWorker =
  | { readonly type: 'ready' }
  /** There is room for one more piece. */
  | { readonly type: 'piece_taken'; readonly scanId: number }
  /** What the oldest row group takes, less than was reserved for it. */
  | { readonly type: 'piece_held'; readonly scanId: number; readonly bytes: number }
  /** All rows of the oldest row group are written, its memory is free. */
  /** Its rows are written, but for some that wait for others to fill a frame with. */
  | { readonly type: 'piece_done'; readonly scanId: number; readonly queuedBytes: number }
  | {
      readonly type: 'frame'
      readonly scanId: number
      readonly frameId: number
      /** In the worker's memory. */
      readonly offset: number
      readonly lengthBytes: number
      readonly rowCount: number
      readonly bodyBytes: number
    }
  /** The last message of a scan. */
  | {
      readonly type: 'ended'
      readonly scanId: number
      readonly receipt: ScanReceipt
      /** Memory of the decoders, which never gets smaller. */
      readonly heldBytes: number
      readonly error?: PlainError
    }
  /** The decoder is not to be trusted any more; the worker ends itself after this. */
  | {
      readonly type: 'trapped'
      readonly scanId: number
      readonly source: string
      readonly cause: string
    }
  | {
      readonly type: 'ask_credentials'
      readonly askId: number
      readonly isRefused: boolean
      /** Of a session, which a scan that is open has; absent: the gateway's own. */
      readonly session?: string
    }
