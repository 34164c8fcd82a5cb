import type { PlanPage, PlanRequest } from '../planning/plan-scan.ts'
import type { MetricsRegistry } from './registry.ts'

type Plan = (request: PlanRequest, signal: AbortSignal) => Promise<PlanPage>

/** Counts what each page of a plan saw, kept and dropped. */
export function watchPlan(registry: MetricsRegistry, plan: Plan): Plan {
  return async (request, signal) => {
    const page = await plan(request, signal)
    const { ledger } = page
    const files = {
      kept: ledger.filesKept,
      dropped_by_partition: ledger.filesDroppedByPartition,
      dropped_by_statistics: ledger.filesDroppedByStatistics,
      without_rows: ledger.filesWithoutRows,
      later: ledger.filesLater,
      skipped:
        ledger.skippedHidden +
        ledger.skippedEmpty +
        ledger.skippedOtherSuffix +
        ledger.skippedNotParquet +
        ledger.skippedUndeclared,
    }
    for (const [decision, count] of Object.entries(files)) {
      registry.add('planFiles', count, { decision })
    }
    registry.add('planRowGroups', ledger.rowGroupsKept, { decision: 'kept' })
    registry.add('planRowGroups', ledger.rowGroupsDroppedByStatistics, {
      decision: 'dropped_by_statistics',
    })
    registry.add('planRowGroups', ledger.rowGroupsWithoutRows, { decision: 'without_rows' })
    registry.add('planRows', ledger.rowsKept, { decision: 'kept' })
    registry.add('planRows', ledger.rowsDroppedByStatistics, { decision: 'dropped_by_statistics' })
    registry.add('planFileBytes', ledger.fileBytesKept, { decision: 'kept' })
    registry.add('planFileBytes', ledger.fileBytesDropped, { decision: 'dropped' })
    registry.add('planFoldersDropped', ledger.foldersDroppedByPartition)
    registry.add('planNotApplied', ledger.notApplied.length)
    registry.add('planSplits', ledger.splits)
    registry.add('planTicketBytes', ledger.ticketBytes)
    return page
  }
}
