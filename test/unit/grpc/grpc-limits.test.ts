import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { identifyAnybody } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { GrpcServerOptions } from '../../../service/grpc/grpc-server.ts'
import { grpcServer } from '../../../service/grpc/grpc-server.ts'
import { makeAuthority } from '../../support/make-certificate.ts'
import { changingTls } from '../../support/tls-source.ts'

const authority = makeAuthority()
const pairOf = ({ certificate, key } = authority.issue()) => ({
  certificate: Buffer.from(certificate),
  key: Buffer.from(key),
})
const asIs = (bytes: Buffer) => bytes
const method = (name: string, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
})
const definition = { hello: method('hello', false), stream: method('stream', true) }

/** A server that says hello, and streams for as long as the test writes. */
async function listening(t: Test, options: Partial<GrpcServerOptions> = {}) {
  let written: { write(bytes: Buffer): unknown; end(): unknown } | undefined
  const implementation = {
    hello: (_: unknown, answer: (error: null, bytes: Buffer) => void) =>
      answer(null, Buffer.from('hello')),
    stream: (call: NonNullable<typeof written>) => {
      written = call
      call.write(Buffer.from('first'))
    },
  }
  const server = grpcServer({
    host: '127.0.0.1',
    port: 0,
    services: [{ definition, implementation }],
    observe() {},
    translate: (reason) => GatewayError.from(reason),
    identify: identifyAnybody,
    ...options,
  })
  t.teardown(() => server.close(0))
  const address = await server.listen()
  const port = Number(address.split(':')[1])
  return { address, port, close: () => server.close(0), endStream: () => written?.end() }
}

function clientOf(t: Test, address: string, tls?: string) {
  const channel = tls ? credentials.createSsl(Buffer.from(tls)) : credentials.createInsecure()
  const client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1 })
  t.teardown(() => client.close())
  return {
    /** `hello`, or the status of the failure. */
    hello: (request = Buffer.alloc(0), metadata = new Metadata()) =>
      new Promise<string>((resolve) => {
        const answered = (error: { code: status } | null, bytes?: Buffer) =>
          resolve(error ? (status[error.code] ?? '') : String(bytes))
        client.makeUnaryRequest('/test.Echo/hello', asIs, asIs, request, metadata, answered)
      }),
    stream: () => client.makeServerStreamRequest('/test.Echo/stream', asIs, asIs, Buffer.alloc(0)),
    call: (path: string) =>
      new Promise<string>((resolve) =>
        client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error) =>
          resolve(error ? (status[error.code] ?? '') : 'OK'),
        ),
      ),
  }
}

async function open(t: Test, { port }: { readonly port: number }): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  return socket
}

t.test('a request beyond the limit is RESOURCE_EXHAUSTED, the next one is served', async (t) => {
  const { address } = await listening(t, { limits: { requestBytesMax: 1_000 } })
  const client = clientOf(t, address)
  t.equal(await client.hello(Buffer.alloc(1_001)), 'RESOURCE_EXHAUSTED')
  t.equal(await client.hello(Buffer.alloc(1_000)), 'hello')
})

t.test(
  'metadata of more than 64 KiB a line, or 128 lines, is refused, others are served',
  async (t) => {
    const { address } = await listening(t)
    const client = clientOf(t, address)
    const large = new Metadata()
    large.set('large', 'x'.repeat(100_000))
    t.equal(await clientOf(t, address).hello(Buffer.alloc(0), large), 'INTERNAL')
    const many = new Metadata()
    for (let line = 0; line < 130; line++) many.set(`line-${line}`, 'x')
    t.equal(await client.hello(Buffer.alloc(0), many), 'RESOURCE_EXHAUSTED')
    t.equal(await client.hello(), 'hello')
  },
)

t.test('a connection has no more streams than the limit', async (t) => {
  const { port } = await listening(t, { limits: { streamsPerConnectionMax: 3 } })
  const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${port}`)
  t.teardown(() => session.destroy())
  const [settings] = await once(session, 'remoteSettings')
  t.equal(settings.maxConcurrentStreams, 3)
})

t.test('connections beyond the limit are hung up on, those before are served', async (t) => {
  const door = await listening(t, { limits: { connectionsMax: 3 } })
  const good = clientOf(t, door.address)
  t.equal(await good.hello(), 'hello')
  const idle = await Promise.all([open(t, door), open(t, door)])
  for (let more = 0; more < 20; more++) {
    const surplus = await open(t, door)
    if (!surplus.closed) await new Promise((done) => surplus.once('close', done))
  }
  t.equal(await clientOf(t, door.address).hello(), 'UNAVAILABLE')
  t.equal(await good.hello(), 'hello')
  for (const socket of idle) socket.destroy()
  await sleep(20)
  t.equal(await clientOf(t, door.address).hello(), 'hello', 'who left made room')
})

t.test('a connection that says nothing, or does not answer, is hung up on', async (t) => {
  const limits = { silenceMsMax: 50, pingPeriodMs: 50, pingMsMax: 50 }
  const door = await listening(t, { limits })
  const silent = await open(t, door)
  await once(silent, 'close')
  const deaf = await open(t, await listening(t, { limits: { ...limits, silenceMsMax: 60_000 } }))
  deaf.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  await once(deaf, 'close')
  const secure = await listening(t, { limits, tls: changingTls(pairOf()) })
  await once(await open(t, secure), 'close')
  const good = clientOf(t, door.address)
  t.equal(await good.hello(), 'hello')
  await sleep(200)
  t.equal(await good.hello(), 'hello', 'who answers stays')
})

t.test('a connection without calls is ended', async (t) => {
  const door = await listening(t, { limits: { idleMsMax: 50 } })
  const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${door.port}`)
  await once(session, 'goaway')
  await once(session, 'close')
  t.equal(await clientOf(t, door.address).hello(), 'hello')
})

t.test(
  'a new certificate is met by new connections, streams go on under the old one',
  async (t) => {
    const [first, second] = [pairOf(), pairOf()]
    const tls = changingTls(first)
    const { address, port, endStream } = await listening(t, { tls })
    const serialOf = async () => {
      const socket = connectTls({ port, ca: authority.certificate, ALPNProtocols: ['h2'] })
      t.teardown(() => socket.destroy())
      await once(socket, 'secureConnect')
      return socket.getPeerX509Certificate()?.toString()
    }
    const [before, now] = [first, second].map(({ certificate }) => certificate.toString())
    const client = clientOf(t, address, authority.certificate)
    const stream = client.stream()
    const [message] = await once(stream, 'data')
    t.equal(String(message), 'first')
    t.equal(await serialOf(), before)
    tls.change(second)
    t.equal(await serialOf(), now)
    stream.resume()
    endStream()
    const [{ code }] = await once(stream, 'status')
    t.equal(code, status.OK)
    t.equal(await clientOf(t, address, authority.certificate).hello(), 'hello')
  },
)

t.test('a new authority of clients is met by new connections', async (t) => {
  const [old, young] = [makeAuthority(), makeAuthority()]
  const tls = changingTls({ ...pairOf(), clientAuthority: Buffer.from(old.certificate) })
  const { port } = await listening(t, { tls })
  const isTaken = async (issuer: typeof old) => {
    const { certificate: cert, key } = issuer.issue({ name: 'caller' })
    const options = { port, ca: authority.certificate, ALPNProtocols: ['h2'], cert, key }
    const socket = connectTls(options)
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    // With TLS 1.3 the server's word comes after the client's handshake.
    const answer = once(socket, 'data').then(() => true)
    return Promise.race([answer, once(socket, 'close').then(() => false)]).catch(() => false)
  }
  t.strictSame([await isTaken(old), await isTaken(young)], [true, false])
  tls.change({ ...pairOf(), clientAuthority: Buffer.from(young.certificate) })
  t.strictSame([await isTaken(old), await isTaken(young)], [false, true])
})

t.test('connections that never came to a handshake do not outlive the server', async (t) => {
  for (const options of [{}, { tls: changingTls(pairOf()) }]) {
    const door = await listening(t, options)
    const silent = await open(t, door)
    const half = await open(t, door)
    half.write(Buffer.of(0x16, 0x03, 0x01))
    // Also by a reset.
    const ends = [silent, half].map((socket) => new Promise((done) => socket.once('close', done)))
    await door.close()
    await Promise.all(ends)
  }
})

t.test('nothing is told of the services themselves', async (t) => {
  const { address } = await listening(t)
  const client = clientOf(t, address)
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
    t.equal(await client.call(path), 'UNIMPLEMENTED')
  }
  t.equal(await client.call('/grpc.channelz.v1.Channelz/GetServers'), 'UNIMPLEMENTED')
})
