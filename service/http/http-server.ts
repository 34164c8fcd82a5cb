import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Caller, Identify } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import type { TlsSource } from '../credentials/server-certificate.ts'
import type { CallObserver } from '../grpc/serve-call.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import type { TableQueries } from '../query/table-queries.ts'
import { answerErrors } from './answer-errors.ts'
import type { HealthOptions } from './routes-health.ts'
import { healthRoutes } from './routes-health.ts'
import { callerName, identifyRequests } from './identify-requests.ts'
import type { HttpLimits } from './limited-app.ts'
import { limitedApp, listenOn } from './limited-app.ts'
import { openApi } from './open-api.ts'
import { readerLeft } from './request-signal.ts'
import { metricsRoutes } from './routes-metrics.ts'
import type { QuarantineRoutesOptions } from './routes-quarantine.ts'
import { quarantineRoutes } from './routes-quarantine.ts'
import { readRoutes } from './routes-read.ts'
import { startRoutes } from './routes-start.ts'
import { tableRoutes } from './routes-tables.ts'

/** Reads that still run when the service ends. */
const GRACE_MS = 10_000

export interface HttpServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly tls?: TlsSource
  readonly limits?: Partial<HttpLimits>
  readonly registry: MetricsRegistry
  readonly identify: Identify
  /** What a caller may ask. */
  readonly queriesFor: (caller: Caller) => TableQueries
  /** Of the product, for the description of the routes. */
  readonly version: string
  readonly health: HealthOptions
  readonly quarantine: QuarantineRoutesOptions
  /** False: `/metrics` has a port of its own. Default true. */
  readonly hasMetrics?: boolean
  /** Told of every call of `/v1/…` that ended. */
  readonly observe?: CallObserver
  /** Told of errors whose cause only the log may know. */
  readonly translate: (reason: unknown) => GatewayError
}

export interface HttpServer {
  /** `http(s)://host:port` as bound. */
  listen(): Promise<string>
  /** Takes no more requests and waits for running ones, which are ended after this time; default 10 seconds. */
  close(graceMs?: number): Promise<void>
}

export function httpServer(options: HttpServerOptions): HttpServer {
  const app = limitedApp(options)
  const failed = watchCalls(app, options)
  identifyRequests(app, options.identify)
  answerErrors(app, failed)
  const closing = new AbortController()
  const { queriesFor } = options
  openApi(app, options.version)
  app.register(startRoutes)
  app.register(tableRoutes, { queriesFor, closing: closing.signal })
  app.register(readRoutes, { queriesFor, failed, closing: closing.signal })
  app.register(healthRoutes, options.health)
  if (options.hasMetrics ?? true) app.register(metricsRoutes, { registry: options.registry })
  app.register(quarantineRoutes, options.quarantine)
  return {
    listen: () => listenOn(app, options),
    close: async (graceMs = GRACE_MS) => {
      const timer = setTimeout(
        () => closing.abort(new GatewayError('unavailable', 'the service is shutting down')),
        graceMs,
      )
      await app.close()
      clearTimeout(timer)
    },
  }
}

/** Observes calls of the product's own routes; answers what to tell of a call that fails. */
function watchCalls(app: FastifyInstance, { observe, translate }: HttpServerOptions) {
  const errors = new WeakMap<IncomingMessage, GatewayError>()
  app.addHook('onRequest', (request, { raw }, done) => {
    const { url } = request.routeOptions
    const started = performance.now()
    if (url?.startsWith('/v1/') === true) {
      raw.once('close', () => {
        const error = errors.get(request.raw) ?? (raw.writableFinished ? undefined : readerLeft())
        const durationMs = performance.now() - started
        const caller = callerName(request.raw)
        observe?.({ caller, method: `${request.method} ${url}`, durationMs, queryId: '', error })
      })
    }
    done()
  })
  return (request: IncomingMessage, reason: unknown): GatewayError => {
    const error = isFastifyRefusal(reason)
      ? new GatewayError(
          reason.statusCode === 413 ? 'too_large' : 'invalid_request',
          reason.message,
        )
      : translate(reason)
    errors.set(request, error)
    return error
  }
}

function isFastifyRefusal(reason: unknown): reason is Error & { statusCode: number } {
  return (
    reason instanceof Error &&
    'statusCode' in reason &&
    typeof reason.statusCode === 'number' &&
    reason.statusCode < 500
  )
}
