import { once } from 'node:events'
import { request as httpRequest, Agent } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { json, text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { identifyAnybody } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { HttpServerOptions } from '../../../service/http/http-server.ts'
import { httpServer } from '../../../service/http/http-server.ts'
import { metricsServer } from '../../../service/http/metrics-server.ts'
import type { HealthOptions } from '../../../service/http/routes-health.ts'
import type { TableQueries } from '../../../service/query/table-queries.ts'
import { Quarantine } from '../../../service/scan/quarantine.ts'
import { MetricsRegistry } from '../../../service/metrics/registry.ts'
import {
  testAuthority,
  testCertificate,
  testCertificateKey,
} from '../../support/embedded-certificate.ts'
import { unchangingTls } from '../../support/tls-source.ts'

interface Parts extends Partial<Omit<HttpServerOptions, 'health'>> {
  readonly health?: Partial<HealthOptions>
}

const noQueries = {} as TableQueries

function serverOf({ health, ...options }: Parts = {}) {
  return httpServer({
    host: '127.0.0.1',
    port: 0,
    registry: new MetricsRegistry('1.2.3'),
    translate: (reason) => GatewayError.from(reason),
    version: '1.2.3',
    identify: identifyAnybody,
    queriesFor: () => noQueries,
    quarantine: { quarantine: new Quarantine({ keptMs: 60_000, nowMs: () => 0 }), nowMs: () => 0 },
    ...options,
    health: { ready: async () => undefined, accepting: () => true, ...health },
  })
}

async function listening(t: Test, parts?: Parts): Promise<string> {
  const server = serverOf(parts)
  t.teardown(() => server.close())
  return server.listen()
}

async function ask(url: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, init)
  return { status: response.status, body: await response.json() }
}

t.test('healthz says alive, whatever the store says', async (t) => {
  const ready = async () => new GatewayError('unavailable', 'the store is gone')
  const url = await listening(t, { health: { ready, accepting: () => false } })
  t.strictSame(await ask(`${url}/healthz`), { status: 200, body: { status: 'alive' } })
})

t.test('readyz says ready, the reason why not, or that it drains', async (t) => {
  let error: GatewayError | undefined
  let accepting = true
  const signals: AbortSignal[] = []
  const ready = async (signal: AbortSignal) => {
    signals.push(signal)
    return error
  }
  const url = await listening(t, { health: { ready, accepting: () => accepting } })
  t.strictSame(await ask(`${url}/readyz`), { status: 200, body: { status: 'ready' } })
  error = new GatewayError('unavailable', 'the store at http://minio refused the connection')
  t.strictSame(await ask(`${url}/readyz`), {
    status: 503,
    body: {
      status: 'not ready',
      reason: 'the store at http://minio refused the connection',
      error: {
        code: 'unavailable',
        message: 'the store at http://minio refused the connection',
        retry: 'later',
      },
    },
  })
  accepting = false
  t.match(await ask(`${url}/readyz`), { status: 503, body: { status: 'draining' } })
  t.equal(signals.length, 2, 'a draining service asks nobody')
  t.ok(signals.every((signal) => signal instanceof AbortSignal))
})

t.test('readyz tells how the credentials of the store stand', async (t) => {
  const report = { source: 'web-identity', expiresInSeconds: 7 } as const
  let error: GatewayError | undefined
  const ready = async () => error
  const url = await listening(t, { health: { ready, credentials: () => report } })
  t.strictSame(await ask(`${url}/readyz`), {
    status: 200,
    body: { status: 'ready', credentials: report },
  })
  error = new GatewayError('unavailable', 'the token has ended')
  t.match(await ask(`${url}/readyz`), {
    status: 503,
    body: { reason: error.message, credentials: report },
  })
})

t.test('metrics are Prometheus text', async (t) => {
  const url = await listening(t)
  const response = await fetch(`${url}/metrics`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.match(await response.text(), 'spillway_build_info{version="1.2.3"} 1\n')
})

t.test('what is quarantined is listed, and one of them released', async (t) => {
  const quarantine = new Quarantine({ keptMs: 60_000, nowMs: () => 0 })
  const source = 'lake/t/a b.parquet, row group 3'
  const piece = {
    source,
    object: { bucket: 'lake', key: 't/a b.parquet', etag: '7', sizeBytes: 1 },
  }
  quarantine.accuse(piece, 'trap', undefined)
  const url = `${await listening(t, { quarantine: { quarantine, nowMs: () => 1_500 } })}/v1/quarantine`
  const rowGroups = [{ source, etag: '7', how: 'trap', secondsLeft: 59 }]
  t.strictSame(await ask(url), { status: 200, body: { rowGroups } })
  const remove = { method: 'DELETE' }
  t.match(await ask(url, remove), { status: 400, body: { error: { code: 'invalid_request' } } })
  const named = `${url}?source=${encodeURIComponent(source)}`
  t.strictSame(await ask(named, remove), { status: 200, body: { released: source } })
  t.equal(quarantine.refusal(piece), undefined)
  t.strictSame(await ask(url), { status: 200, body: { rowGroups: [] } })
  t.match(await ask(named, remove), { status: 404, body: { error: { code: 'invalid_request' } } })
})

t.test('errors are JSON with code, message and retry', async (t) => {
  const reasons: unknown[] = []
  const ready = async () => {
    throw new TypeError('secret')
  }
  const translate = (reason: unknown) => {
    reasons.push(reason)
    return GatewayError.from(reason)
  }
  const url = await listening(t, { translate, health: { ready } })
  const notFound = { status: 404, body: { error: { code: 'invalid_request', retry: 'never' } } }
  t.match(await ask(`${url}/nothing?token=secret`), notFound)
  t.match(await ask(`${url}/nothing?token=secret`), {
    body: { error: { message: 'no such route: GET /nothing' } },
  })
  t.match(await ask(`${url}/healthz`, { method: 'POST' }), notFound)
  t.strictSame(reasons, [])
  t.strictSame(await ask(`${url}/readyz`), {
    status: 500,
    body: { error: { code: 'internal', message: 'internal error', retry: 'never' } },
  })
  t.match(reasons, [{ message: 'secret' }], 'the log may know the cause')
})

t.test('a body that is no JSON or larger than 1 MiB is refused', async (t) => {
  const url = await listening(t)
  const post = (body: string) =>
    ask(`${url}/nothing`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  t.match(await post('{'), { status: 400, body: { error: { code: 'invalid_request' } } })
  t.match(await post(JSON.stringify('x'.repeat(1024 * 1024))), {
    status: 413,
    body: { error: { code: 'too_large' } },
  })
})

t.test('a port that is taken is an error that names it', async (t) => {
  const url = new URL(await listening(t))
  const second = serverOf({ port: Number(url.port) })
  t.teardown(() => second.close())
  await t.rejects(second.listen(), {
    code: 'unavailable',
    message: new RegExp(`^cannot listen on ${url.host}: `),
  })
})

t.test('closing waits for a running request and not for idle connections', async (t) => {
  let answer: () => void = () => {}
  let asked: () => void = () => {}
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const ready = () => {
    asked()
    return new Promise<undefined>((resolve) => (answer = () => resolve(undefined)))
  }
  const server = serverOf({ health: { ready } })
  const url = await server.listen()
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const [first] = await once(httpRequest(`${url}/healthz`, { agent }).end(), 'response')
  await json(first)
  const running = ask(`${url}/readyz`)
  await isAsked
  const closed = server.close()
  answer()
  t.equal((await running).status, 200)
  await closed
  await t.rejects(fetch(`${url}/healthz`))
})

t.test('with TLS, and a client that must show a certificate', async (t) => {
  const pair = { certificate: Buffer.from(testCertificate), key: Buffer.from(testCertificateKey) }
  const get = async (url: string): Promise<string> => {
    const [response] = await once(httpsRequest(url, { ca: testAuthority }).end(), 'response')
    return text(response)
  }
  const open = await listening(t, { tls: unchangingTls(pair) })
  t.match(open, /^https:\/\/127\.0\.0\.1:\d+$/)
  t.equal(await get(`${open}/healthz`), '{"status":"alive"}')
  const mutual = await listening(t, {
    tls: unchangingTls({ ...pair, clientAuthority: Buffer.from(testAuthority) }),
  })
  await t.rejects(get(`${mutual}/healthz`))
})

t.test('whoever is told busy is told when to come again', async (t) => {
  const busy = new GatewayError('busy', 'try again later', { retryAfterMs: 1_500 })
  const url = await listening(t, {
    health: {
      ready: async () => {
        throw busy
      },
    },
  })
  const response = await fetch(`${url}/readyz`)
  t.equal(response.status, 429)
  t.equal(response.headers.get('retry-after'), '2')
})

t.test('metrics that have a port of their own are on no other', async (t) => {
  const registry = new MetricsRegistry('1.2.3')
  const url = await listening(t, { registry, hasMetrics: false })
  t.equal((await fetch(`${url}/metrics`)).status, 404)
  const own = metricsServer({
    host: '127.0.0.1',
    port: 0,
    registry,
    identify: identifyAnybody,
    translate: (reason) => GatewayError.from(reason),
  })
  t.teardown(() => own.close())
  t.match(await (await fetch(`${await own.listen()}/metrics`)).text(), 'spillway_build_info')
})
