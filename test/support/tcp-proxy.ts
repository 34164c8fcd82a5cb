import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** May be changed while connections are open. */
export interface TcpFaults {
  /** The connection is reset after so many bytes of answers. */
  resetAfterBytes?: number
  /** The connection is ended, as if in order, after so many bytes of answers. */
  endAfterBytes?: number
  /** Nothing more comes after so many bytes of answers; the connection stays open. */
  stallAfterBytes?: number
}

/** A wire that can be cut, between a client and a server. */
export interface TcpProxy {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  readonly faults: TcpFaults
  /** Connections so far. */
  connectionCount(): number
  /** Connections the client holds open now. */
  openCount(): number
  /** Bytes of answers so far, of all connections. */
  answeredBytes(): number
  /** Resolves when the client holds exactly so many connections that have stalled. */
  whenStalled(count: number): Promise<void>
  /** Resets every open connection. */
  cut(): void
  /** Resolves when the client holds exactly so many connections. */
  whenOpen(count: number): Promise<void>
  close(): Promise<void>
}

/** Passes bytes on to `target`, an `http://host:port`, and misbehaves as told. */
export async function startTcpProxy(target: string, faults: TcpFaults = {}): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const clients = new Set<Socket>()
  const stalled = new Set<Socket>()
  const watchers = new Set<() => void>()
  const whenSize = (sockets: ReadonlySet<Socket>, count: number) =>
    new Promise<void>((resolve) => {
      const watcher = (): void => {
        if (sockets.size !== count) return
        watchers.delete(watcher)
        resolve()
      }
      watchers.add(watcher)
      watcher()
    })
  const tell = (): void => {
    for (const watcher of watchers) watcher()
  }
  let connectionCount = 0
  let answeredBytes = 0

  const server = createServer((client) => {
    connectionCount++
    clients.add(client)
    let passed = 0
    const upstream = connect(Number(port), hostname)
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      const { resetAfterBytes, endAfterBytes, stallAfterBytes } = faults
      const limit = resetAfterBytes ?? endAfterBytes ?? stallAfterBytes ?? Number.POSITIVE_INFINITY
      const part = chunk.subarray(0, Math.max(0, limit - passed))
      passed += part.length
      answeredBytes += part.length
      if (part.length > 0 && !client.write(part)) {
        upstream.pause()
        client.once('drain', () => upstream.resume())
      }
      if (passed < limit) return
      if (resetAfterBytes !== undefined) client.resetAndDestroy()
      else if (endAfterBytes !== undefined) client.end()
      else {
        stalled.add(client)
        tell()
      }
    })
    upstream.on('end', () => client.end()).on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
    client.once('close', () => {
      upstream.destroy()
      clients.delete(client)
      stalled.delete(client)
      tell()
    })
    tell()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    connectionCount: () => connectionCount,
    openCount: () => clients.size,
    answeredBytes: () => answeredBytes,
    cut: () => {
      for (const client of clients) client.resetAndDestroy()
    },
    whenOpen: (count) => whenSize(clients, count),
    whenStalled: (count) => whenSize(stalled, count),
    async close() {
      for (const client of clients) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
