import type { FastifyPluginAsync } from 'fastify'
import type { GatewayError } from '../errors.ts'
import { errorBody } from './error-status.ts'

/** A probe that asks the store must not hang a load balancer. */
const READY_TIMEOUT_MS = 5_000

export interface HealthOptions {
  /** Proves that store and credentials work; the error otherwise. */
  readonly ready: (signal: AbortSignal) => Promise<GatewayError | undefined>
  /** False once the service drains. */
  readonly accepting: () => boolean
}

/** `/healthz`: the process lives. `/readyz`: it can serve a query now. */
export const healthRoutes: FastifyPluginAsync<HealthOptions> = async (
  app,
  { ready, accepting },
) => {
  app.get('/healthz', async () => ({ status: 'alive' }))
  app.get('/readyz', async (_, reply) => {
    if (!accepting()) {
      return reply.code(503).send({ status: 'draining', reason: 'the service is shutting down' })
    }
    const error = await ready(AbortSignal.timeout(READY_TIMEOUT_MS))
    if (!error) return { status: 'ready' }
    return reply.code(503).send({ status: 'not ready', reason: error.message, ...errorBody(error) })
  })
}
