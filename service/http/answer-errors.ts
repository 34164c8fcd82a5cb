import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import { errorBody, httpStatus, retryHeaders } from './error-status.ts'

/** Makes browsers ask for name and token, so that links work in them. */
const challenge = 'Bearer realm="spillway", Basic realm="spillway", charset="UTF-8"'

/** Answers what routes throw, and requests that have no route, as JSON. */
export function answerErrors(
  app: FastifyInstance,
  errorOf: (request: IncomingMessage, reason: unknown) => GatewayError,
): void {
  app.setErrorHandler((reason, { raw }, reply) => {
    const error = errorOf(raw, reason)
    if (error.code === 'unauthenticated') reply.header('www-authenticate', challenge)
    return reply.code(httpStatus[error.code]).headers(retryHeaders(error)).send(errorBody(error))
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new GatewayError(
      'invalid_request',
      `no such route: ${request.method} ${request.url.split('?')[0]}`,
    )
    return reply.code(404).send(errorBody(error))
  })
}
