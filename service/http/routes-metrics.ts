import type { FastifyPluginAsync } from 'fastify'
import type { MetricsRegistry } from '../metrics/registry.ts'
import { refuseUnlessOperator } from './identify-requests.ts'

/** `/metrics`, for Prometheus. */
export const metricsRoutes: FastifyPluginAsync<{ readonly registry: MetricsRegistry }> = async (
  app,
  { registry },
) => {
  app.get('/metrics', async (request, reply) => {
    refuseUnlessOperator(request)
    const { text, contentType } = await registry.exposition()
    return reply.type(contentType).send(text)
  })
}
