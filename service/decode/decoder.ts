import type { Column } from '../arrow/column.ts'
import type { ByteRange } from '../objects/byte-range.ts'

/** A run of bytes to fetch and where it lies in the row group's buffer. */
export interface FetchRange extends ByteRange {
  /** Offset of the run's first byte in the buffer. */
  readonly at: number
}

/**
 * All a decoder needs to know about one row group and the wanted columns: plain data, made from the footer
 * on the main thread, executed in a worker. The buffer holds the fetched runs and what the plan brings itself.
 */
export interface RowGroupPlan {
  /** Names file and row group in errors: `bucket/key, row group 3`. */
  readonly source: string
  readonly rowCount: number
  /** Names of the top-level columns that come out, in this order (the file's). */
  readonly columnNames: readonly string[]
  readonly fetches: readonly FetchRange[]
  /** Size of the buffer that holds the fetched runs and the tail. */
  readonly bufferBytes: number
  /** Bytes to be put at `tailAt`: the footer of a small file that holds just this row group. */
  readonly tail: Uint8Array
  readonly tailAt: number
  /** Estimate of the Arrow bytes that come out. */
  readonly decodedBytesEstimate: number
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
}
