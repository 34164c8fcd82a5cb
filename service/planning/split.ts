import type { Field } from '../arrow/arrow-type.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { Predicate } from '../predicate/predicate.ts'

/** Row groups `start` to `end` (exclusive) of one version of one file. */
export interface SplitFile {
  readonly key: string
  readonly etag: string
  readonly sizeBytes: number
  readonly versionId?: string
  readonly rowGroups: { readonly start: number; readonly end: number }
}

/**
 * What a reader gets of a split, settled when it was planned, so that every split of a plan answers alike: the door's
 * own types, the filter as it was understood.
 */
export interface SplitRead {
  /** In the order of the answer; those of folders are known by the split's partition columns. */
  readonly columns: readonly Field[]
  /** Absent: all rows. */
  readonly predicate?: Predicate
  /** No more rows than this, of those that match. */
  readonly rowLimit?: number
}

/**
 * A piece of a table that one reader takes: whole row groups of pinned file versions, in key order.
 * Self-contained: a gateway that never saw the plan can read it.
 */
export interface Split {
  readonly table: TableName
  readonly bucket: string
  /** The table's folder, with `/` at the end; every key begins with it. */
  readonly prefix: string
  readonly files: readonly SplitFile[]
  /** Names of the partition columns (keys of `key=value` folders), as the table has them. */
  readonly partitionColumns: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expiresMs: number
  /** Absent, as in Athena's: whoever reads it says what it wants. */
  readonly read?: SplitRead
}
