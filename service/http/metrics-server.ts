import type { Identify } from '../credentials/caller.ts'
import type { GatewayError } from '../errors.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import { answerErrors } from './answer-errors.ts'
import { identifyRequests } from './identify-requests.ts'
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
  readonly identify: Identify
  readonly translate: (reason: unknown) => GatewayError
}

export interface MetricsServer {
  /** `http://host:port` as bound. */
  listen(): Promise<string>
  close(): Promise<void>
}

/** `/metrics` and nothing else, on a port of its own that callers need not reach; without TLS. */
export function metricsServer(options: MetricsServerOptions): MetricsServer {
  const { host, port, registry, identify, translate } = options
  const app = limitedApp({ limits: METRICS_LIMITS })
  answerErrors(app, (_, reason) => translate(reason))
  identifyRequests(app, identify)
  app.register(metricsRoutes, { registry })
  return {
    listen: () => listenOn(app, { host, port }),
    close: () => app.close(),
  }
}
