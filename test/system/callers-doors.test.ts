import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { largeFile } from '../support/large-table.ts'
import { allMethods, anyCaller } from '../support/any-call.ts'
import { clientId, foreignKey, startIdentityProvider } from '../support/start-identity-provider.ts'
import { runGatewayCommand } from '../support/start-gateway-process.ts'
import { startStack } from '../support/start-stack.ts'

// Whoever is not known gets nothing, at every port and by every method, however it tries.

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const schema = 'lake-callers'
const provider = await startIdentityProvider()
const issuer = new URL(provider.configurationUrl).origin
const callers = `
roles:
  all: { tables: [{ schema: '*', table: '*' }] }
  run: { operator: true }
callers:
  - { name: ann, roles: [all], tokens: [{ sha256: '${sha256('of-ann')}' }, { sha256: '${sha256('old')}', expires: 2020-01-01 }] }
  - { name: bob, roles: [run], tokens: [{ sha256: '${sha256('of-bob')}' }] }
  - { name: gateway, roles: [all] }
issuers: [{ issuer: '${issuer}', audience: ${clientId}, jwks: '${issuer}/keys' }]
`
const stack = await startStack({
  gateway: {
    SPILLWAY_CALLERS_FILE: join(t.testdir({ 'callers.yaml': callers }), 'callers.yaml'),
    BUCKET_PREFIX: 'lake-',
  },
})
const grpc = anyCaller(stack.grpc)
t.teardown(async () => {
  grpc.close()
  await stack.close()
  await provider.close()
})
await stack.client.makeBucket(schema)
const { bytes } = largeFile({ seed: 1, rowCount: 1_000, rowsPerGroup: 1_000 })
await stack.client.putObject(schema, 'tables/orders/a.parquet', Buffer.from(bytes))

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const jwt = provider.token()
const [head = '', body = ''] = jwt.split('.')
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** Ways to try it without being anybody. */
const strangers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  nothing: {},
  'no token': { authorization: 'Bearer' },
  'another scheme': { authorization: 'Digest of-ann' },
  'a wrong token': { authorization: 'Bearer of-anna' },
  'the hash of a token': { authorization: `Bearer ${sha256('of-ann')}` },
  'an expired token': { authorization: 'Bearer old' },
  "another's name": { authorization: basic('bob:of-ann') },
  'a name without a token': { authorization: basic('ann:') },
  'alg=none': { authorization: `Bearer ${encoded({ alg: 'none' })}.${body}.` },
  'a wrong key': { authorization: `Bearer ${provider.token({ key: foreignKey() })}` },
  'a wrong audience': {
    authorization: `Bearer ${provider.token({ claims: { aud: 'somebody' } })}`,
  },
  'an expired JWT': { authorization: `Bearer ${provider.token({ seconds: -600 })}` },
  'a truncated JWT': { authorization: `Bearer ${jwt.slice(0, -20)}` },
  'a JWT without its signature': { authorization: `Bearer ${head}.${body}` },
}

/** Callers that are somebody. */
const known: Readonly<Record<string, string>> = {
  ann: 'Bearer of-ann',
  'ann by Basic': basic('ann:of-ann'),
  'a JWT': `Bearer ${jwt}`,
  'a JWT by Basic': basic(`gateway:${jwt}`),
}

t.test('no gRPC method answers a stranger, nor says whether it is there', async (t) => {
  t.ok(allMethods.length >= 18, allMethods.join(' '))
  const methods = [
    ...allMethods,
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/a/b',
  ]
  for (const [how, headers] of Object.entries(strangers)) {
    for (const method of methods) {
      const answer = await grpc.call(method, headers)
      t.equal(answer.status, status.UNAUTHENTICATED, `${method} with ${how}`)
    }
  }
})

t.test('every gRPC method lets in who is known, and echoes no token', async (t) => {
  for (const [how, authorization] of Object.entries(known)) {
    for (const method of allMethods) {
      const answer = await grpc.call(method, { authorization })
      t.not(answer.status, status.UNAUTHENTICATED, `${method} with ${how}`)
      if (method.endsWith('/Handshake')) continue
      const echoed = answer.metadata.flatMap((some) => some.get('authorization'))
      t.strictSame(echoed, [], `${method} echoes nothing`)
    }
  }
  const watched = await grpc.call('/grpc.health.v1.Health/Check', {
    authorization: 'Bearer of-ann',
  })
  t.equal(watched.status, status.OK)
})

/** All routes of the description, with an unknown one, whole. */
async function routes(): Promise<readonly (readonly [method: string, path: string])[]> {
  const response = await fetch(`${stack.http}/openapi.json`)
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, object>> }
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  )
  return [...found, ['GET', '/v1/nothing'], ['POST', '/healthz/'], ['OPTIONS', '/v1/read']]
}

const open = new Set(['/', '/healthz', '/readyz', '/openapi.json'])
t.test('no HTTP route answers a stranger', async (t) => {
  const all = await routes()
  t.ok(all.length > 10, all.join(' '))
  for (const [how, headers] of Object.entries(strangers)) {
    for (const [method, path] of all) {
      if (open.has(path)) continue
      const url = `${stack.http}${path.replaceAll(/\{\w+\}/g, 'x')}`
      const response = await fetch(url, { method, headers })
      t.equal(response.status, 401, `${method} ${path} with ${how}`)
      t.match(response.headers.get('www-authenticate'), /^Bearer realm="spillway", Basic /)
      t.match(await response.json(), { error: { code: 'unauthenticated', retry: 'never' } })
    }
  }
})

t.test('what is open tells a stranger nothing', async (t) => {
  for (const headers of Object.values(strangers)) {
    const answers = await Promise.all(
      ['/healthz', '/readyz'].map(async (path) =>
        (await fetch(stack.http + path, { headers })).json(),
      ),
    )
    t.strictSame(answers, [{ status: 'alive' }, { status: 'ready' }])
  }
})

t.test('links work with name and token', async (t) => {
  for (const [how, authorization] of Object.entries(known)) {
    const url = `${stack.http}/v1/read?schema=${schema}&table=orders&limit=1&format=csv`
    const response = await fetch(url, { headers: { authorization } })
    t.equal(response.status, 200, how)
    t.equal((await response.text()).trim().split('\n').length, 2)
  }
})

t.test('metrics, quarantine and what stands behind readiness are for operators', async (t) => {
  const asked = async (path: string, token: string) =>
    fetch(stack.http + path, { headers: { authorization: `Bearer ${token}` } })
  for (const path of ['/metrics', '/v1/quarantine']) {
    t.equal((await asked(path, 'of-ann')).status, 403, path)
    t.equal((await asked(path, 'of-bob')).status, 200, path)
  }
  t.strictSame(await (await asked('/readyz', 'of-ann')).json(), { status: 'ready' })
  t.match(await (await asked('/readyz', 'of-bob')).json(), { status: 'ready', credentials: {} })
  t.strictSame(await (await asked('/v1/schemas', 'of-bob')).json(), { schemas: [] }, 'no tables')
})

t.test('the command line shows its token, and says so when it has none', async (t) => {
  const run = (words: string, settings = {}) =>
    runGatewayCommand([...words.split(' '), '--gateway', stack.grpc], settings)
  const read = `read ${schema}.orders --limit 2 --columns id --format csv`
  for (const [words, settings] of [
    [`${read} --token of-ann`, {}],
    [read, { SPILLWAY_TOKEN: 'of-ann' }],
    [`${read} --token of-ann`, { SPILLWAY_TOKEN: 'wrong' }],
  ] as const) {
    const { code, stdout, stderr } = await run(words, settings)
    t.strictSame([code, stdout.trim().split('\n').length], [0, 3], stderr)
  }
  t.match(await run(read), { code: 1, stdout: '', stderr: /unauthenticated: / })
  t.match(await run(`${read} --token wrong`), { code: 1, stderr: /unauthenticated: / })
  t.match(await run('tables --token of-bob'), { code: 0, stdout: '' })
})

t.test('the log names who called, and never a token', async (t) => {
  const text = stack.log.join('')
  t.match(text, /"caller":"ann"/)
  t.match(text, /"caller":"gateway"/)
  for (const secret of ['of-ann', 'of-bob', sha256('of-ann'), jwt, body]) {
    t.notOk(text.includes(secret), secret.slice(0, 12))
  }
})
