import type { DecodedRowGroup, RowGroupPlan } from '../decode/decoder.ts'
import type { DecoderTurn } from './decoder-turn.ts'
import type { FetchParts } from './fetch-row-group.ts'
import type { ScanFilter } from './filter-rows.ts'
import type { ScanPiece } from './scan-job.ts'

/** What a piece is read with when its filter columns may be asked before the others. */
export interface ReadParts extends FetchParts {
  readonly turn: DecoderTurn
  readonly filter: ScanFilter
  /** Of rows that match. */
  readonly rowLimit: number
  readonly decode: (piece: ScanPiece, plan: RowGroupPlan, buffer: Uint8Array) => DecodedRowGroup
}
