import type { ReportingCredentials } from '../credentials/store-credentials.ts'
import type { MetricsRegistry } from './registry.ts'

/** Shows how the store's credentials stand, read at each scrape. */
export function watchCredentials(
  registry: MetricsRegistry,
  credentials: Pick<ReportingCredentials, 'status'>,
  nowMs: () => number,
): void {
  let last = { obtainedCount: 0, failedCount: 0 }
  registry.beforeScrape(() => {
    const { source, obtainedMs, expiresMs, obtainedCount, failedCount } = credentials.status()
    const obtained = { source, outcome: 'obtained' }
    registry.add('credentialsAttempts', obtainedCount - last.obtainedCount, obtained)
    const failed = { source, outcome: 'failed' }
    registry.add('credentialsAttempts', failedCount - last.failedCount, failed)
    last = { obtainedCount, failedCount }
    if (obtainedMs !== undefined) registry.set('credentialsAge', (nowMs() - obtainedMs) / 1_000)
    // Those that never end have all the time there is.
    const leftSeconds = ((expiresMs ?? Number.POSITIVE_INFINITY) - nowMs()) / 1_000
    if (obtainedMs !== undefined) registry.set('credentialsLeft', leftSeconds)
  })
}
