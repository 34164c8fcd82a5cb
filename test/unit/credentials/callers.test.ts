import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ShownCredentials } from '../../../service/credentials/caller.ts'
import { Callers } from '../../../service/credentials/callers.ts'
import {
  clientId,
  foreignKey,
  startIdentityProvider,
} from '../../support/start-identity-provider.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const bearer = (token: string): ShownCredentials => ({ authorization: `Bearer ${token}` })
const basic = (text: string): ShownCredentials => ({
  authorization: `Basic ${Buffer.from(text).toString('base64')}`,
})

const provider = await startIdentityProvider()
const issuer = new URL(provider.configurationUrl).origin
t.teardown(() => provider.close())

interface Settings {
  readonly text: string
  readonly nowMs?: () => number
}

/** Callers of a file of this text, and what they told. */
async function opened(t: Test, { text, nowMs = Date.now }: Settings) {
  const path = join(t.testdir({ 'callers.yaml': text }), 'callers.yaml')
  const told: string[] = []
  const callers = await Callers.open({
    path,
    nowMs,
    onBroken: ({ message }) => void told.push(message),
    onLoaded: (count) => void told.push(`${count} loaded`),
  })
  t.teardown(() => callers.close())
  const nameOf = async (shown: ShownCredentials) => (await callers.identify(shown)).name
  return { callers, path, told, nameOf }
}

const unauthenticated = { code: 'unauthenticated' }

t.test('a token is its caller, by header or as bytes, under its name alone', async (t) => {
  const text = `
callers:
  - { name: a, tokens: [{ sha256: '${sha256('first')}' }, { sha256: '${sha256('second')}' }] }
  - { name: b, tokens: [{ sha256: '${sha256('third')}' }] }
`
  const { nameOf, told } = await opened(t, { text })
  t.strictSame(told, ['2 loaded'])
  t.equal(await nameOf(bearer('first')), 'a')
  t.equal(await nameOf(bearer('second')), 'a')
  t.equal(await nameOf({ token: 'third' }), 'b')
  t.equal(await nameOf(basic('b:third')), 'b')
  const others = [bearer('fourth'), bearer('firs'), bearer(''), { token: '' }, {}, basic('a:third')]
  for (const shown of [
    ...others,
    basic(':third'),
    bearer(sha256('first')),
    { authorization: 'x' },
  ]) {
    await t.rejects(nameOf(shown), unauthenticated, JSON.stringify(shown))
  }
  await t.rejects(nameOf({ authorization: 'Bearer no', token: 'third' }), unauthenticated)
})

t.test('an expired token is said to be so, without whose it was', async (t) => {
  let now = Date.UTC(2026, 11, 31, 23, 59, 59)
  const text = `callers: [{ name: canary, tokens: [{ sha256: '${sha256('x')}', expires: 2027-01-01 }] }]`
  const { nameOf } = await opened(t, { text, nowMs: () => now })
  t.equal(await nameOf(bearer('x')), 'canary')
  now += 1_000
  await t.rejects(nameOf(bearer('x')), {
    ...unauthenticated,
    message: 'the token has expired, use a new one',
  })
})

t.test('a certificate is its caller where no token is shown', async (t) => {
  const text = `
callers:
  - { name: etl, certificates: ['DNS:ETL.example.com', 'URI:spiffe://lake/etl'] }
  - { name: other, certificates: ['DNS:other.example'], tokens: [{ sha256: '${sha256('o')}' }] }
`
  const { nameOf } = await opened(t, { text })
  const named = (...certificateNames: string[]) => ({ certificateNames })
  t.equal(await nameOf(named('DNS:etl.example.com')), 'etl')
  t.equal(await nameOf(named('DNS:x', 'URI:spiffe://lake/etl')), 'etl')
  t.equal(
    await nameOf({ ...named('DNS:etl.example.com'), ...bearer('o') }),
    'other',
    'a token first',
  )
  const both = named('DNS:etl.example.com', 'DNS:other.example')
  for (const shown of [named(), named('DNS:x'), named('URI:SPIFFE://lake/etl'), both]) {
    await t.rejects(nameOf(shown), unauthenticated, shown.certificateNames.join())
  }
  await t.rejects(nameOf({ ...named('DNS:etl.example.com'), ...bearer('wrong') }), unauthenticated)
})

const withIssuer = (more: string, jwks = `${issuer}/keys`) => `
callers: [{ name: gateway }, { name: etl }]
issuers: [{ issuer: '${issuer}', audience: ${clientId}, jwks: '${jwks}'${more} }]
`

t.test('a JWT of the issuer is the caller that its claim names', async (t) => {
  const plain = await opened(t, { text: withIssuer('') })
  t.equal(await plain.nameOf(bearer(provider.token())), 'gateway')
  t.equal(await plain.nameOf(basic(`gateway:${provider.token()}`)), 'gateway')
  await t.rejects(plain.nameOf(basic(`etl:${provider.token()}`)), unauthenticated)
  await t.rejects(plain.nameOf(bearer(provider.token({ claims: { sub: 'x' } }))), unauthenticated)
  const mapped = await opened(t, {
    text: withIssuer(', claim: groups, callers: { "lake:etl": etl, gateway: gateway }'),
  })
  const groups = (value: unknown) => bearer(provider.token({ claims: { groups: value } }))
  t.equal(
    await mapped.nameOf(groups(['staff', 'lake:etl', 'gateway'])),
    'etl',
    'the first of a list',
  )
  t.equal(await mapped.nameOf(groups('gateway')), 'gateway')
  const nested = await opened(t, { text: withIssuer(', claim: realm_access.roles') })
  const roles = (claims: Record<string, unknown>) => bearer(provider.token({ claims }))
  t.equal(await nested.nameOf(roles({ realm_access: { roles: ['x', 'etl'] } })), 'etl')
  t.equal(await nested.nameOf(roles({ 'realm_access.roles': 'etl' })), 'etl')
  await t.rejects(nested.nameOf(roles({ realm_access: null })), unauthenticated)
  await t.rejects(nested.nameOf(roles({ realm_access: 'roles' })), unauthenticated)
  for (const value of ['etl', [], 7, { 'lake:etl': 1 }, '__proto__']) {
    await t.rejects(mapped.nameOf(groups(value)), unauthenticated, JSON.stringify(value))
  }
})

t.test('a JWT that is forged, foreign, old or cut is refused', async (t) => {
  const { nameOf } = await opened(t, { text: withIssuer('') })
  const good = provider.token()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const publicKeys = await (await fetch(`${issuer}/keys`)).text()
  const hmacHead = encoded({ alg: 'HS256', kid: 'first' })
  const hmac = createHmac('sha256', publicKeys).update(`${hmacHead}.${payload}`).digest('base64url')
  const forged = {
    'alg=none': `${encoded({ alg: 'none' })}.${payload}.`,
    'alg=none with a signature': `${encoded({ alg: 'none' })}.${payload}.${signature}`,
    'alg=HS256 over the public keys': `${hmacHead}.${payload}.${hmac}`,
    'another key': provider.token({ key: foreignKey() }),
    'another audience': provider.token({ claims: { aud: 'minio' } }),
    'another issuer': provider.token({ claims: { iss: 'https://elsewhere.example' } }),
    'no end': provider.token({ claims: { exp: undefined } }),
    'not yet': provider.token({ claims: { nbf: Math.floor(Date.now() / 1_000) + 600 } }),
    'cut short': good.slice(0, -10),
    'without its signature': `${header}.${payload}.`,
    'without its payload': `${header}..${signature}`,
    'another payload': `${header}.${encoded({ iss: issuer, sub: 'etl' })}.${signature}`,
    'a header of its own': `${encoded({ alg: 'RS256', jwk: {} })}.${payload}.${signature}`,
  }
  for (const [what, token] of Object.entries(forged)) {
    await t.rejects(
      nameOf(bearer(token)),
      { ...unauthenticated, message: 'these credentials are not known here' },
      what,
    )
  }
  t.equal(await nameOf(bearer(good)), 'gateway', 'the good one still is')
  await t.rejects(nameOf(bearer(provider.token({ seconds: -60 }))), { message: /has expired/ })
  t.equal(await nameOf(bearer(provider.token({ seconds: -10 }))), 'gateway', 'clocks may differ')
})

t.test('keys may lie in a file beside, which may change', async (t) => {
  const pair = () => generateKeyPairSync('ed25519')
  const [first, second] = [pair(), pair()]
  const keySet = ({ publicKey }: typeof first) =>
    JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] })
  const folder = t.testdir({
    'keys.json': keySet(first),
    'callers.yaml': withIssuer('', 'keys.json'),
  })
  const callers = await Callers.open({
    path: join(folder, 'callers.yaml'),
    nowMs: Date.now,
    onBroken() {},
    onLoaded() {},
  })
  t.teardown(() => callers.close())
  const tokenOf = ({ privateKey }: typeof first) => {
    const [, payload = ''] = provider.token().split('.')
    const head = Buffer.from(JSON.stringify({ alg: 'EdDSA' })).toString('base64url')
    const text = `${head}.${payload}`
    return bearer(`${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`)
  }
  t.equal((await callers.identify(tokenOf(first))).name, 'gateway')
  await t.rejects(callers.identify(tokenOf(second)), unauthenticated)
  await writeFile(join(folder, 'keys.json'), keySet(second))
  t.equal((await callers.identify(tokenOf(second))).name, 'gateway')
  await t.rejects(callers.identify(tokenOf(first)), unauthenticated)
})

t.test('an issuer that does not answer is not the fault of the token', async (t) => {
  const { nameOf } = await opened(t, { text: withIssuer('', 'http://127.0.0.1:1/keys') })
  await t.rejects(nameOf(bearer(provider.token())), { code: 'unavailable', retryAfterMs: 5_000 })
})

t.test('keys are asked for once, whoever tries which key', async (t) => {
  let asked = 0
  const server = createServer((_, answer) => {
    asked += 1
    answer.setHeader('content-type', 'application/json').end('{"keys":[]}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { nameOf } = await opened(t, { text: withIssuer('', `http://127.0.0.1:${port}/keys`) })
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await t.rejects(nameOf(bearer(provider.token())), unauthenticated)
  }
  t.equal(asked, 1, 'strangers cannot make the gateway ask more often')
})

const one = (token: string) => `callers: [{ name: a, tokens: [{ sha256: '${sha256(token)}' }] }]`

t.test('a new file is taken, a broken one is told once and changes nothing', async (t) => {
  const { callers, path, told, nameOf } = await opened(t, { text: one('old') })
  await writeFile(path, one('new'))
  await callers.look()
  t.equal(await nameOf(bearer('new')), 'a')
  await t.rejects(nameOf(bearer('old')), unauthenticated)
  await writeFile(path, 'callers: [{ name: b, tokens: 7 }]')
  await callers.look()
  await callers.look()
  t.equal(callers.isBroken, true)
  t.equal(await nameOf(bearer('new')), 'a')
  await rm(path)
  await callers.look()
  await callers.look()
  t.equal(await nameOf(bearer('new')), 'a')
  await writeFile(path, one('new'))
  await callers.look()
  t.equal(callers.isBroken, false)
  t.match(told, [
    '1 loaded',
    '1 loaded',
    /callers\[0\]\.tokens: got 7, expected a list/,
    /cannot be read \(ENOENT\)/,
    '1 loaded',
  ])
  t.equal(told.length, 5)
})

t.test('a file that another takes the place of is noticed without being asked', async (t) => {
  const { path, nameOf } = await opened(t, { text: one('old') })
  await writeFile(`${path}.new`, one('new'))
  await rename(`${path}.new`, path)
  for (;;) {
    try {
      t.equal(await nameOf(bearer('new')), 'a')
      break
    } catch {
      // Not yet.
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
})

t.test('a file that is no good at the start is an error', async (t) => {
  const none = { nowMs: Date.now, onBroken() {}, onLoaded() {} }
  const folder = t.testdir({
    'callers.yaml': 'callers: 7',
    'keys.yaml': withIssuer('', 'none.json'),
  })
  const open = (name: string) => Callers.open({ ...none, path: join(folder, name) })
  await t.rejects(open('callers.yaml'), { code: 'invalid_request' })
  await t.rejects(open('keys.yaml'), { code: 'invalid_request', message: /none\.json.*ENOENT/ })
  await t.rejects(open('missing.yaml'), { code: 'unavailable', message: /ENOENT/ })
})
