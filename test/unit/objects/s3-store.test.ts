import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Client } from 'minio'
import t from 'tap'
import type { Test } from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { startEmbeddedStore } from '../../../service/demo/embedded-store.ts'
import type { EmbeddedStore } from '../../../service/demo/embedded-store.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { ListedObject, ObjectStore } from '../../../service/objects/object-store.ts'
import { s3Store } from '../../../service/objects/s3-store.ts'
import { withRetry } from '../../../service/objects/with-retry.ts'
import {
  testAuthority,
  testCertificate,
  testCertificateKey,
} from '../../support/embedded-certificate.ts'

const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
const credentials = staticCredentials({
  accessKey: keys.accessKey,
  secretKey: new Secret(keys.secretKey),
})
const signal = new AbortController().signal
const range = { start: 4, end: 8 }

/** The embedded store with one object of ten bytes, as listed. */
async function embedded(t: Test): Promise<{
  server: EmbeddedStore
  writer: Client
  store: ObjectStore
  object: ListedObject
}> {
  const server = await startEmbeddedStore(keys)
  const store = s3Store({ url: server.url }, credentials)
  t.teardown(async () => {
    store.close()
    await server.close()
  })
  const { hostname, port } = new URL(server.url)
  const writer = new Client({
    ...keys,
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    region: 'us-east-1',
  })
  await writer.makeBucket('lake')
  await writer.putObject('lake', 'data', Buffer.from('0123456789'))
  const page = await store.list({ bucket: 'lake', prefix: '', shallow: true }, signal)
  const [object] = page.objects
  if (object === undefined) throw new Error('the object is not listed')
  return { server, writer, store, object }
}

t.test('a server that ignores If-Match is found out by the ETag of its answer', async (t) => {
  const { server, writer, store, object } = await embedded(t)
  server.faults.ignoreIfMatch = true
  t.equal((await store.read({ object, range }, signal)).length, 4)
  await writer.putObject('lake', 'data', Buffer.from('abcdefghij'))
  await t.rejects(store.read({ object, range }, signal), {
    code: 'object_changed',
    message: new RegExp(`lake/data.*${object.etag}.*[0-9a-f]{32}`),
  })
})

t.test('both versions are named when the server compares', async (t) => {
  const { writer, store, object } = await embedded(t)
  const { etag } = await writer.putObject('lake', 'data', Buffer.from('abcdefghij'))
  await t.rejects(store.read({ object, range }, signal), {
    code: 'object_changed',
    message: new RegExp(`${object.etag}.*${etag}`),
  })
})

t.test('a whole object instead of a range is no answer', async (t) => {
  const { server, store, object } = await embedded(t)
  server.faults.ignoreRange = true
  await t.rejects(store.read({ object, range }, signal), { code: 'unavailable', message: /200/ })
  const whole = { start: 0, end: 10 }
  t.equal(
    (await store.read({ object, range: whole }, signal)).length,
    10,
    'unless it was asked for',
  )
})

t.test('a size that differs from the planned one is a change', async (t) => {
  const { store, object } = await embedded(t)
  for (const sizeBytes of [9, 11])
    await t.rejects(store.read({ object: { ...object, sizeBytes }, range }, signal), {
      code: 'object_changed',
    })
  const beyond = { object: { ...object, sizeBytes: 99 }, range: { start: 50, end: 60 } }
  await t.rejects(store.read(beyond, signal), { code: 'object_changed' })
})

t.test('an overloaded store is asked again, and its own word is kept', async (t) => {
  const { server, store, object } = await embedded(t)
  server.faults.slowDowns = 2
  const before = server.requestCount()
  const retrying = withRetry(store, { wait: async () => {} })
  t.equal((await retrying.read({ object, range }, signal)).length, 4)
  t.equal(server.requestCount() - before, 3)
  server.faults.slowDowns = 1
  await t.rejects(store.read({ object, range }, signal), {
    code: 'unavailable',
    message: /overloaded or down \(503 SlowDown\)/,
  })
})

t.test('a body cut short is an error, and a second try is good', async (t) => {
  const { server, store, object } = await embedded(t)
  server.faults.cutBodyBytes = 2
  await t.rejects(store.read({ object, range }, signal), { code: 'unavailable' })
  const wait = async (): Promise<void> => {
    delete server.faults.cutBodyBytes
  }
  const bytes = await withRetry(store, { wait }).read({ object, range }, signal)
  t.equal(Buffer.from(bytes).toString(), '4567')
})

t.test('keys of a server that does not encode them are exact', async (t) => {
  const { server, writer, store } = await embedded(t)
  server.faults.noEncodingType = true
  const odd = ['a+b', 'a%20b', 'a b', 'c\u0001d', 'e<&>"\'f', 'g\r\nh', ' i ']
  for (const key of odd) await writer.putObject('lake', `odd/${key}`, Buffer.from(key))
  const page = await store.list({ bucket: 'lake', prefix: 'odd/', shallow: false }, signal)
  t.strictSame(
    page.objects.map((object) => object.key).toSorted(),
    odd.map((key) => `odd/${key}`).toSorted(),
  )
})

t.test('clocks that are too far apart are named as such', async (t) => {
  const server = await startEmbeddedStore({ ...keys, nowMs: () => Date.now() + 20 * 60_000 })
  const store = s3Store({ url: server.url }, credentials)
  t.teardown(() => server.close())
  await t.rejects(store.listBuckets(signal), { code: 'unavailable', message: /clock/ })
  t.equal(server.requestCount(), 1, 'other credentials would not help')
})

t.test('the reason of a cancelled call is kept when it is an error of ours', async (t) => {
  const { server, store, object } = await embedded(t)
  server.faults.delayMs = 10_000
  const controller = new AbortController()
  const read = store.read({ object, range }, controller.signal)
  const late = new GatewayError('deadline_exceeded', 'too late')
  setTimeout(() => controller.abort(late), 20)
  await t.rejects(read, { code: 'deadline_exceeded' })
})

/** A server that answers as told. */
async function fake(t: Test, listener: RequestListener): Promise<ObjectStore> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const store = s3Store(
    { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    credentials,
  )
  t.teardown(() => {
    store.close()
    server.close()
    server.closeAllConnections()
  })
  return store
}

const planned = { bucket: 'lake', key: 'data', etag: 'e', sizeBytes: 10 }

t.test('lying answers are not taken for bytes', async (t) => {
  const good = { etag: '"e"', 'content-range': 'bytes 4-7/10' }
  const lies: [number, Record<string, string>, string, string][] = [
    [206, { ...good, 'content-range': 'bytes 5-8/10' }, '5678', 'unavailable'],
    [206, { ...good, 'content-range': 'bytes 4-7/11' }, '4567', 'object_changed'],
    [206, { etag: '"e"' }, '4567', 'unavailable'],
    [206, { 'content-range': 'bytes 4-7/10' }, '4567', 'unavailable'],
    [206, { ...good, etag: 'W/"e"' }, '4567', 'object_changed'],
    [206, good, '456', 'unavailable'],
    [206, good, '45678', 'unavailable'],
    [204, good, '', 'unavailable'],
    [200, { etag: '"e"' }, '0123456789', 'unavailable'],
    [304, { etag: '"e"' }, '', 'unavailable'],
  ]
  for (const [status, headers, body, code] of lies) {
    const store = await fake(t, (_request, answer) => answer.writeHead(status, headers).end(body))
    const read = store.read({ object: planned, range }, signal)
    await t.rejects(read, { code }, JSON.stringify([status, headers, body]))
  }
  const honest = await fake(t, (_request, answer) =>
    answer.writeHead(206, { ...good, 'content-range': 'bytes 4-7/*' }).end('4567'),
  )
  t.equal((await honest.read({ object: planned, range }, signal)).length, 4)
})

t.test('every refusal says what to do', async (t) => {
  const xml = (code: string): string => `<Error><Code>${code}</Code><Message>m</Message></Error>`
  const cases: [number, string, string, RegExp][] = [
    [403, xml('AccessDenied'), 'unavailable', /refused s3:GetObject on lake\/data.*grant it/],
    [403, '', 'unavailable', /refused s3:GetObject on lake\/data \(403\)/],
    [400, xml('ExpiredToken'), 'unavailable', /refused the gateway's credentials/],
    [403, xml('InvalidAccessKeyId'), 'unavailable', /refused the gateway's credentials/],
    [404, xml('NoSuchBucket'), 'table_not_found', /no bucket "lake"/],
    [404, xml('NoSuchKey'), 'object_changed', /lake\/data.*gone/],
    [404, '<html>', 'unavailable', /is it an S3 store/],
    [429, xml('TooManyRequests'), 'unavailable', /overloaded/],
    [502, '<html>Bad Gateway', 'unavailable', /overloaded or down \(502\)/],
    [400, 'Client sent an HTTP request to an HTTPS server.', 'unavailable', /is it https/],
    [301, xml('PermanentRedirect'), 'unavailable', /301 PermanentRedirect/],
    [400, xml('AuthorizationHeaderMalformed'), 'unavailable', /AuthorizationHeaderMalformed/],
  ]
  for (const [status, body, code, message] of cases) {
    const store = await fake(t, (_request, answer) => answer.writeHead(status).end(body))
    await t.rejects(store.read({ object: planned, range }, signal), { code, message })
  }
})

t.test('requests are signed for one version, with a session token when there is one', async (t) => {
  const heard: Record<string, unknown>[] = []
  const store = await fake(t, ({ url, headers }, answer) => {
    heard.push({ url, ...headers })
    answer.writeHead(206, { etag: '"e"', 'content-range': 'bytes 4-7/10' }).end('4567')
  })
  const session = s3Store(
    { url: store.id },
    staticCredentials({
      accessKey: 'a',
      secretKey: new Secret('s'),
      sessionToken: new Secret('token'),
    }),
  )
  const anonymous = s3Store(
    { url: store.id },
    staticCredentials({ accessKey: '', secretKey: new Secret('') }),
  )
  t.teardown(() => [session, anonymous].forEach((other) => other.close()))
  const object = { ...planned, key: 'a b/ü+?.parquet', versionId: 'v/1' }
  await session.read({ object, range }, signal)
  await anonymous.read({ object, range }, signal)
  t.match(heard[0], {
    url: '/lake/a%20b/%C3%BC%2B%3F.parquet?versionId=v%2F1',
    range: 'bytes=4-7',
    'if-match': '"e"',
    'x-amz-security-token': 'token',
    authorization: /Credential=a\/.*\/us-east-1\/s3\/aws4_request/,
  })
  t.equal(heard[1]?.['authorization'], undefined)
})

t.test('a private authority is trusted when it is named, and only then', async (t) => {
  const { server, object } = await embedded(t)
  const inner = new URL(server.url)
  const tls = createTlsServer({ cert: testCertificate, key: testCertificateKey }, (socket) => {
    const upstream = connect(Number(inner.port), inner.hostname)
    socket.pipe(upstream).pipe(socket)
    socket.on('error', () => upstream.destroy())
    upstream.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => tls.once('listening', resolve))
  tls.on('tlsClientError', () => {})
  t.teardown(() => tls.close())
  const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`

  const trusting = s3Store({ url, certificateAuthority: testAuthority }, credentials)
  const wary = s3Store({ url }, credentials)
  const mistaken = s3Store({ url: url.replace('https', 'http') }, credentials)
  const mistakenToo = s3Store({ url: server.url.replace('http', 'https') }, credentials)
  t.teardown(() => [trusting, wary, mistaken, mistakenToo].forEach((store) => store.close()))
  t.equal((await trusting.read({ object, range }, signal)).length, 4)
  const code = 'unavailable'
  await t.rejects(wary.listBuckets(signal), { code, message: /CA file/ })
  await t.rejects(mistaken.listBuckets(signal), { code })
  await t.rejects(mistakenToo.listBuckets(signal), { code, message: /is it http\?/ })
})

t.test('a url that is not one of a store is refused without showing it', async (t) => {
  for (const url of ['', 'minio:9000', 'ftp://minio', 'http://u:canary@minio', 'http://minio/path'])
    t.throws(() => s3Store({ url }, credentials), {
      code: 'invalid_request',
      message: /^(?!.*canary)/,
    })
})
