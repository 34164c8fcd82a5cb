import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface ScriptedRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A server of loopback that answers as it is told, and remembers what it was asked. */
export interface ScriptedServer {
  readonly url: string
  readonly asked: readonly ScriptedRequest[]
  close(): Promise<void>
}

export async function startScriptedServer(
  answerOf: (request: ScriptedRequest) => ScriptedAnswer,
): Promise<ScriptedServer> {
  const asked: ScriptedRequest[] = []
  const server = createServer((incoming, answer) => {
    const { method = '', url: path = '', headers } = incoming
    void text(incoming).then((body) => {
      const request = { method, path, headers, body }
      asked.push(request)
      const { status = 200, headers: more = {}, body: said = '' } = answerOf(request)
      answer.writeHead(status, more).end(said)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
