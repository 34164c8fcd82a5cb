import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Client } from 'minio'
import t from 'tap'
import { assumeRole } from '../../service/credentials/assume-role.ts'
import { parseCallersFile } from '../../service/credentials/callers-file.ts'
import { Secret } from '../../service/credentials/secret.ts'
import { staticProvider } from '../../service/credentials/store-credentials.ts'
import { startCountingProxy } from '../support/counting-proxy.ts'
import { addUser } from '../support/failing-store-users.ts'
import { flightClient } from '../support/flight-client.ts'
import { largeFile } from '../support/large-table.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { startStack } from '../support/start-stack.ts'

t.setTimeout(180_000)

// Sessions, policies and who may do what are MinIO's own.
if (minioBinary() === undefined) {
  t.plan(0, 'there is no minio binary: NOT TESTED')
  process.exit(0)
}

const schema = 'lake-sessions'
const ROWS = 20_000
const FOOTER_BYTES = 64 << 10
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const callersFile = `
roles:
  most: { tables: [{ schema: lake-sessions, table: 'pay*', hidden: true }, { schema: '*', table: '*' }] }
  pay: { tables: [{ schema: 'lake-*', table: pay, rows: 'id >= 0' }] }
callers:
  - { name: ann, roles: [most], tokens: [{ sha256: '${sha256('of-ann')}' }] }
  - { name: bob, roles: [pay], tokens: [{ sha256: '${sha256('of-bob')}' }] }
`
const scope = { bucketPrefix: 'lake-', tablesPath: 'tables' }

interface SignedGet {
  readonly accessKey: string
  readonly key: string
  readonly start: number
}
const gets: SignedGet[] = []
let stsCount = 0

function note({ method, url = '', headers }: IncomingMessage): void {
  if (method === 'POST' && url === '/') stsCount++
  if (method !== 'GET' || headers.range === undefined) return
  const accessKey = /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'nobody'
  const start = Number(/bytes=(\d+)-/.exec(headers.range)?.[1])
  gets.push({ accessKey, key: new URL(url, 'http://store').pathname, start })
}

const minio = await startMinio()
const keys = await addUser(minio, 'gateway', [
  {
    actions: ['GetObject', 'ListBucket', 'GetBucketLocation', 'ListAllMyBuckets'],
    resources: [schema, `${schema}/*`, 'elsewhere', 'elsewhere/*'],
  },
])
const proxy = await startCountingProxy(minio.url, note)
const stack = await startStack({
  store: minio,
  gateway: {
    SPILLWAY_STORE_URL: proxy.url,
    SPILLWAY_STORE_ACCESS_KEY: keys.accessKey,
    SPILLWAY_STORE_SECRET_KEY: keys.secretKey,
    SPILLWAY_STORE_SESSION_PER_CALLER: 'true',
    SPILLWAY_CALLERS_FILE: join(t.testdir({ 'callers.yaml': callersFile }), 'callers.yaml'),
    BUCKET_PREFIX: scope.bucketPrefix,
  },
})
const flights = ['of-ann', 'of-bob'].map((token) =>
  flightClient(stack.grpc, { authorization: `Bearer ${token}` }),
)
const [ann, bob] = flights
if (ann === undefined || bob === undefined) throw new Error('there are two')
t.teardown(async () => {
  for (const flight of flights) flight.close()
  await stack.close()
  await proxy.close()
  await minio.stop()
})
const { bytes } = largeFile({ seed: 1, rowCount: ROWS, rowsPerGroup: 2_000 })
const objects = ['orders', 'pay', 'gone'].map((table) => `tables/${table}/a.parquet`)
await stack.client.makeBucket(schema)
await stack.client.makeBucket('elsewhere')
for (const key of objects) await stack.client.putObject(schema, key, Buffer.from(bytes))
await stack.client.putObject('elsewhere', 'tables/orders/a.parquet', Buffer.from('other'))

/** A client with a session that the generated policy of the caller limits. */
async function clientOf(name: string): Promise<Client> {
  const { callers } = parseCallersFile(callersFile, 'callers.yaml', scope)
  const policy = callers.find(({ caller }) => caller.name === name)?.caller.sessionPolicy ?? ''
  const base = staticProvider({ ...keys, secretKey: new Secret(keys.secretKey) })
  const sts = { url: minio.url, nowMs: Date.now }
  const roleArn = 'arn:aws:iam::1:role/x'
  const provider = assumeRole({ base, sts, region: 'us-east-1', roleArn, policy })
  const session = await provider.retrieve({}, AbortSignal.timeout(10_000))
  return new Client({
    endPoint: '127.0.0.1',
    port: Number(new URL(minio.url).port),
    useSSL: false,
    region: 'us-east-1',
    accessKey: session.accessKey,
    secretKey: session.secretKey.reveal(),
    sessionToken: session.sessionToken?.reveal() ?? '',
  })
}

async function firstByte(client: Client, bucket: string, key: string): Promise<string> {
  try {
    const stream = await client.getPartialObject(bucket, key, 0, 1)
    stream.destroy()
    return 'read'
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

t.test('MinIO lets the session of a caller read the objects of its tables alone', async (t) => {
  const [orders = '', pay = ''] = objects
  const expected = { ann: ['read', 'AccessDenied'], bob: ['AccessDenied', 'read'] }
  for (const [name, answers] of Object.entries(expected)) {
    const client = await clientOf(name)
    const found = [await firstByte(client, schema, orders), await firstByte(client, schema, pay)]
    t.strictSame(found, answers, name)
    t.equal(await firstByte(client, 'elsewhere', orders), 'AccessDenied', 'no schema')
    await t.rejects(client.putObject(schema, orders, 'x'), { code: 'AccessDenied' })
    await t.rejects(client.listObjectsV2(schema, '', true).toArray(), { code: 'AccessDenied' })
  }
})

t.test(
  'data is read with the session of whoever reads it, footers with the gateway’s keys',
  async (t) => {
    gets.length = 0
    t.equal((await ann.read({ schema, table: 'orders' })).rows.length, ROWS)
    t.equal((await bob.read({ schema, table: 'pay' })).rows.length, ROWS)
    const sessions = ['orders', 'pay'].map((table) => {
      const own = gets.filter(({ key }) => key.includes(`/tables/${table}/`))
      const ofSession = own.filter(({ accessKey }) => accessKey !== keys.accessKey)
      t.ok(ofSession.length > 0, `${ofSession.length} reads of ${table} with a session`)
      const others = own.filter(({ accessKey }) => accessKey === keys.accessKey)
      t.ok(others.length > 0)
      t.ok(
        others.every(({ start }) => start >= bytes.length - FOOTER_BYTES),
        'the gateway itself reads the end of the file',
      )
      const used = new Set(ofSession.map(({ accessKey }) => accessKey))
      t.equal(used.size, 1)
      return [...used][0]
    })
    t.not(sessions[0], sessions[1], 'each caller has its own')
  },
)

t.test('the STS is asked once for each caller, however often it reads', async (t) => {
  for (let round = 0; round < 5; round++) {
    await Promise.all([
      ann.read({ schema, table: 'orders' }),
      bob.read({ schema, table: 'pay' }),
      ann.read({ schema, table: 'orders' }),
    ])
  }
  t.equal(stsCount, 2)
})

t.test('an object that is gone is told as gone, though a session may not list', async (t) => {
  const info = await ann.info({ schema, table: 'gone' })
  await stack.client.removeObject(schema, objects[2] ?? '')
  const ticket = info.endpoint[0]?.ticket?.ticket ?? new Uint8Array()
  await t.rejects(ann.messages(ticket), { message: /it is gone/ })
})
