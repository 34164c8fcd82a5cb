import { once } from 'node:events'
import { createServer, request as startRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the store says instead of doing what it was asked. */
export interface StoreRefusal {
  readonly status: number
  /** The S3 error code; absent: a page of HTML, as a proxy in between would send. */
  readonly code?: string
}

/** One request as the store sees it. */
export interface SeenRequest {
  readonly method: string
  /** Path and query, decoded. */
  readonly url: string
  /** Bytes asked for, as the header says: `bytes=0-99`. */
  readonly range: string | undefined
}

/** May be changed while the store serves. */
export interface StoreFaults {
  /** Undefined: the request goes on to the real store. Awaited, so that it may change the store first. */
  refuse?: ((request: SeenRequest) => Promise<StoreRefusal | undefined>) | undefined
  /** Every answer comes so much later. */
  latencyMs?: number
}

/** A real store behind a door that may refuse, delay or watch. */
export interface FailingStore {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  readonly faults: StoreFaults
  /** All requests so far, in their order. */
  readonly seen: readonly SeenRequest[]
  close(): Promise<void>
}

/** Passes signed requests on to `target` unchanged, except where the faults say otherwise. */
export async function startFailingStore(target: string): Promise<FailingStore> {
  const seen: SeenRequest[] = []
  const faults: StoreFaults = {}
  const answer = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = asked
    const request = { method, url: decodeURIComponent(url), range: headers.range }
    seen.push(request)
    if (faults.latencyMs !== undefined) await sleep(faults.latencyMs)
    const refusal = await faults.refuse?.(request)
    if (refusal === undefined) passOn(target, asked, response)
    else response.writeHead(refusal.status).end(bodyOf(refusal))
  }
  const server = createServer((asked, response) => void answer(asked, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function passOn(target: string, asked: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = asked
  const { hostname, port } = new URL(target)
  const onward = startRequest({ hostname, port, method, path: url, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers)
    answered.pipe(response)
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  asked.pipe(onward)
}

function bodyOf({ code }: StoreRefusal): string {
  return code === undefined
    ? '<html><body>something went wrong</body></html>'
    : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`
}
