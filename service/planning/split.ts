import type { TableName } from '../catalog/table-name.ts'

/** Row groups `start` to `end` (exclusive) of one version of one file. */
export interface SplitFile {
  readonly key: string
  readonly etag: string
  readonly sizeBytes: number
  readonly versionId?: string
  readonly rowGroups: { readonly start: number; readonly end: number }
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
}
