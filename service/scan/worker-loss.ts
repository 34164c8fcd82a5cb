import type { ScanPiece } from './scan-job.ts'
import type { WorkerEnd } from './quarantine.ts'

/** What a run in a worker ends with when the worker is gone. It stays within this room: the pool knows what to do. */
export class WorkerLoss extends Error {
  readonly how: WorkerEnd
  /** The row group of this run that was being decoded. */
  readonly piece: ScanPiece | undefined

  constructor(how: WorkerEnd, piece: ScanPiece | undefined, cause: unknown) {
    super('the worker is gone', { cause })
    this.name = 'WorkerLoss'
    this.how = how
    this.piece = piece
  }
}
