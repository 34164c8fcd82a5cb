import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { testCertificate, testCertificateKey } from './embedded-certificate.ts'

export interface RefusedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ScriptedAnswer {
  readonly statusCode: number
  readonly body?: string | undefined
  readonly headers?: Record<string, string>
}

export interface SpillRefusal {
  readonly url: string
  readonly requests: readonly RefusedRequest[]
  stop(): Promise<void>
}

/** An AWS service that answers as it is told: for refusals that a real server cannot be talked into. */
export async function startSpillRefusal(
  answer: (request: RefusedRequest, index: number) => Promise<ScriptedAnswer> | ScriptedAnswer,
  scheme: 'http' | 'https' = 'http',
): Promise<SpillRefusal> {
  const requests: RefusedRequest[] = []
  const listener: RequestListener = (incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => void chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming
      const request = { method, path, headers, body: Buffer.concat(chunks) }
      requests.push(request)
      void Promise.resolve(answer(request, requests.length - 1)).then((given) => {
        outgoing.writeHead(given.statusCode, given.headers).end(given.body)
      })
    })
  }
  const certified = { cert: testCertificate, key: testCertificateKey }
  const server =
    scheme === 'https' ? createSecureServer(certified, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** An S3 error as S3 words it. */
export function s3Refusal(statusCode: number, code: string, message = code): ScriptedAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { statusCode, body, headers: { 'content-type': 'application/xml' } }
}

/** An error of KMS or Secrets Manager. */
export function jsonRefusal(statusCode: number, type: string): ScriptedAnswer {
  const headers = { 'content-type': 'application/x-amz-json-1.1' }
  return { statusCode, body: JSON.stringify({ __type: type, message: 'no' }), headers }
}
