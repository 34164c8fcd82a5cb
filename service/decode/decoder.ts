import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import type { ChunkPlan, FetchRange } from './chunk-plan.ts'
import type { ColumnPlan } from './nested-plan.ts'
import type { RowRange } from './row-selection.ts'

/**
 * All a decoder needs to know about one row group and the wanted columns: plain data, made from the footer
 * on the main thread, executed in a worker. The buffer holds the fetched runs and what the plan brings itself.
 */
export interface RowGroupPlan {
  /** Names file and row group in errors: `bucket/key, row group 3`. */
  readonly source: string
  /** Of the row group, whatever the selection. */
  readonly rowCount: number
  /** Absent: all rows come out. */
  readonly selection?: PlanSelection
  /** Names of the top-level columns that come out, in this order (the file's). */
  readonly columnNames: readonly string[]
  readonly fetches: readonly FetchRange[]
  /** Bytes of them that are between what is wanted. */
  readonly wastedBytes: number
  /** Size of the buffer that holds the fetched runs and the tail. */
  readonly bufferBytes: number
  /** Bytes to be put at `tailAt`: the footer of a small file of the chunks that are there whole. */
  readonly tail: Uint8Array
  readonly tailAt: number
  /** Estimate of the Arrow bytes that come out. */
  readonly decodedBytesEstimate: number
}

/** The rows of a row group that are wanted, and of which columns only pages that hold such are fetched. */
export interface PlanSelection {
  /** Ascending, without overlaps, none empty. */
  readonly rows: readonly RowRange[]
  /** For each column its chunk with its pages; null: the chunk is there whole, in the small file of the tail. */
  readonly chunks: readonly (ChunkPlan | null)[]
}

/**
 * A plan of which the kernels decode some columns. Those without a chunk here are in the small file of the plan's
 * tail, which holds no others.
 */
export interface ChunkedPlan extends RowGroupPlan {
  readonly chunks: readonly ColumnPlan[]
}

/** A decoded row group. Its columns are views of the decoder's memory until `release`. */
export interface DecodedRowGroup {
  readonly rowCount: number
  /** In the order of the plan's `columnNames`. */
  readonly columns: readonly Column[]
  release(): void
}

/**
 * Turns the bytes of one row group into columns. Synchronous: it runs in a worker.
 *
 * @throws {GatewayError} `unreadable_file` the bytes are not what the footer says; `unsupported` legal, but not
 *   done here; `too_large` the output passes the budget. Anything else (a trap) means that the decoder must
 *   not be used again.
 */
export interface Decoder {
  decode(plan: RowGroupPlan, buffer: Uint8Array): DecodedRowGroup
  /**
   * Opens a row group that is decoded some rows at a time. The buffer stays as it is until the last of them. Undefined
   * when some columns can only be decoded whole, or there is no room.
   *
   * @param takeRoom finds room for so many bytes in the memory that the decoder shares with the caller
   * @throws {GatewayError} as `decode`.
   */
  readonly open?: (
    plan: RowGroupPlan,
    buffer: Uint8Array,
    takeRoom: TakeRoom,
  ) => RowReader | undefined
}

/** Room that nobody else uses until the reader is done with; it may hold anything. */
export type TakeRoom = (lengthBytes: number) => Uint8Array | undefined

/** A row group that is open. One column is as far as the other only where the caller sees to it. */
export interface RowReader {
  readonly rowCount: number
  /** In the order of the plan's `columnNames`. */
  readonly columns: readonly ColumnReader[]
}

/** A column of it. */
export interface ColumnReader {
  readonly type: ArrowType
  /** About how many bytes the next rows take, padding included; exact but for text and binary. */
  estimateBytes(rowCount: number): number
  /**
   * Decodes the next rows to the beginning of `target`, which is memory shared with the decoder and begins and ends at
   * multiples of 64. Buffers lie in Arrow's order at multiples of 64; all bytes up to `lengthBytes` are written.
   *
   * @throws {GatewayError} as `Decoder.decode`; `too_large` the target is too small. Then, or after any other error,
   *   the column must be told where to go on.
   */
  read(
    rowCount: number,
    target: Uint8Array,
  ): { readonly column: Column; readonly lengthBytes: number }
  /** Goes to a row, forwards or back. @throws as `read`. */
  seek(row: number): void
}
