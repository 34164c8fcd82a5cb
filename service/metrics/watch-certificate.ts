import type { MetricsRegistry } from './registry.ts'

/** Shows when the certificate of the ports ends, read at each scrape. */
export function watchCertificate(
  registry: MetricsRegistry,
  certificate: { readonly endsMs: number },
  nowMs: () => number,
): void {
  registry.beforeScrape(() => {
    registry.set('certificateLeft', (certificate.endsMs - nowMs()) / 1_000)
  })
}
