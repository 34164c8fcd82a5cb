import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { FastifyInstance } from 'fastify'
import fastify from 'fastify'
import type { TlsPair, TlsSource } from '../credentials/server-certificate.ts'
import { GatewayError } from '../errors.ts'

export interface HttpLimits {
  readonly bodyBytesMax: number
  /** Of the request line and all headers. */
  readonly headerBytesMax: number
  /** The headers, and the whole request, must arrive within these times. */
  readonly headersMsMax: number
  readonly requestMsMax: number
  /** How often the two are looked at. */
  readonly lookMs: number
  /** A connection without requests. */
  readonly idleMsMax: number
  /** Connections at once; whoever comes then is hung up on. */
  readonly connectionsMax: number
}

/**
 * Requests are small JSON, or a query string with a SQL condition in it. Idle connections are kept longer than common
 * balancers keep them (60 s), so that they close first.
 */
export const httpLimits: HttpLimits = {
  bodyBytesMax: 1 << 20,
  headerBytesMax: 32 << 10,
  headersMsMax: 10_000,
  requestMsMax: 30_000,
  lookMs: 2_000,
  idleMsMax: 65_000,
  connectionsMax: 1_000,
}

export interface LimitedAppOptions {
  readonly tls?: TlsSource
  readonly limits?: Partial<HttpLimits>
}

/** An application of no routes yet, whose port has the limits and follows the certificate. */
export function limitedApp({ tls, limits: given }: LimitedAppOptions): FastifyInstance {
  const limits = { ...httpLimits, ...given }
  return fastify({
    bodyLimit: limits.bodyBytesMax,
    forceCloseConnections: 'idle',
    // Tells fastify to say `https://`; the server is made below.
    ...(tls && { https: {} }),
    serverFactory: (handler) => limitedServer(handler, limits, tls),
  })
}

/**
 * @returns `http(s)://host:port` as bound
 * @throws {GatewayError} `unavailable` the port cannot be had
 */
export async function listenOn(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('unavailable', `cannot listen on ${host}:${port}: ${reason}`, { cause })
  }
}

function limitedServer(handler: RequestListener, limits: HttpLimits, tls?: TlsSource): Server {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMsMax,
    requestTimeout: limits.requestMsMax,
    connectionsCheckingInterval: limits.lookMs,
    keepAliveTimeout: limits.idleMsMax,
  }
  const server = tls ? tlsServer(handler, options, tls) : createServer(options, handler)
  server.maxConnections = limits.connectionsMax
  return server
}

function tlsServer(handler: RequestListener, options: object, tls: TlsSource) {
  const asksClients = tls.pair.clientAuthority !== undefined
  const asking = {
    requestCert: asksClients,
    rejectUnauthorized: asksClients && tls.clientsMayBeUnknown !== true,
  }
  const server = createTlsServer({ ...options, ...contextOf(tls.pair), ...asking }, handler)
  const stop = tls.onChange((pair) => server.setSecureContext(contextOf(pair)))
  return server.once('close', stop)
}

function contextOf({ certificate, key, clientAuthority }: TlsPair) {
  return { cert: certificate, key, ...(clientAuthority && { ca: clientAuthority }) }
}
