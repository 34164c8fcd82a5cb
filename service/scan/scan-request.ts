import type { Field } from '../arrow/arrow-type.ts'
import type { StoreSession } from '../credentials/store-sessions.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Split } from '../planning/split.ts'
import type { FrameLimits } from './frame.ts'

/** One column of the answer: its name and type there, and where its values come from. */
export interface ScanColumn {
  readonly field: Field
  /**
   * A column of the files, found by the field's name (exact, else the only one that differs by case alone; nulls
   * where a file lacks it); or a partition column, found among the split's by this name.
   */
  readonly from:
    | { readonly kind: 'file' }
    | { readonly kind: 'partition'; readonly partition: string }
}

/** What to read of a split, and how to cut it. */
export interface ScanRequest {
  readonly split: Split
  /** In the order of the answer. */
  readonly columns: readonly ScanColumn[]
  readonly frames: FrameLimits
  /** Only rows of which it is true; its columns need not be among those of the answer. Absent: all rows. */
  readonly predicate?: Predicate
  /**
   * Rows of which it is not true do not exist: neither predicate nor order are asked of them, nor do they count for a
   * limit. Absent: all rows exist.
   */
  readonly rowFilter?: Predicate
  /** No more rows than this, of those that match. */
  readonly rowLimit?: number
  /**
   * Of those that match, only rows that may be among the first so many of the split in this order are needed; they
   * come in any order. Where the order is not understood all rows come. Not together with a limit.
   */
  readonly top?: TopRequest
  /** On whose behalf its data is read; absent: on the gateway's own. */
  readonly session?: StoreSession
}

/** The order of an answer: by the first column, where that is equal by the second, and so on. */
export interface TopRequest {
  readonly order: readonly ColumnOrder[]
  readonly rows: number
}

export interface ColumnOrder {
  /** The name of a column of the answer. */
  readonly column: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}
