import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fastify from 'fastify'
import type { Caller, Identify } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import type { CallObserver } from '../grpc/serve-call.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import type { TableQueries } from '../query/table-queries.ts'
import { errorBody, httpStatus } from './error-status.ts'
import type { HealthOptions } from './routes-health.ts'
import { healthRoutes } from './routes-health.ts'
import { callerName, identifyRequests } from './identify-requests.ts'
import { openApi } from './open-api.ts'
import { readerLeft } from './request-signal.ts'
import { metricsRoutes } from './routes-metrics.ts'
import type { QuarantineRoutesOptions } from './routes-quarantine.ts'
import { quarantineRoutes } from './routes-quarantine.ts'
import { readRoutes } from './routes-read.ts'
import { startRoutes } from './routes-start.ts'
import { tableRoutes } from './routes-tables.ts'

/** Requests to this door are small JSON. */
const BODY_BYTES_MAX = 1024 * 1024
/** A request must arrive whole within this time. */
const REQUEST_TIMEOUT_MS = 30_000
/** Reads that still run when the service ends. */
const GRACE_MS = 10_000
/** Longer than the idle time of common balancers (60 s), so that they close first. */
const KEEP_ALIVE_MS = 65_000

export interface HttpTls {
  readonly certificate: Buffer
  readonly key: Buffer
  /** Authority of client certificates; present: a client must show one. */
  readonly clientAuthority?: Buffer
}

export interface HttpServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly tls?: HttpTls
  readonly registry: MetricsRegistry
  readonly identify: Identify
  /** What a caller may ask. */
  readonly queriesFor: (caller: Caller) => TableQueries
  /** Of the product, for the description of the routes. */
  readonly version: string
  readonly health: HealthOptions
  readonly quarantine: QuarantineRoutesOptions
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
  const app = createApp(options.tls)
  const failed = watchCalls(app, options)
  identifyRequests(app, options.identify)
  app.setErrorHandler((reason, { raw }, reply) => {
    const error = failed(raw, reason)
    return reply.code(httpStatus[error.code]).send(errorBody(error))
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new GatewayError(
      'invalid_request',
      `no such route: ${request.method} ${request.url.split('?')[0]}`,
    )
    return reply.code(404).send(errorBody(error))
  })
  const closing = new AbortController()
  const { queriesFor } = options
  openApi(app, options.version)
  app.register(startRoutes)
  app.register(tableRoutes, { queriesFor, closing: closing.signal })
  app.register(readRoutes, { queriesFor, failed, closing: closing.signal })
  app.register(healthRoutes, options.health)
  app.register(metricsRoutes, { registry: options.registry })
  app.register(quarantineRoutes, options.quarantine)
  return {
    listen: async () => {
      try {
        return await app.listen({ host: options.host, port: options.port })
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new GatewayError(
          'unavailable',
          `cannot listen on ${options.host}:${options.port}: ${reason}`,
          { cause },
        )
      }
    },
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

function createApp(tls: HttpTls | undefined): FastifyInstance {
  const limits = {
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
  } as const
  if (!tls) return fastify(limits)
  const { certificate, key, clientAuthority } = tls
  const authority = clientAuthority
    ? { ca: clientAuthority, requestCert: true, rejectUnauthorized: true }
    : {}
  return fastify({
    ...limits,
    https: { cert: certificate, key, ...authority },
  })
}

function isFastifyRefusal(reason: unknown): reason is Error & { statusCode: number } {
  return (
    reason instanceof Error &&
    'statusCode' in reason &&
    typeof reason.statusCode === 'number' &&
    reason.statusCode < 500
  )
}
