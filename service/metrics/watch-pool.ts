import type { ScanPool } from '../scan/scan-pool.ts'
import type { MetricsRegistry } from './registry.ts'

/** Shows what the pool counts itself, read at each scrape. */
export function watchPool(
  registry: MetricsRegistry,
  { admission, quarantine }: Pick<ScanPool, 'admission' | 'quarantine'>,
): void {
  let refusedBefore = 0
  registry.beforeScrape(() => {
    registry.set('rowGroupBytes', admission.usedBytes)
    registry.set('rowGroupsWaiting', admission.waitingCount)
    registry.set('quarantined', quarantine.list().length)
    registry.add('quarantineRefusals', quarantine.refusedCount - refusedBefore)
    refusedBefore = quarantine.refusedCount
  })
}
