import type { FooterCacheCounters } from '../footers/footer-cache.ts'
import type { MetricsRegistry } from './registry.ts'

/** Shows the footer cache's own counters, read at each scrape. */
export function watchFooters(
  registry: MetricsRegistry,
  footers: { readonly counters: FooterCacheCounters },
): void {
  let last = { hits: 0, misses: 0, restored: 0 }
  registry.beforeScrape(() => {
    const { hits, misses, restored, heldBytes } = footers.counters
    registry.add('footers', hits - last.hits, { source: 'memory' })
    const archived = restored - last.restored
    registry.add('footers', archived, { source: 'archive' })
    registry.add('footers', misses - last.misses - archived, { source: 'store' })
    registry.set('footerCacheBytes', heldBytes)
    last = { hits, misses, restored }
  })
}
