import type { PlanPosition } from './continuation.ts'
import type { Ledger } from './ledger.ts'
import { addLedgers, emptyLedger } from './ledger.ts'
import type { FoundFile, PassedFiles } from './plan-files.ts'
import type { KeptRowGroup } from './prune.ts'
import type { FileSum } from './remaining-files.ts'
import { addFile, emptySum } from './remaining-files.ts'

/** How far a page has come, and what it saw until there. A value: each step makes a new one. */
export interface PlanProgress {
  /** Undefined before the first file that may hold matching rows. */
  readonly position: PlanPosition | undefined
  readonly ledger: Ledger
  /** The plan's files that were dealt with; those that their partitions rule out are not the plan's. */
  readonly seen: FileSum
}

export const noProgress: PlanProgress = { position: undefined, ledger: emptyLedger, seen: emptySum }

export function afterPassed(progress: PlanProgress, passed: PassedFiles): PlanProgress {
  const { laterCount, droppedCount, droppedBytes } = passed
  if (laterCount === 0 && droppedCount === 0) return progress
  return {
    position: progress.position,
    ledger: addLedgers(progress.ledger, {
      filesLater: laterCount,
      filesDroppedByPartition: droppedCount,
      fileBytesDropped: droppedBytes,
    }),
    seen: progress.seen,
  }
}

/** A file is counted on the page that begins with it. */
export function afterFileBegun(progress: PlanProgress, found: FoundFile): PlanProgress {
  const { object, pruned, groupStart } = found
  if (groupStart > 0) return progress
  const isKept = pruned.kept.length > 0
  const isEmpty = !isKept && pruned.rowGroupsDropped === 0
  return {
    position: { afterKey: object.key },
    ledger: addLedgers(progress.ledger, {
      filesKept: isKept ? 1 : 0,
      filesWithoutRows: isEmpty ? 1 : 0,
      filesDroppedByStatistics: isKept || isEmpty ? 0 : 1,
      fileBytesKept: isKept ? object.sizeBytes : 0,
      fileBytesDropped: isKept ? 0 : object.sizeBytes,
      rowGroupsDroppedByStatistics: pruned.rowGroupsDropped,
      rowGroupsWithoutRows: pruned.rowGroupsWithoutRows,
      rowsDroppedByStatistics: pruned.rowsDropped,
    }),
    seen: addFile(progress.seen, object),
  }
}

export function afterRowGroup(
  progress: PlanProgress,
  found: FoundFile,
  group: KeptRowGroup,
): PlanProgress {
  const { object, pruned } = found
  const isLast = pruned.kept.at(-1) === group
  const openFile = { object, groupStart: group.groupIndex + 1 }
  return {
    position: { afterKey: object.key, ...(!isLast && { openFile }) },
    ledger: addLedgers(progress.ledger, {
      rowGroupsKept: 1,
      rowsKept: group.rowCount,
      decodedBytesKept: group.decodedBytes,
    }),
    seen: progress.seen,
  }
}
