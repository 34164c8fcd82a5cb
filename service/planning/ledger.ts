import type { SkippedCounts } from '../catalog/data-files.ts'

/**
 * What planning saw, kept and dropped, and why. Listing is counted on a plan's first page only, so the ledgers
 * of all pages add up to the plan's.
 */
export const ledgerCounts = [
  /** Objects below the table's folder that are no data: name or folder begins with `_` or `.`… */
  'skippedHidden',
  /** …no bytes… */
  'skippedEmpty',
  /** …a suffix of something else… */
  'skippedOtherSuffix',
  /** …no suffix and no magic at the end… */
  'skippedNotParquet',
  /** …or they lie in folders that the table's partitions, as declared, do not have. */
  'skippedUndeclared',
  /** Partition folders that were not even listed. */
  'foldersDroppedByPartition',
  /** Data files that came after the plan was begun. */
  'filesLater',
  /** Dropped before their footer was read. */
  'filesDroppedByPartition',
  'filesDroppedByStatistics',
  'filesWithoutRows',
  'filesKept',
  'rowGroupsDroppedByStatistics',
  'rowGroupsWithoutRows',
  'rowGroupsKept',
  'rowsDroppedByStatistics',
  'rowsKept',
  /** Sizes of files as objects. */
  'fileBytesDropped',
  'fileBytesKept',
  /** What the row groups that were kept decode to, roughly. */
  'decodedBytesKept',
  'splits',
  'ticketBytes',
] as const
export type LedgerCount = (typeof ledgerCounts)[number]
export type Ledger = Readonly<Record<LedgerCount, number>>

export const emptyLedger: Ledger = Object.freeze(
  Object.fromEntries(ledgerCounts.map((count) => [count, 0])) as Record<LedgerCount, number>,
)

export function addLedgers(left: Ledger, right: Partial<Ledger>): Ledger {
  const sum: Record<LedgerCount, number> = { ...left }
  for (const count of ledgerCounts) sum[count] += right[count] ?? 0
  return sum
}

export function skippedInLedger(skipped: SkippedCounts): Partial<Ledger> {
  return {
    skippedHidden: skipped.hidden,
    skippedEmpty: skipped.empty,
    skippedOtherSuffix: skipped.other_suffix,
    skippedNotParquet: skipped.not_parquet,
    skippedUndeclared: skipped.undeclared,
  }
}
