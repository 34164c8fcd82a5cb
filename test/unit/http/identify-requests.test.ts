import t, { type Test } from 'tap'
import type { Caller } from '../../../service/credentials/caller.ts'
import { anonymous } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import { httpServer } from '../../../service/http/http-server.ts'
import { MetricsRegistry } from '../../../service/metrics/registry.ts'
import type { TableQueries } from '../../../service/query/table-queries.ts'
import { Quarantine } from '../../../service/scan/quarantine.ts'

/** A server of which `Bearer <name>` makes a caller of that name, and `root` an operator. */
async function listening(t: Test) {
  const asked: string[] = []
  const observed: unknown[] = []
  const server = httpServer({
    host: '127.0.0.1',
    port: 0,
    registry: new MetricsRegistry('1.2.3'),
    translate: (reason) => GatewayError.from(reason),
    version: '1.2.3',
    identify: async ({ authorization }) => {
      const name = authorization?.split(' ')[1]
      if (name === undefined) throw new GatewayError('unauthenticated', 'nobody is told')
      return { ...anonymous, name, isOperator: name === 'root' }
    },
    queriesFor: ({ name }: Caller) => {
      asked.push(name)
      const listSchemas: TableQueries['listSchemas'] = async () => [name]
      return { listSchemas } as TableQueries
    },
    observe: ({ caller, error }) => void observed.push([caller, error?.code ?? 'ok']),
    quarantine: { quarantine: new Quarantine({ keptMs: 60_000, nowMs: () => 0 }), nowMs: () => 0 },
    health: {
      ready: async () => new GatewayError('unavailable', 'the store at http://minio is gone'),
      accepting: () => true,
    },
  })
  t.teardown(() => server.close())
  const url = await server.listen()
  const ask = async (path: string, name?: string, method = 'GET') => {
    const headers = name === undefined ? {} : { authorization: `Bearer ${name}` }
    const response = await fetch(url + path, { headers, method })
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, challenge, body: await response.text() }
  }
  return { ask, asked, observed }
}

t.test('each request is answered for whoever sends it', async (t) => {
  const { ask, asked, observed } = await listening(t)
  t.match(await ask('/v1/schemas', 'ann'), { status: 200, body: '{"schemas":["ann"]}' })
  t.match(await ask('/v1/schemas', 'bob'), { status: 200, body: '{"schemas":["bob"]}' })
  t.match(await ask('/v1/schemas'), { status: 401, challenge: /^Bearer realm=.*, Basic realm=/ })
  t.strictSame(asked, ['ann', 'bob'])
  while (observed.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  t.strictSame(observed, [
    ['ann', 'ok'],
    ['bob', 'ok'],
    ['', 'unauthenticated'],
  ])
})

t.test('a route that there is not says so to callers alone', async (t) => {
  const { ask } = await listening(t)
  for (const [path, method] of [
    ['/nothing', 'GET'],
    ['/', 'POST'],
    ['/healthz', 'DELETE'],
    ['//healthz', 'GET'],
    ['/healthz/../v1/schemas', 'GET'],
    ['/v1/schemas/%2e%2e/tables', 'GET'],
  ] as const) {
    t.equal((await ask(path, undefined, method)).status, 401, `${method} ${path}`)
  }
  t.equal((await ask('/nothing', 'ann')).status, 404)
})

t.test('why the gateway is not ready is told to operators', async (t) => {
  const { ask } = await listening(t)
  const told = '{"status":"not ready","error":{"code":"unavailable"}}'
  t.match(await ask('/readyz'), { status: 503, body: told })
  t.match(await ask('/readyz', 'ann'), { status: 503, body: told })
  t.match(await ask('/readyz', 'root'), { status: 503, body: /http:\/\/minio is gone/ })
})

t.test('what is for operators is forbidden to others', async (t) => {
  const { ask } = await listening(t)
  for (const path of ['/metrics', '/v1/quarantine']) {
    t.equal((await ask(path)).status, 401, path)
    t.match(await ask(path, 'ann'), { status: 403, challenge: null, body: /forbidden/ })
    t.equal((await ask(path, 'root')).status, 200, path)
  }
  t.equal((await ask('/v1/quarantine?source=x', 'ann', 'DELETE')).status, 403)
})
