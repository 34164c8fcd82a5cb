import type { TableName } from '../catalog/table-name.ts'
import type { Ledger } from '../planning/ledger.ts'
import type { CostNote } from './cost-note.ts'
import { withoutZeros } from './cost-note.ts'
import type { MetricsRegistry } from './registry.ts'

type Plan<Request, Answer> = (request: Request, signal: AbortSignal) => Promise<Answer>

/** Counts what each plan, or page of one, saw, kept and dropped; notes its ledger. */
export function watchPlan<
  Request extends { readonly table: TableName },
  Answer extends { readonly ledger: Ledger },
>(registry: MetricsRegistry, plan: Plan<Request, Answer>, note?: CostNote): Plan<Request, Answer> {
  return async (request, signal) => {
    const page = await plan(request, signal)
    const { ledger } = page
    note?.('plan', { ...request.table, ...withoutZeros(ledger) })
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
