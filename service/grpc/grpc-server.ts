import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { GatewayError } from '../errors.ts'
import type { Identify } from '../credentials/caller.ts'
import { sendFramedAsIs } from './framed-message.ts'
import { addHealthService } from './health-service.ts'
import { identifyCalls } from './identify-calls.ts'
import type { CallKeeper } from './serve-call.ts'
import { guardUnknownMethods } from './unknown-methods.ts'

/** Requests are small: names, constraints (an IN list of 1,000 values is 1 MB) and tickets. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024
/** Header lists beyond this are refused by HTTP/2 itself. */
const METADATA_BYTES_MAX = 32 * 1024
/** Streams of one connection; Athena's shims hold one connection each. */
const STREAMS_PER_CONNECTION_MAX = 1_000
/** Dead peers are found by pings of this period. */
const KEEPALIVE_MS = 60_000

export interface GrpcTls {
  readonly certificate: Buffer
  readonly key: Buffer
  /** Authority of client certificates; present: a client must show one. */
  readonly clientAuthority?: Buffer
}

export interface GrpcServerOptions extends CallKeeper {
  /** Asked for every call, before anything of it is read. */
  readonly identify: Identify
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly tls?: GrpcTls
  readonly services: readonly GrpcService[]
}

export interface GrpcService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
  /** Paths of methods whose credentials come in their messages: they identify their callers themselves. */
  readonly selfIdentified?: readonly string[]
}

export interface GrpcServer {
  /** `host:port` as bound. */
  listen(): Promise<string>
  /** Says NOT_SERVING, waits for running calls up to `timeoutMs`, then ends them. */
  close(timeoutMs: number): Promise<void>
}

export function grpcServer(options: GrpcServerOptions): GrpcServer {
  const selfIdentified = new Set(
    options.services.flatMap((service) => service.selfIdentified ?? []),
  )
  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_send_message_length': -1,
    'grpc.max_metadata_size': METADATA_BYTES_MAX,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_permit_without_calls': 1,
    // The first stands next to the wire, where it finds what it looks for.
    interceptors: [sendFramedAsIs, identifyCalls({ ...options, selfIdentified })],
  })
  guardUnknownMethods(server)
  const health = addHealthService(server)
  for (const { definition, implementation } of options.services) {
    server.addService(definition, implementation)
  }
  return {
    listen: async () => {
      const port = await bind(server, options)
      health.sayServing()
      return addressText(options.host, port)
    },
    close: async (timeoutMs) => {
      health.sayNotServing()
      await drain(server, timeoutMs)
    },
  }
}

function bind(server: Server, options: GrpcServerOptions): Promise<number> {
  const { host, port, tls } = options
  const credentials = tls
    ? ServerCredentials.createSsl(
        tls.clientAuthority ?? null,
        [{ cert_chain: tls.certificate, private_key: tls.key }],
        tls.clientAuthority !== undefined,
      )
    : ServerCredentials.createInsecure()
  const address = addressText(host, port)
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error) {
        reject(
          new GatewayError('unavailable', `cannot listen on ${address}: ${error.message}`, {
            cause: error,
          }),
        )
      } else resolve(bound)
    })
  })
}

/** IPv6 stands in brackets. */
function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function drain(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), timeoutMs)
    server.tryShutdown(() => {
      clearTimeout(force)
      resolve()
    })
  })
}
