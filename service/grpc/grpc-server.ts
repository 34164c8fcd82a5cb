import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { Server } from '@grpc/grpc-js'
import type { TlsSource } from '../credentials/server-certificate.ts'
import type { Identify } from '../credentials/caller.ts'
import { sendFramedAsIs } from './framed-message.ts'
import { followingCredentials } from './following-credentials.ts'
import { grpcListener } from './grpc-listener.ts'
import { addHealthService } from './health-service.ts'
import { identifyCalls } from './identify-calls.ts'
import type { CallKeeper } from './serve-call.ts'
import { guardUnknownMethods } from './unknown-methods.ts'

export interface GrpcLimits {
  /** Bytes of one request. */
  readonly requestBytesMax: number
  /** Streams of one connection. */
  readonly streamsPerConnectionMax: number
  /** Connections at once; whoever comes then is hung up on. */
  readonly connectionsMax: number
  /** A connection that says nothing at all for so long is hung up on. */
  readonly silenceMsMax: number
  /** Peers are pinged in this period, and given up when they do not answer within `pingMsMax`. */
  readonly pingPeriodMs: number
  readonly pingMsMax: number
  /** A connection without calls is ended after so long; clients open another when they need one. */
  readonly idleMsMax: number
}

/**
 * Requests are names, constraints (an IN list of 1,000 values is 1 MB) and tickets. Athena's shims hold one connection
 * each, and its default is 1,000 of them at once for a whole account. Headers have no option in grpc-js: Node's HTTP/2
 * resets a stream with more than 128 of them, and ends a connection that sends one beyond 64 KiB.
 */
export const grpcLimits: GrpcLimits = {
  requestBytesMax: 8 << 20,
  streamsPerConnectionMax: 1_000,
  connectionsMax: 2_000,
  silenceMsMax: 10_000,
  pingPeriodMs: 60_000,
  pingMsMax: 20_000,
  idleMsMax: 15 * 60_000,
}

export interface GrpcServerOptions extends CallKeeper {
  /** Asked for every call, before anything of it is read. */
  readonly identify: Identify
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly tls?: TlsSource
  readonly services: readonly GrpcService[]
  readonly limits?: Partial<GrpcLimits>
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
  const limits = { ...grpcLimits, ...options.limits }
  const selfIdentified = new Set(
    options.services.flatMap((service) => service.selfIdentified ?? []),
  )
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.streamsPerConnectionMax,
    'grpc.max_connection_idle_ms': limits.idleMsMax,
    'grpc.keepalive_time_ms': limits.pingPeriodMs,
    'grpc.keepalive_timeout_ms': limits.pingMsMax,
    'grpc.keepalive_permit_without_calls': 1,
    // The first stands next to the wire, where it finds what it looks for.
    interceptors: [sendFramedAsIs, identifyCalls({ ...options, selfIdentified })],
  })
  guardUnknownMethods(server)
  const health = addHealthService(server)
  for (const { definition, implementation } of options.services) {
    server.addService(definition, implementation)
  }
  const injector = server.createConnectionInjector(followingCredentials(options.tls))
  const { host, port } = options
  const listener = grpcListener({ host, port, injector, ...limits })
  return {
    listen: async () => {
      const address = await listener.listen()
      health.sayServing()
      return address
    },
    close: async (timeoutMs) => {
      health.sayNotServing()
      listener.close()
      await drain(server, timeoutMs)
      listener.end()
    },
  }
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
