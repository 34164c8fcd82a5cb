import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller, Identify, ShownCredentials } from '../credentials/caller.ts'
import { certificateNames } from '../credentials/certificate-names.ts'
import { GatewayError } from '../errors.ts'

/** Routes that tell nothing of what anybody owns. */
const openRoutes: ReadonlySet<string> = new Set(['/', '/healthz', '/readyz', '/openapi.json'])

/** Tells everybody yes or no, and operators why. */
const telling = '/readyz'

const callers = new WeakMap<IncomingMessage, Caller>()

/** Asks who sends a request before anything else is done for it, also where no route is. */
export function identifyRequests(app: FastifyInstance, identify: Identify): void {
  app.addHook('onRequest', async ({ raw, routeOptions }) => {
    const { url } = routeOptions
    if (url === undefined || !openRoutes.has(url)) callers.set(raw, await identify(shownBy(raw)))
    else if (url === telling) await keepIfKnown(raw, identify)
  })
}

async function keepIfKnown(request: IncomingMessage, identify: Identify): Promise<void> {
  try {
    callers.set(request, await identify(shownBy(request)))
  } catch {
    // Nobody has to be known here.
  }
}

/** Whether an operator sent a request, also one of an open route. */
export function isFromOperator({ raw }: Pick<FastifyRequest, 'raw'>): boolean {
  return callers.get(raw)?.isOperator === true
}

/** Who sent a request that was let in. */
export function callerOf({ raw }: Pick<FastifyRequest, 'raw'>): Caller {
  const caller = callers.get(raw)
  assert(caller, 'a request was let in without its caller')
  return caller
}

/** The name of who sent a request; `''`: it was not recognised. */
export function callerName(request: IncomingMessage): string {
  return callers.get(request)?.name ?? ''
}

/** @throws {GatewayError} `forbidden` the caller is none of those who run the gateway. */
export function refuseUnlessOperator(request: Pick<FastifyRequest, 'raw'>): void {
  if (callerOf(request).isOperator) return
  throw new GatewayError('forbidden', 'this is for operators of the gateway alone')
}

/** What a request shows of who sends it. */
export function shownBy({ headers, socket }: IncomingMessage): ShownCredentials {
  const { authorization } = headers
  const names =
    socket instanceof TLSSocket && socket.authorized
      ? socket.getPeerCertificate().subjectaltname
      : undefined
  return {
    ...(authorization !== undefined && { authorization }),
    ...(names !== undefined && { certificateNames: certificateNames(names) }),
  }
}
