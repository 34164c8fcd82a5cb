import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreRefusal } from '../objects/store-refusal.ts'
import { embeddedBuckets } from './embedded-store-objects.ts'
import { answerRequest } from './embedded-store-requests.ts'
import type {
  EmbeddedRequest,
  EmbeddedScene,
  EmbeddedStoreFaults,
} from './embedded-store-requests.ts'
import { checkSignature } from './embedded-store-signature.ts'
import { errorXml } from './embedded-store-xml.ts'

export interface EmbeddedStoreOptions {
  readonly accessKey: string
  readonly secretKey: string
  /** Default any free one. */
  readonly port?: number
  /** A scratch folder for the bytes; absent: they stay in memory. */
  readonly folder?: string
  /** Of all objects together; default 2 GiB. */
  readonly bytesMax?: number
  readonly faults?: EmbeddedStoreFaults
  readonly nowMs?: () => number
}

/** One line of the log. */
export interface EmbeddedStoreRequest {
  readonly method: string
  /** As it came: encoded, with the query. */
  readonly url: string
  readonly range?: string
  readonly status: number
}

export interface EmbeddedStore {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  /** May be changed at any time. */
  readonly faults: EmbeddedStoreFaults
  /** The latest requests, oldest first, `LOG_ENTRIES_MAX` at most. */
  requests(): readonly EmbeddedStoreRequest[]
  /** Requests so far. */
  requestCount(): number
  close(): Promise<void>
}

const BYTES_MAX = 2 ** 31
const OBJECT_BYTES_MAX = 256 << 20
const LOG_ENTRIES_MAX = 10_000
/** Longer than clients keep idle connections, so that it is they who close them. */
const IDLE_MS = 30_000

/**
 * The part of S3 that the demo and the tests need, on loopback: path style, signatures checked, buckets, plain
 * uploads, ranges, conditions, ListObjectsV2. No multipart uploads, versions or rights.
 */
export async function startEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { accessKey, secretKey, port = 0, faults = {}, nowMs = Date.now } = options
  const { bytesMax = BYTES_MAX, folder } = options
  const buckets = embeddedBuckets({ bytesMax, ...(folder === undefined ? {} : { folder }) })
  const scene = { buckets, faults, nowMs, objectBytesMax: Math.min(bytesMax, OBJECT_BYTES_MAX) }
  const log: EmbeddedStoreRequest[] = []
  let requestCount = 0

  const serve = async (message: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const number = ++requestCount
    const left = new AbortController()
    answer.once('close', () => {
      left.abort()
      log.push(logged(message, answer.statusCode))
      if (log.length > LOG_ENTRIES_MAX) log.shift()
    })
    try {
      if (faults.delayMs !== undefined) await sleep(faults.delayMs, undefined, left)
      misbehave(number, faults)
      await answerRequest(checked(message, { accessKey, secretKey }, scene), answer, scene)
    } catch (error) {
      refuse(message, answer, error)
    }
  }

  const server = http.createServer({ keepAliveTimeout: IDLE_MS }, (message, answer) => {
    void serve(message, answer)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    faults,
    requests: () => log,
    requestCount: () => requestCount,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The request, its signature good. */
function checked(
  message: IncomingMessage,
  keys: { readonly accessKey: string; readonly secretKey: string },
  { nowMs }: EmbeddedScene,
): EmbeddedRequest {
  const { method = '', url = '', headers } = message
  const [rawPath, rawQuery] = splitOnce(url, '?')
  checkSignature({ method, rawPath, rawQuery, headers }, keys, nowMs())
  const [bucket = '', key = ''] = splitOnce(rawPath.slice(1), '/').map(decoded)
  const pairs = rawQuery === '' ? [] : rawQuery.split('&').map((pair) => splitOnce(pair, '='))
  const query = new Map(
    pairs.map(([name, value]) => [decoded(name), decoded(value.replaceAll('+', ' '))]),
  )
  return { message, method, bucket, key, query }
}

function misbehave(number: number, faults: EmbeddedStoreFaults): void {
  const { slowDowns = 0, slowDownEvery = 0 } = faults
  if (slowDowns > 0) faults.slowDowns = slowDowns - 1
  if (slowDowns > 0 || (slowDownEvery > 0 && number % slowDownEvery === 0))
    throw new StoreRefusal(503, 'SlowDown', 'please reduce your request rate')
}

function refuse(message: IncomingMessage, answer: ServerResponse, error: unknown): void {
  // The client left, or the answer has begun: it must not end as if it were whole.
  if (answer.headersSent || answer.destroyed) {
    answer.destroy()
    return
  }
  const refusal =
    error instanceof StoreRefusal ? error : new StoreRefusal(500, 'InternalError', String(error))
  // What is left of an upload is not read.
  if (!message.complete) answer.setHeader('connection', 'close')
  // Without writeHead Node says the length, as MinIO does.
  answer.statusCode = refusal.status
  answer.setHeader('content-type', 'application/xml')
  answer.end(message.method === 'HEAD' ? '' : errorXml(refusal))
}

function logged(message: IncomingMessage, status: number): EmbeddedStoreRequest {
  const { method = '', url = '', headers } = message
  return { method, url, status, ...(headers.range === undefined ? {} : { range: headers.range }) }
}

function splitOnce(text: string, sign: string): [string, string] {
  const at = text.indexOf(sign)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new StoreRefusal(400, 'InvalidURI', 'the url is not encoded as it should be')
  }
}
