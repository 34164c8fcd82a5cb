import type { TextFormat } from '../arrow/row-text.ts'

/**
 * One Arrow record batch, framed for a wire, in memory that is lent until `release`; or a dictionary, of no rows, which
 * the batches behind it refer to.
 */
export interface Frame {
  /**
   * A gRPC message of FlightData: five bytes of prefix, then `data_header` (field 2) and `data_body`
   * (field 1000), ready for the socket. Of a text format: lines of text.
   */
  readonly message: Uint8Array
  readonly rowCount: number
  /** Bytes of the record batch's body. */
  readonly bodyBytes: number
  /** Gives the memory back; may be called twice. */
  release(): void
}

/** How rows are cut into frames. */
export interface FrameLimits {
  /** A frame is closed when its body reaches this many bytes… */
  readonly bodyBytesTarget: number
  /** …and never passes this many; a single row above it is `too_large`. */
  readonly bodyBytesMax: number
  readonly rowsMax: number
  /** Frames are lines of this text, without its head; absent: record batches. */
  readonly text?: TextFormat
  /**
   * Columns of utf8 or binary, ascending, whose values are sent once in a dictionary, and then as int32 indexes. Not with
   * a text format. Absent: none.
   */
  readonly dictionaries?: readonly number[]
}
