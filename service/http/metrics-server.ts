import type { MetricsRegistry } from '../metrics/registry.ts'
import type { HttpLimits } from './limited-app.ts'
import { limitedApp, listenOn } from './limited-app.ts'
import { metricsRoutes } from './routes-metrics.ts'

/** Scrapers are few, and wait their turn. */
const METRICS_LIMITS: Partial<HttpLimits> = { bodyBytesMax: 1 << 10, connectionsMax: 20 }

export interface MetricsServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly registry: MetricsRegistry
}

export interface MetricsServer {
  /** `http://host:port` as bound. */
  listen(): Promise<string>
  close(): Promise<void>
}

/** `/metrics` and nothing else, on a port of its own that callers need not reach; without TLS. */
export function metricsServer({ host, port, registry }: MetricsServerOptions): MetricsServer {
  const app = limitedApp({ limits: METRICS_LIMITS })
  app.register(metricsRoutes, { registry })
  return {
    listen: () => listenOn(app, { host, port }),
    close: () => app.close(),
  }
}
