import type { ArrowType } from './arrow-type.ts'

/**
 * One decoded column in Arrow's memory layout. Buffers are views: over a decoder's memory (valid until
 * the row group is released) or over memory of the column's own. Nobody writes through them.
 *
 * Logical row `i` lives at physical position `offset + i` of validity, fixed-width values and offsets,
 * as in Arrow's C data interface. A struct's or list's children have offsets of their own.
 */
export interface Column {
  readonly type: ArrowType
  readonly rowCount: number
  /** First physical row. */
  readonly offset: number
  /** Exact number of nulls among the `rowCount` logical rows. */
  readonly nullCount: number
  /** Bitmap, least significant bit first, 1 = present; null when there are no nulls. */
  readonly validity: Uint8Array | null
  /** Fixed-width values, bits of booleans, or the bytes of utf8 and binary; null for nested and null types. */
  readonly values: Uint8Array | null
  /** Bytes of the int32 (int64 for large_*) offsets, one more than there are physical rows; null for fixed-width types. */
  readonly offsets: Uint8Array | null
  /** Children of list, struct, map (one struct child of key and value); for a dictionary its values, as one child. */
  readonly children: readonly Column[]
}
