import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:https'
import { json, text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { join } from 'node:path'
import { credentials, status } from '@grpc/grpc-js'
import t from 'tap'
import { anyCaller } from '../support/any-call.ts'
import {
  clientAuthority,
  etlClient,
  otherClient,
  strangerClient,
} from '../support/client-certificates.ts'
import {
  testAuthority,
  testCertificate,
  testCertificateKey,
} from '../support/embedded-certificate.ts'
import { startStack } from '../support/start-stack.ts'
import { startStore } from '../support/start-store.ts'

// Who shows a certificate is whom the certificate names; who shows none may show a token.

interface Pair {
  readonly certificate: string
  readonly key: string
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const folder = t.testdir({
  'cert.pem': testCertificate,
  'key.pem': testCertificateKey,
  'clients.pem': clientAuthority,
  'callers.yaml': `
roles: { r: { tables: [{ schema: '*', table: '*' }] } }
callers:
  - { name: etl, roles: [r], certificates: ['DNS:etl.example.com'] }
  - { name: ann, roles: [r], tokens: [{ sha256: '${sha256('of-ann')}' }] }
`,
})
const tls = {
  SPILLWAY_TLS_CERT_FILE: join(folder, 'cert.pem'),
  SPILLWAY_TLS_KEY_FILE: join(folder, 'key.pem'),
  SPILLWAY_TLS_CLIENT_CA_FILE: join(folder, 'clients.pem'),
}
const store = await startStore()
const asked = await startStack({
  store,
  gateway: { ...tls, SPILLWAY_CALLERS_FILE: join(folder, 'callers.yaml') },
})
const required = await startStack({ store, gateway: tls })
t.teardown(async () => {
  await asked.close()
  await required.close()
  await store.stop()
})

/** The HTTP status, or the code of the error that ended the connection. */
async function overHttp(url: string, pair?: Pair, authorization?: string) {
  const sent = request(`${url}/v1/schemas`, {
    ca: testAuthority,
    agent: false,
    ...(pair && { cert: pair.certificate, key: pair.key }),
    ...(authorization !== undefined && { headers: { authorization } }),
  }).end()
  try {
    const [answer] = await once(sent, 'response')
    await json(answer)
    return answer.statusCode
  } catch {
    return 'refused'
  }
}

async function overGrpc(address: string, pair?: Pair, authorization?: string) {
  const ca = Buffer.from(testAuthority)
  const own = pair && ([Buffer.from(pair.key), Buffer.from(pair.certificate)] as const)
  const channel = credentials.createSsl(ca, own?.[0], own?.[1])
  const client = anyCaller(address, channel)
  const headers = authorization === undefined ? {} : { authorization }
  const answer = await client.call('/spillway.v1.Federation/ListSchemas', headers)
  client.close()
  return status[answer.status]
}

const ways = {
  'a known certificate': [etlClient],
  'a certificate nobody is named by': [otherClient],
  'a certificate of another authority': [strangerClient],
  'no certificate': [],
  'no certificate, but a token': [undefined, 'Bearer of-ann'],
  'a certificate of another authority, but a token': [strangerClient, 'Bearer of-ann'],
  'a known certificate with a wrong token': [etlClient, 'Bearer of-anna'],
} as const satisfies Record<string, readonly [pair?: Pair | undefined, authorization?: string]>

t.test('with callers a certificate is asked for, not required', async (t) => {
  const letIn = new Set([
    'a known certificate',
    'no certificate, but a token',
    'a certificate of another authority, but a token',
  ])
  for (const [how, [pair, authorization]] of Object.entries(ways)) {
    const isIn = letIn.has(how)
    t.equal(await overHttp(asked.http, pair, authorization), isIn ? 200 : 401, how)
    t.equal(await overGrpc(asked.grpc, pair, authorization), isIn ? 'OK' : 'UNAUTHENTICATED', how)
  }
  const text = asked.log.join('')
  t.match(text, /"caller":"etl"/)
  t.match(text, /"caller":"ann"/)
})

t.test('without callers only a certificate of the authority connects', async (t) => {
  for (const pair of [etlClient, otherClient]) {
    t.equal(await overHttp(required.http, pair), 200)
    t.equal(await overGrpc(required.grpc, pair), 'OK')
  }
  for (const pair of [strangerClient, undefined]) {
    t.equal(await overHttp(required.http, pair, 'Bearer of-ann'), 'refused')
    t.equal(await overGrpc(required.grpc, pair, 'Bearer of-ann'), 'UNAVAILABLE')
  }
})

/** The first line of an answer over a connection that takes up an earlier one's session, if there is one. */
async function resumed(pair: Pair | undefined, session?: Buffer) {
  const { hostname, port } = new URL(asked.http)
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca: testAuthority,
    ...(pair && { cert: pair.certificate, key: pair.key }),
    ...(session && { session }),
  })
  const sessions: Buffer[] = []
  socket.on('session', (some: Buffer) => sessions.push(some))
  let isReused = false
  socket.on('secureConnect', () => (isReused = socket.isSessionReused()))
  socket.write('GET /v1/schemas HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const [line = ''] = (await text(socket)).split('\r\n')
  return { line, isReused, session: sessions.at(-1) }
}

t.test('a session that is taken up again makes nobody known who was not', async (t) => {
  for (const pair of [undefined, strangerClient, otherClient]) {
    const first = await resumed(pair)
    t.match(first.line, / 401 /)
    for (const later of [undefined, pair]) {
      const second = await resumed(later, first.session)
      t.match(second.line, / 401 /)
    }
  }
  const known = await resumed(etlClient)
  t.match(known.line, / 200 /)
  const again = await resumed(etlClient, known.session)
  t.match(again.line, / 200 /)
  t.equal(again.isReused, true, 'sessions are taken up at all')
})
