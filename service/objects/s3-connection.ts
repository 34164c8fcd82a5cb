import http from 'node:http'
import https from 'node:https'
import { Client } from 'minio'
import type { StoreCredentials } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { unreachable } from './s3-refusals.ts'

export interface S3ConnectionOptions {
  /** `http(s)://host[:port]`, nothing after it. */
  readonly url: string
  /** Default `us-east-1`, which MinIO takes for any. */
  readonly region?: string
  /** PEM of the authority that signed the store's certificate; absent: the ones Node knows. */
  readonly certificateAuthority?: string
  /** Sockets to the store; default 64. More requests than that wait, which counts against their time. */
  readonly connectionsMax?: number
  /** A request without a byte for so long has failed; default 10 s. */
  readonly silenceMsMax?: number
  /** The whole of a request, its body included; default 60 s. */
  readonly requestMsMax?: number
}

export interface S3Request {
  /** Absent: the request is to the store itself. */
  readonly bucket?: string
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer as it arrives. Its body is read to the end, or the socket is closed. */
export interface S3Answer {
  readonly status: number
  readonly body: http.IncomingMessage
}

export interface S3Connection {
  /** `http(s)://host[:port]`. */
  readonly origin: string
  /**
   * Sends one signed GET and gives any answer, whatever its status, to `consume`. When it settles the socket is
   * free or closed.
   *
   * @throws {GatewayError} `unavailable` no answer, a broken one, or none in time; `cancelled` the signal aborted.
   */
  send<T>(
    request: S3Request,
    credentials: StoreCredentials,
    consume: (answer: S3Answer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>
  close(): void
}

/** MinIO closes a connection that idles for 30 s; we close first, so that no request meets the closing. */
const IDLE_MS_MAX = 20_000
/** minio eats the body of most errors; this one status it hands on stands for all that are not good. */
const MASK = 400
const accepted = [200, 206, MASK]

/**
 * A pool of keep-alive connections to one S3 store. minio signs the requests; sending, time-outs and cancelling
 * are ours, for it has none.
 *
 * @throws {GatewayError} `invalid_request` the URL is not one of a store.
 */
export function s3Connection(options: S3ConnectionOptions): S3Connection {
  const { region = 'us-east-1', silenceMsMax = 10_000, requestMsMax = 60_000 } = options
  const { connectionsMax = 64 } = options
  const url = storeUrl(options.url)
  const secure = url.protocol === 'https:'
  const pool = {
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: connectionsMax,
    timeout: IDLE_MS_MAX,
  }
  const ca = options.certificateAuthority
  const agent = secure
    ? new https.Agent({ ...pool, ...(ca === undefined ? {} : { ca }) })
    : new http.Agent(pool)
  const scheme = secure ? https : http

  const clientOf = (credentials: StoreCredentials, transport: typeof http.request): Client =>
    new Client({
      endPoint: url.hostname.replace(/^\[|\]$/g, ''),
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      useSSL: secure,
      region,
      pathStyle: true,
      accessKey: credentials.accessKey,
      secretKey: credentials.secretKey.reveal(),
      ...(credentials.sessionToken === undefined
        ? {}
        : { sessionToken: credentials.sessionToken.reveal() }),
      transport: { request: transport },
      transportAgent: agent,
      retryOptions: { disableRetry: true },
    })

  return {
    origin: url.origin,
    async send(request, credentials, consume, signal) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      const deadline = deadlineOf(signal, requestMsMax)
      let status = 0
      const transport = (settings: http.RequestOptions, onAnswer: OnAnswer): http.ClientRequest => {
        const limits = { signal: deadline.signal, timeout: silenceMsMax }
        const sent = scheme.request({ ...settings, ...limits }, (answer) => {
          status = answer.statusCode ?? 0
          if (status !== 200 && status !== 206) answer.statusCode = MASK
          onAnswer(answer)
        })
        sent.on('timeout', () => deadline.end(`no byte for ${silenceMsMax} ms`))
        return sent
      }
      try {
        const client = clientOf(credentials, transport as typeof http.request)
        const body = await client.makeRequestAsync(wireForm(request), '', accepted, region)
        try {
          return await consume({ status, body })
        } finally {
          if (!body.readableEnded) body.destroy()
        }
      } catch (error) {
        if (error instanceof GatewayError) throw error
        if (signal.aborted) throw GatewayError.from(signal.reason)
        throw unreachable(url.origin, deadline.signal.aborted ? deadline.signal.reason : error)
      } finally {
        deadline.release()
      }
    },
    close: () => agent.destroy(),
  }
}

type OnAnswer = (answer: http.IncomingMessage) => void

/** @throws {GatewayError} `invalid_request` it is more or less than `http(s)://host[:port]`. */
export function storeUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const good =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    url.pathname === '/'
  // The text is not shown: it may hold a password.
  if (!good)
    throw new GatewayError('invalid_request', "the store's url must be http(s)://host[:port]")
  return url
}

function wireForm(request: S3Request): Parameters<Client['makeRequestAsync']>[0] {
  const query = Object.entries(request.query ?? {})
    .map(([name, value]) => `${name}=${escaped(value)}`)
    .join('&')
  return {
    method: 'GET',
    pathStyle: true,
    headers: { ...request.headers },
    query,
    ...(request.bucket === undefined ? {} : { bucketName: request.bucket }),
    ...(request.key === undefined ? {} : { objectName: request.key }),
  }
}

/** As the signature wants it: everything but letters, digits and `-_.~`. */
export function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** The end of one request. */
export interface Deadline {
  /** Aborts with the caller's reason, or with an error of the code `ETIMEDOUT`. */
  readonly signal: AbortSignal
  end(why: string): void
  release(): void
}

/** The caller's signal or the end of the time, whichever comes first; `release` lets go of both. */
export function deadlineOf(signal: AbortSignal, ms: number): Deadline {
  const controller = new AbortController()
  const follow = (): void => controller.abort(signal.reason)
  const end = (why: string): void =>
    controller.abort(Object.assign(new Error(why), { code: 'ETIMEDOUT' }))
  const timer = setTimeout(end, ms, `not done after ${ms} ms`)
  signal.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    end,
    release() {
      clearTimeout(timer)
      signal.removeEventListener('abort', follow)
    },
  }
}
