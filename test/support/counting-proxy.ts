import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Requests, and the bytes of their answers' bodies, by what was asked. */
export interface StoreTraffic {
  /** Listings of objects and buckets. */
  lists: number
  listBytes: number
  /** Of objects, ranged or whole. */
  gets: number
  getBytes: number
  /** HEAD, and all else. */
  others: number
}

export interface CountingProxy {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  /** What has passed since it was asked last. */
  take(): StoreTraffic
  close(): Promise<void>
}

const noTraffic = (): StoreTraffic => ({ lists: 0, listBytes: 0, gets: 0, getBytes: 0, others: 0 })

/**
 * Stands between an S3 store and its users, on HTTP: counts, and changes nothing.
 *
 * @param tell told of each request
 */
export async function startCountingProxy(
  target: string,
  tell: (asked: IncomingMessage) => void = () => {},
): Promise<CountingProxy> {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  let traffic = noTraffic()
  const pass = (asked: IncomingMessage, answer: ServerResponse): void => {
    tell(asked)
    const counted = traffic
    const kind = kindOf(asked)
    counted[kind] += 1
    const { method, url: path, headers } = asked
    const up = request({ hostname, port, method, path, headers, agent }, (told) => {
      answer.sendDate = false
      answer.writeHead(told.statusCode ?? 500, told.rawHeaders)
      told.on('data', (chunk: Buffer) => {
        if (kind === 'lists') counted.listBytes += chunk.length
        if (kind === 'gets') counted.getBytes += chunk.length
      })
      told.pipe(answer)
    })
    up.on('error', () => answer.destroy())
    answer.on('close', () => {
      if (!answer.writableFinished) up.destroy()
    })
    asked.pipe(up)
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, pass).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = traffic
      traffic = noTraffic()
      return taken
    },
    async close() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A path of one segment is a bucket's, of none the store's. */
function kindOf({ method, url = '/' }: IncomingMessage): 'lists' | 'gets' | 'others' {
  if (method !== 'GET') return 'others'
  const { pathname, searchParams } = new URL(url, 'http://store')
  const [, , key = ''] = /^\/([^/]*)\/?(.*)$/.exec(pathname) ?? []
  if (key !== '') return 'gets'
  return searchParams.has('location') ? 'others' : 'lists'
}
