import assert from 'node:assert'
import type { StoreCredentials } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { getSigner } from './get-signer.ts'
import type { HttpResponseHead } from './http-response-head.ts'
import { HttpResponseReader } from './http-response-reader.ts'
import type { HttpResponse } from './http-response-reader.ts'
import type { ReadRequest } from './object-store.ts'
import {
  checkRangeAnswer,
  checkRangeLength,
  rangeErrand,
  rangeHeaders,
  rangeMemory,
  tellVersion,
} from './range-answer.ts'
import { rangeSocketPool } from './range-socket-pool.ts'
import type { ExchangeEnd } from './range-socket.ts'
import { parseRefusal } from './s3-answers.ts'
import { deadlineOf, storeUrl } from './s3-connection.ts'
import type { S3ConnectionOptions } from './s3-connection.ts'
import { refusedBy, unreachable } from './s3-refusals.ts'
import { signedGet } from './signed-get.ts'

export interface RangeReaderOptions extends S3ConnectionOptions {
  /** A connection that does not stand after so long has failed; default 5 s. */
  readonly connectMsMax?: number
  /** A socket unused for so long is closed; default 20 s, for MinIO closes after 30. */
  readonly idleMsMax?: number
  /** Reads that may wait for a socket; default 1,024. */
  readonly waitingMax?: number
  readonly nowMs?: () => number
}

/** Reads ranges from an S3 store over plain sockets. */
export interface RangeReader {
  /**
   * The bytes; `odd`: the answer was not of the plain kind; `unsendable`: the request has text that plain lines
   * cannot carry, nothing was sent.
   *
   * @throws {GatewayError} as ObjectStore's `read`, and `busy` when too many wait for a socket.
   */
  read(
    request: ReadRequest,
    granted: StoreCredentials,
    signal: AbortSignal,
  ): Promise<Uint8Array | 'odd' | 'unsendable'>
  close(): void
}

/** A refusal is some hundred bytes of XML. */
const ERROR_BYTES_MAX = 64 << 10

/** @throws {GatewayError} `invalid_request` the URL is not one of a store. */
export function rangeReader(options: RangeReaderOptions): RangeReader {
  const { region = 'us-east-1', silenceMsMax = 10_000, requestMsMax = 60_000 } = options
  const { connectMsMax = 5_000, idleMsMax = 20_000, nowMs = Date.now } = options
  const { connectionsMax = 64, waitingMax = 1_024 } = options
  const url = storeUrl(options.url)
  const limits = { connectMsMax, idleMsMax, silenceMsMax, connectionsMax, waitingMax }
  const pool = rangeSocketPool({ ...options, ...limits, url })
  const sign = getSigner(region)

  /** A socket that the server closed meanwhile is no failure: reading twice does no harm. */
  const exchange = async (
    text: string,
    request: ReadRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | 'odd'> => {
    const attempt = (isNew: boolean): Promise<ExchangeEnd> => {
      const reader = new HttpResponseReader((head) => bodyMemory(head, request))
      return pool.use((socket) => socket.exchange(text, reader, signal), { isNew }, signal)
    }
    const first = await attempt(false)
    if (first !== 'stale') return first
    const second = await attempt(true)
    assert(second !== 'stale', 'a new socket is never stale')
    return second
  }

  return {
    async read(request, granted, signal) {
      const form = { ...request.object, host: url.host, headers: rangeHeaders(request) }
      const text = signedGet(form, { sign, credentials: granted, date: new Date(nowMs()) })
      if (text === undefined) return 'unsendable'
      const deadline = deadlineOf(signal, requestMsMax)
      try {
        const answer = await exchange(text, request, deadline.signal)
        return answer === 'odd' ? answer : bytesOf(answer, url.origin, request)
      } catch (error) {
        if (signal.aborted) throw GatewayError.from(signal.reason)
        if (deadline.signal.aborted) throw unreachable(url.origin, deadline.signal.reason)
        throw error instanceof GatewayError ? error : unreachable(url.origin, error)
      } finally {
        deadline.release()
      }
    },
    close: () => pool.close(),
  }
}

/** Where the body goes once its head is checked. */
function bodyMemory(head: HttpResponseHead, request: ReadRequest): Uint8Array | undefined {
  const { status, bodyBytes } = head
  if (status >= 400) return bodyBytes <= ERROR_BYTES_MAX ? new Uint8Array(bodyBytes) : undefined
  checkRangeAnswer(head, request)
  checkRangeLength(bodyBytes, request)
  return rangeMemory(request)
}

function bytesOf({ head, body }: HttpResponse, origin: string, request: ReadRequest): Uint8Array {
  if (head.status < 300) {
    tellVersion(head.versionId, request)
    return body
  }
  const refusal = parseRefusal(head.status, Buffer.from(body).toString())
  throw refusedBy(refusal, rangeErrand(origin, request), head.etag)
}
