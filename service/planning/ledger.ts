import type { SkippedCounts } from '../catalog/data-files.ts'
import type { StoreTally } from '../objects/store-tally.ts'

/**
 * What planning saw, kept and dropped, and why, and what it cost. What listing saw is counted on a plan's first page
 * only, so the ledgers of all pages add up to the plan's.
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
  /** Requests that planning sent to the store, retries included, and bytes of their answers: listings… */
  'listRequests',
  'listBytes',
  /** …ends of files… */
  'footerRequests',
  'footerBytes',
  /** …page indexes, bloom filters and dictionaries… */
  'indexRequests',
  'indexBytes',
  /** …option files, and the last bytes of objects without suffix. */
  'otherRequests',
  'otherBytes',
] as const
export type LedgerCount = (typeof ledgerCounts)[number]

export interface Ledger extends Readonly<Record<LedgerCount, number>> {
  /** What of the caller's conditions is left to the caller, each named once. */
  readonly notApplied: readonly string[]
}

export const emptyLedger: Ledger = Object.freeze({
  ...(Object.fromEntries(ledgerCounts.map((count) => [count, 0])) as Record<LedgerCount, number>),
  notApplied: [],
})

export function addLedgers(left: Ledger, right: Partial<Ledger>): Ledger {
  const { notApplied, ...counts } = right
  const sum: { -readonly [Member in keyof Ledger]: Ledger[Member] } = { ...left }
  // Most are of few counts, and there is one for each row group.
  for (const count of Object.keys(counts) as LedgerCount[]) sum[count] += counts[count] ?? 0
  if (notApplied) sum.notApplied = [...new Set([...left.notApplied, ...notApplied])]
  return sum
}

export function tallyInLedger({ requests, bytes }: StoreTally): Partial<Ledger> {
  return {
    listRequests: requests.list,
    listBytes: bytes.list,
    footerRequests: requests.footer,
    footerBytes: bytes.footer,
    indexRequests: requests.index,
    indexBytes: bytes.index,
    otherRequests: requests.other,
    otherBytes: bytes.other,
  }
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
