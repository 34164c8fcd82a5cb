import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import type { ConstantValue } from '../arrow/make-column.ts'
import type { ChunkPlan } from '../decode/chunk-plan.ts'
import type { RowGroupPlan } from '../decode/decoder.ts'
import type { RowGroupLayout } from '../decode/row-group-layout.ts'
import type { RowRange } from '../decode/row-selection.ts'
import type { StoreSession } from '../credentials/store-sessions.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Frame, FrameLimits } from './frame.ts'
import type { ScanReceipt } from './scan-receipt.ts'

/** What a runner is told once: the shape of the answer. Plain data. */
export interface ScanJob {
  readonly fields: readonly Field[]
  readonly frames: FrameLimits
  /** Terms that must all be true of a row; each piece says which of them have to be asked there. Absent: none. */
  readonly terms?: readonly Predicate[]
  /** The first so many terms say which rows exist: see `rowFilter` of the request. Absent: none. */
  readonly rowFilterTerms?: number
  /** Of rows that match. `Infinity` when there is none. */
  readonly rowLimit: number
  /** Only rows that may be among the first of those that match; the limit is `Infinity` then. */
  readonly top?: TopOrder
  /** On whose behalf workers read; absent: on the gateway's own. */
  readonly session?: StoreSession
}

/** How many rows are wanted in which order. */
export interface TopOrder {
  readonly keys: readonly TopKey[]
  /** At least 1. */
  readonly rows: number
}

export interface TopKey {
  /** Among the job's fields. */
  readonly index: number
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** Where a column of the answer comes from in one file. */
export type ColumnSource =
  | { readonly kind: 'decoded'; /** Among the plan's columns. */ readonly index: number }
  | { readonly kind: 'constant'; readonly value: ConstantValue }

/** A column that the filter looks at. */
export interface FilterColumn {
  /** As the terms name it. */
  readonly column: string
  readonly path?: readonly string[]
  readonly type: ArrowType
  readonly source: ColumnSource
  /** Places of a field inside the source's structs, the outermost first. Absent: the source itself. */
  readonly inside?: readonly number[]
  /** The type of a constant. */
  readonly constantType: ArrowType
}

/** What has to be asked of each row of a piece. */
export interface PieceFilter {
  /** Indexes of the job's terms, ascending. */
  readonly terms: readonly number[]
  readonly columns: readonly FilterColumn[]
}

/** One row group to be read. Plain data. */
export interface ScanPiece {
  readonly object: ObjectVersion
  /** Names file and row group in errors: `bucket/key, row group 3`. */
  readonly source: string
  readonly rowCount: number
  /** Absent when no column comes from the file: nothing is read then. */
  readonly plan?: RowGroupPlan
  /** One for each of the job's fields. */
  readonly columns: readonly ColumnSource[]
  /** Absent: all rows match. */
  readonly filter?: PieceFilter
  /** Reads that the plan's are parts of, shared with row groups beside it. Absent: it reads for itself. */
  readonly shared?: SharedRuns
  /** What the plan reads, when it is here already. */
  readonly atHand?: BytesAtHand
  /** Dictionaries that are asked first, whether a row can match. */
  readonly dictionaries?: readonly DictionaryProbe[]
  /** Columns that wait for the filter: the plan is then of those that it looks at. */
  readonly late?: LateColumns
}

/** Bytes of a file. */
export interface BytesAtHand {
  /** Where they stand in the file. */
  readonly start: number
  readonly bytes: Uint8Array
  /** The store is asked whether the file is still the same: by its first piece, unless the bytes are fresh. */
  readonly isAsked: boolean
}

/** A dictionary that holds all values of a column of the piece. */
export interface DictionaryProbe {
  /** Its places are still to be found. */
  readonly chunk: ChunkPlan
  /** Of the dictionary page, header and all. */
  readonly range: ByteRange
  /** Terms that ask of this column alone; its source is the only one decoded. */
  readonly filter: PieceFilter
}

/** Runs of bytes of a file that several pieces, one after the other, are read from. */
export interface SharedRuns {
  /** Where the first run of all these pieces begins. */
  readonly start: number
  /** Those that this piece is read from. */
  readonly runs: readonly ByteRange[]
  /** What lies between their plans' reads; 0 for all but the first piece. */
  readonly wastedBytes: number
}

/** Columns of which only rows that the filter leaves are read. Plain data. */
export interface LateColumns {
  readonly layout: RowGroupLayout
  /** The rows of the piece; absent: all of the row group. */
  readonly rows?: readonly RowRange[]
  /** Of the plan's columns, those of which the answer is made too. */
  readonly early: readonly number[]
  /** One for each of the job's fields: among the early columns, then the layout's. */
  readonly columns: readonly ColumnSource[]
  /** When all rows are left. */
  readonly bufferBytesMax: number
  readonly decodedBytesMax: number
}

/** A scan under way. */
export interface ScanRun {
  /**
   * The frames in order, to be consumed once. Leaving the loop early ends the scan.
   *
   * @throws {GatewayError} what went wrong first; frames before it are good.
   */
  readonly frames: AsyncIterable<Frame>
  readonly receipt: ScanReceipt
}

/** Reads pieces and makes frames of them, here or in a worker. */
export interface ScanRunner {
  run(job: ScanJob, pieces: AsyncIterable<ScanPiece>, signal: AbortSignal): ScanRun
}
