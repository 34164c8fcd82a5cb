import http from 'node:http'
import https from 'node:https'
import { GatewayError } from '../errors.ts'

export interface HttpQuestion {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM of the authority that signed the server's certificate; absent: the ones Node knows. */
  readonly certificateAuthority?: string
  /** What is asked, for messages, e.g. `the STS`. */
  readonly name: string
  /** The whole exchange; default 10 s. */
  readonly timeoutMs?: number
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  /** The server's clock when it answered, milliseconds since the epoch, if it told. */
  readonly dateMs: number | undefined
}

/** Credentials are a few kilobytes, session tokens with long policies included. */
const ANSWER_BYTES_MAX = 256 << 10

/**
 * One small exchange with a server that gives credentials: no redirects, no proxies, no connection kept.
 *
 * @throws {GatewayError} `unavailable` no answer, none in time, or a longer one than credentials are; `cancelled` the
 *   signal aborted.
 */
export async function askHttp(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
  const { timeoutMs = 10_000 } = question
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    return await exchange(question, AbortSignal.any([signal, timeout]))
  } catch (error) {
    if (signal.aborted) throw GatewayError.from(signal.reason)
    const why = timeout.aborted ? `no answer for ${timeoutMs} ms` : codeOf(error)
    throw new GatewayError(
      'unavailable',
      `${question.name} at ${question.url.origin} cannot be asked (${why}); check its address and that it runs there`,
      { cause: error },
    )
  }
}

function exchange(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
  const { method, url, headers = {}, body = '', certificateAuthority: ca } = question
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const settings = { method, headers: { ...headers, ...length }, signal, agent: false as const }
  return new Promise((resolve, reject) => {
    const receive = (answer: http.IncomingMessage): void => {
      readText(answer).then((text) => {
        const toldMs = Date.parse(answer.headers.date ?? '')
        const dateMs = Number.isNaN(toldMs) ? undefined : toldMs
        resolve({ status: answer.statusCode ?? 0, text, dateMs })
      }, reject)
    }
    const sent =
      url.protocol === 'https:'
        ? https.request(url, { ...settings, ...(ca !== undefined && { ca }) }, receive)
        : http.request(url, settings, receive)
    sent.on('error', reject)
    sent.end(body)
  })
}

async function readText(answer: http.IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
