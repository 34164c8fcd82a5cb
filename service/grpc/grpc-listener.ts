import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { createServer } from 'node:net'
import type { ConnectionInjector } from '@grpc/grpc-js'
import { GatewayError } from '../errors.ts'

export interface GrpcListenerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Connections at once; whoever comes then is hung up on. */
  readonly connectionsMax: number
  /** A connection that says nothing at all for so long is hung up on. */
  readonly silenceMsMax: number
  /** Where connections go. */
  readonly injector: Pick<ConnectionInjector, 'injectConnection'>
}

export interface GrpcListener {
  /** `host:port` as bound. */
  listen(): Promise<string>
  /** Takes no more connections. */
  close(): void
  /** Ends those that are left: they never came as far as to be a session, which the server ends itself. */
  end(): void
}

/** Takes the connections of a gRPC server, which by itself would take any number. */
export function grpcListener(options: GrpcListenerOptions): GrpcListener {
  const { host, injector, connectionsMax, silenceMsMax } = options
  const connections = new Set<Socket>()
  const servers: NetServer[] = []
  const take = (socket: Socket) => {
    if (connections.size >= connectionsMax) return socket.destroy()
    connections.add(socket)
    const timer = setTimeout(() => socket.bytesRead === 0 && socket.destroy(), silenceMsMax).unref()
    socket.once('close', () => {
      clearTimeout(timer)
      connections.delete(socket)
    })
    return injector.injectConnection(socket)
  }
  const bind = async (address: string, port: number): Promise<number> => {
    const server = createServer(take)
    servers.push(server)
    server.listen(port, address)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  return {
    listen: async () => {
      try {
        // `localhost` is both loopback addresses, on the same port.
        const [first, ...others] = await lookup(host, { all: true })
        const port = await bind(first?.address ?? host, options.port)
        for (const { address } of others) await bind(address, port)
        return addressText(host, port)
      } catch (cause) {
        for (const server of servers) server.close()
        const reason = cause instanceof Error ? cause.message : String(cause)
        const where = addressText(host, options.port)
        throw new GatewayError('unavailable', `cannot listen on ${where}: ${reason}`, { cause })
      }
    },
    close: () => {
      for (const server of servers) server.close()
    },
    end: () => {
      for (const socket of connections) socket.destroy()
    },
  }
}

/** IPv6 stands in brackets. */
function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
