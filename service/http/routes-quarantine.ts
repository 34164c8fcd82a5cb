import type { FastifyPluginAsync } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { QuarantinedRowGroup } from '../scan/quarantine.ts'
import { errorBody } from './error-status.ts'
import { refuseUnlessOperator } from './identify-requests.ts'

export interface QuarantineRoutesOptions {
  /** What is refused now, and how to end that for one row group: as `Quarantine`. */
  readonly quarantine: {
    list(): readonly QuarantinedRowGroup[]
    release(source: string): boolean
  }
  /** The clock of `untilMs`. */
  readonly nowMs: () => number
}

/** Longer than any key of the store with its bucket and row group. */
const SOURCE_CHARACTERS_MAX = 2_048

const querystring = {
  type: 'object',
  required: ['source'],
  properties: { source: { type: 'string', minLength: 1, maxLength: SOURCE_CHARACTERS_MAX } },
} as const

/**
 * `GET /v1/quarantine`: row groups that are refused because they cost a worker, with the file's version and for how
 * long still. `DELETE /v1/quarantine?source=…` lets one be read again, by the name under which it is listed.
 */
export const quarantineRoutes: FastifyPluginAsync<QuarantineRoutesOptions> = async (
  app,
  { quarantine, nowMs },
) => {
  app.addHook('onRequest', async (request) => refuseUnlessOperator(request))
  app.get('/v1/quarantine', async () => ({
    rowGroups: quarantine.list().map(({ source, etag, how, untilMs }) => ({
      source,
      etag,
      how,
      secondsLeft: Math.max(0, Math.ceil((untilMs - nowMs()) / 1_000)),
    })),
  }))
  app.delete<{ Querystring: { source: string } }>(
    '/v1/quarantine',
    { schema: { querystring } },
    async ({ query: { source } }, reply) => {
      if (quarantine.release(source)) return { released: source }
      const error = new GatewayError(
        'invalid_request',
        `${JSON.stringify(source)} is not quarantined; GET /v1/quarantine lists what is`,
      )
      return reply.code(404).send(errorBody(error))
    },
  )
}
