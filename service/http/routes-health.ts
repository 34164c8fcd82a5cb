import type { FastifyPluginAsync } from 'fastify'
import type { CredentialsReport } from '../credentials/credentials-report.ts'
import type { GatewayError } from '../errors.ts'
import { errorBody } from './error-status.ts'
import { isFromOperator } from './identify-requests.ts'

/** A probe that asks the store must not hang a load balancer. */
const READY_TIMEOUT_MS = 5_000

export interface HealthOptions {
  /** Proves that store and credentials work; the error otherwise. */
  readonly ready: (signal: AbortSignal) => Promise<GatewayError | undefined>
  /** How the store's credentials stand, told with every answer. */
  readonly credentials?: () => CredentialsReport
  /** False once the service drains. */
  readonly accepting: () => boolean
}

/** `/healthz`: the process lives. `/readyz`: it can serve a query now; why not is told to operators. */
export const healthRoutes: FastifyPluginAsync<HealthOptions> = async (
  app,
  { ready, accepting, credentials },
) => {
  app.get('/healthz', async () => ({ status: 'alive' }))
  app.get('/readyz', async (request, reply) => {
    if (!accepting()) {
      return reply.code(503).send({ status: 'draining', reason: 'the service is shutting down' })
    }
    const error = await ready(AbortSignal.timeout(READY_TIMEOUT_MS))
    if (!isFromOperator(request)) {
      if (!error) return { status: 'ready' }
      return reply.code(503).send({ status: 'not ready', error: { code: error.code } })
    }
    const told = credentials ? { credentials: credentials() } : {}
    if (!error) return { status: 'ready', ...told }
    const reason = error.message
    return reply.code(503).send({ status: 'not ready', reason, ...errorBody(error), ...told })
  })
}
