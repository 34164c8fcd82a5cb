import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { canaries } from '../support/canaries.ts'
import { makeAuthority } from '../support/make-certificate.ts'
import { startSecretsManager } from '../support/start-secrets-manager.ts'
import {
  type GatewayProcess,
  gatewaySettings,
  runGatewayCommand,
  type Settings,
  startGatewayProcess,
} from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'
const crash = `--import=${join(import.meta.dirname, '../support/crash-on-signal.mjs')}`
const secrets = canaries()
const plant = (field: string) => secrets.plant(field)
const plantAs = (field: string, secret: string) => secrets.plantAs(field, secret)

t.setTimeout(240_000)

/** Headers in which clients send secrets, by way of their names. */
const secretHeaders = [
  'authorization auth-token-bin cookie proxy-authorization x-api-key token password database',
  'x-amz-security-token x-auth-token x-amz-content-sha256 x-forwarded-user arrow_flight_session_id',
  'traceparent tracestate user-agent referer',
].flatMap((line) => line.split(' '))

const methods = [
  '/grpc.health.v1.Health/Check',
  '/nobody.knows/This',
  ...'GetCapabilities ListSchemas ListTables DescribeTable PlanSplits ReadSplit'
    .split(' ')
    .map((name) => `/spillway.v1.Federation/${name}`),
  ...'Handshake ListFlights GetFlightInfo GetSchema DoGet DoAction DoPut'
    .split(' ')
    .map((name) => `/arrow.flight.protocol.FlightService/${name}`),
]

const routes = [
  '/ /healthz /readyz /metrics /openapi.json /v1/schemas /v1/nothing /v1/quarantine',
  '/v1/schemas/lake/tables /v1/read?schema=lake&table=t&format=csv',
  '/v1/plan?schema=lake&table=t&filter=nonsense+%3D',
].flatMap((line) => line.split(' '))

/** All that a gateway lets out: answers of every route and method to requests full of secrets, log, stderr. */
async function outputOf(gateway: GatewayProcess): Promise<string> {
  const output: string[] = []
  const schemes = ['Basic', 'Bearer', 'Digest', 'Negotiate']
  for (const [index, route] of routes.entries()) {
    const secret = plant(`query parameter of ${route}`)
    const headers: Record<string, string> = { 'x-tag': plant(`some header of ${route}`) }
    for (const name of secretHeaders) headers[name] = plant(`HTTP header ${name}`)
    const scheme = schemes[index % schemes.length] ?? ''
    const password = plant(`password of ${scheme}`)
    const basic = Buffer.from(`user:${password}`).toString('base64')
    headers['authorization'] = `${scheme} ${scheme === 'Basic' ? basic : password}`
    const url = `${gateway.http}${route}${route.includes('?') ? '&' : '?'}access_token=${secret}`
    const response = await fetch(url, { headers })
    output.push(JSON.stringify([...response.headers]), await response.text())
    const post = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } }
    const body = `{"password": "${plant(`body of ${route}`)}`
    output.push(await (await fetch(url, { ...post, body })).text())
  }
  const client = new Client(gateway.grpc, credentials.createInsecure())
  for (const path of methods) output.push(await failureText(client, path))
  client.close()
  return output.join('\n')
}

/** The answer to a call whose metadata and message are full of secrets. */
function failureText(client: Client, path: string): Promise<string> {
  const metadata = new Metadata()
  for (const name of secretHeaders) {
    const secret = plant(`metadata ${name} of ${path}`)
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(secret) : secret)
  }
  const asIs = (bytes: Buffer) => bytes
  // A field of bytes as number 15: known to no message, and a ticket, payload or command to none.
  const secret = Buffer.from(plant(`message of ${path}`))
  const message = Buffer.concat([Buffer.of(0x7a, secret.length), secret])
  return new Promise((resolve) => {
    const deadline = Date.now() + 10_000
    client.makeUnaryRequest(path, asIs, asIs, message, metadata, { deadline }, (error, answer) => {
      const { details = '', metadata: trailers } = (error ?? {}) as Partial<ServiceError>
      resolve(`${details} ${JSON.stringify(trailers?.toJSON())} ${String(answer)}`)
    })
  })
}

/** The end of a gateway that dies of a programming error, and all it said in its life. */
async function endOf(gateway: GatewayProcess): Promise<string> {
  gateway.kill('SIGUSR2')
  await gateway.exited
  return `${JSON.stringify(gateway.log)}\n${gateway.errorText()}`
}

async function startedWith(t: Test, store: Parameters<typeof gatewaySettings>[0], more: Settings) {
  const settings = { SPILLWAY_LOG_LEVEL: 'trace', NODE_OPTIONS: crash, ...more }
  const gateway = await startGatewayProcess(gatewaySettings(store, settings))
  t.teardown(() => gateway.stop())
  return gateway
}

const ticketKey = (which: string) =>
  plantAs(`ticket key ${which}`, randomBytes(32).toString('base64'))

t.test('what must be found is found', async (t) => {
  const own = canaries()
  const secret = own.plant('somewhere')
  const wrapped = Buffer.from(`user:${secret}!`)
  for (const text of [secret, wrapped.toString('base64'), wrapped.toString('hex')]) {
    t.strictSame(own.leaksIn(`before ${text} after`), ['1 somewhere'])
  }
  t.strictSame(own.leaksIn('nothing'), [])
})

t.test(
  'a gateway that works lets no secret out, nor when it dies',
  { skip: isSkipped },
  async (t) => {
    const accessKey = plant('access key of the store')
    const secretKey = plant('secret key of the store')
    const env = { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey }
    const store = { ...(await startMinio({ env })), accessKey, secretKey }
    t.teardown(() => store.stop())
    await storeClient(store).makeBucket('lake')
    await storeClient(store).putObject('lake', 'tables/t/bad.parquet', 'PAR1 no Parquet PAR1')
    const gateway = await startedWith(t, store, {
      SPILLWAY_TICKET_KEYS: [ticketKey('first'), ticketKey('second')].join(),
      AWS_SECRET_ACCESS_KEY: plant('AWS_SECRET_ACCESS_KEY'),
      AWS_SESSION_TOKEN: plant('AWS_SESSION_TOKEN'),
      SPILLWAY_TOKEN: plant('SPILLWAY_TOKEN'),
    })
    t.equal((await fetch(`${gateway.http}/readyz`)).status, 200, 'the secrets are in use')
    const working = await outputOf(gateway)
    await store.stop()
    const broken = await outputOf(gateway)
    const end = await endOf(gateway)
    t.match(end, 'planted by a test')
    t.match(broken, 'unavailable')
    t.strictSame(secrets.leaksIn(working + broken + end), [])
  },
)

t.test('credentials that are refused are not told', { skip: isSkipped }, async (t) => {
  const store = await startMinio()
  t.teardown(() => store.stop())
  const folder = await mkdtemp(join(tmpdir(), 'spillway-secrets-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, plant('web identity token'))
  const secret = {
    access_key: plant('access key in Secrets Manager'),
    secret_key: plant('secret key in Secrets Manager'),
    server: store.url,
  }
  const manager = await startSecretsManager(JSON.stringify(secret))
  t.teardown(() => manager.close())
  const aws = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: manager.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: plant('AWS_ACCESS_KEY_ID'),
    AWS_SECRET_ACCESS_KEY: plant('AWS_SECRET_ACCESS_KEY'),
  }
  const module = join(folder, 'vault.mjs')
  const fromVault = { accessKey: plant('access key of a module'), secretKey: plant('its secret') }
  await writeFile(module, `export default async () => (${JSON.stringify(fromVault)})`)
  const none = { SPILLWAY_STORE_ACCESS_KEY: '', SPILLWAY_STORE_SECRET_KEY: '' }
  const sources: Readonly<Record<string, Settings>> = {
    static: {
      SPILLWAY_STORE_ACCESS_KEY: plant('wrong access key'),
      SPILLWAY_STORE_SECRET_KEY: plant('wrong secret key'),
      SPILLWAY_STORE_SESSION_TOKEN: plant('session token'),
    },
    'web identity': { ...none, SPILLWAY_STORE_TOKEN_FILE: tokenFile },
    secret: { ...none, ...aws, AWS_SECRET: 'a-secret' },
    module: { ...none, SPILLWAY_STORE_CREDENTIALS_MODULE: `file://${module}` },
    'assumed role': {
      SPILLWAY_STORE_ACCESS_KEY: plant('access key of a role'),
      SPILLWAY_STORE_SECRET_KEY: plant('secret key of a role'),
      SPILLWAY_STORE_ROLE_ARN: 'arn:minio:iam:::role/none',
    },
  }
  for (const [name, settings] of Object.entries(sources)) {
    const gateway = await startedWith(t, store, settings)
    const ready = await fetch(`${gateway.http}/readyz`)
    t.equal(ready.status, 503, `${name}: refused`)
    const routes = await Promise.all(
      ['/v1/schemas', '/metrics'].map(async (route) =>
        (await fetch(`${gateway.http}${route}`)).text(),
      ),
    )
    const said = [await ready.text(), ...routes, await endOf(gateway)].join('\n')
    t.strictSame(secrets.leaksIn(said), [], name)
  }
})

t.test('tokens of callers are not told, nor what stands in a broken file of them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-secrets-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'callers.yaml')
  const token = plant('token of a caller')
  const sha256 = createHash('sha256').update(token).digest('hex')
  await writeFile(
    file,
    `roles: { all: { tables: [{ schema: '*', table: '*' }] } }
callers: [{ name: ann, roles: [all], tokens: [{ sha256: ${sha256} }] }]`,
  )
  const nowhere = { url: 'http://127.0.0.1:9', accessKey: 'nobody', secretKey: plant('store key') }
  const callers = { SPILLWAY_CALLERS_FILE: file }
  const gateway = await startedWith(t, nowhere, callers)
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`${gateway.http}/v1/schemas`, { headers })
    return { status: response.status, text: await response.text() }
  }
  const known = await ask({ authorization: `Bearer ${token}` })
  t.equal(known.status, 503, 'let in, to a store that is not there')
  const unknown = await ask({ authorization: `Bearer ${plant('token of nobody')}` })
  t.equal(unknown.status, 401)
  const refused = await outputOf(gateway)
  const broken = `callers: [{ name: ann, tokens: [${plant('token in place of its hash')}, { sha256: ${plant('no hash')} }] }]
unknown: { password: ${plant('password in the file')} `
  await writeFile(file, broken)
  await after(100)
  const end = await endOf(gateway)
  const restarted = await runGatewayCommand(['serve'], gatewaySettings(nowhere, callers))
  await writeFile(file, `${broken}}`)
  const again = await runGatewayCommand(['serve'], gatewaySettings(nowhere, callers))
  t.match(restarted.stdout + restarted.stderr, 'callers.yaml')
  const started = [restarted, again].map(({ stdout, stderr }) => stdout + stderr)
  const said = [known.text, unknown.text, refused, end, ...started].join('\n')
  t.strictSame(secrets.leaksIn(said), [])
})

t.test('settings that are wrong, and help, tell no secret', async (t) => {
  const url = (where: string, rest = '') => `http://user:${plant(where)}@store${rest}`
  const wrong: Settings = {
    SPILLWAY_STORE_URL: url('password in SPILLWAY_STORE_URL'),
    SPILLWAY_STORE_STS_URL: url('password in a URL that is none', ':99999999'),
    SPILLWAY_STORE_TOKEN_FILE: '/nowhere',
    SPILLWAY_TICKET_KEYS: `${plant('ticket key too short')},${ticketKey('third')}`,
    SPILLWAY_STORE_SECRET: plant('setting that does not exist'),
    SPILLWAY_STORE_SECRETKEY: plant('setting that hardly exists'),
    SPILLWAY_STORE_SECRET_KEY: plant('secret key without access key'),
    SPILLWAY_STORE_SESSION_TOKEN: plant('session token without keys'),
    SPILLWAY_TOKEN: plant('token of a client'),
  }
  const said: string[] = []
  for (const words of [['serve'], ['credentials'], ['credentials', '--help'], ['--help']]) {
    const { stdout, stderr, code } = await runGatewayCommand(words, wrong)
    if (words[0] === 'serve') t.equal(code, 2)
    said.push(stdout, stderr)
  }
  const client = { SPILLWAY_TOKEN: plant('token of a client') }
  const asked = await runGatewayCommand(['tables', '--server', '127.0.0.1:1'], client)
  t.not(asked.code, 0)
  said.push(asked.stdout, asked.stderr)
  t.match(said.join('\n'), /SPILLWAY_STORE_URL/)
  t.strictSame(secrets.leaksIn(said.join('\n')), [])
})

t.test('the key of the ports is not told, good or bad', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-secrets-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const { certificate, key } = makeAuthority().issue()
  plantAs('key of the ports', key.split('\n')[1] ?? '')
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  await writeFile(files.cert, certificate)
  await writeFile(files.key, key)
  const nowhere = { url: 'http://127.0.0.1:9', accessKey: 'nobody', secretKey: plant('unused key') }
  const tls = { SPILLWAY_TLS_CERT_FILE: files.cert, SPILLWAY_TLS_KEY_FILE: files.key }
  const gateway = await startedWith(t, nowhere, tls)
  t.match(gateway.http, /^https:/)
  await writeFile(files.key, plant('what is no key'))
  await after(100)
  const end = await endOf(gateway)
  const restarted = await runGatewayCommand(['serve'], gatewaySettings(nowhere, tls))
  t.match(restarted.stdout, 'is not the key of')
  t.strictSame(secrets.leaksIn(end + restarted.stdout + restarted.stderr), [])
})

t.test('there were enough of them', { skip: isSkipped }, async (t) => {
  t.comment(`${secrets.count} secrets were planted`)
  t.ok(secrets.count >= 50)
})
