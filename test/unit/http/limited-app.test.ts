import { once } from 'node:events'
import { Agent, get } from 'node:https'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { LimitedAppOptions } from '../../../service/http/limited-app.ts'
import { limitedApp, listenOn } from '../../../service/http/limited-app.ts'
import { makeAuthority } from '../../support/make-certificate.ts'
import { changingTls } from '../../support/tls-source.ts'

const authority = makeAuthority()
const pairOf = ({ certificate, key } = authority.issue()) => ({
  certificate: Buffer.from(certificate),
  key: Buffer.from(key),
})

/** A door whose `/hello` answers at once and whose `/stream` goes on for as long as the test writes. */
async function listening(t: Test, options: LimitedAppOptions = {}) {
  const app = limitedApp(options)
  const stream = new PassThrough()
  app.get('/hello', async () => 'hello')
  app.post('/hello', async () => 'hello')
  app.get('/stream', async (_, reply) => reply.send(stream))
  t.teardown(() => app.close())
  const { hostname, port } = new URL(await listenOn(app, { host: '127.0.0.1', port: 0 }))
  return { hostname, port: Number(port), stream }
}

async function open(t: Test, { port }: { readonly port: number }): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** What the door says until it closes the connection. */
const answerOf = (socket: Socket) => text(socket).catch(() => 'reset')

t.test('headers beyond the limit are 431', async (t) => {
  const socket = await open(t, await listening(t))
  socket.write(`GET /hello HTTP/1.1\r\nhost: x\r\nbig: ${'x'.repeat(32 << 10)}\r\n\r\n`)
  t.match(await answerOf(socket), /^HTTP\/1\.1 431 /)
})

t.test('a body beyond the limit is 413 before it is read', async (t) => {
  const socket = await open(t, await listening(t))
  const head = 'POST /hello HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\nconnection: close'
  socket.write(`${head}\r\ncontent-length: ${2 << 20}\r\n\r\n`)
  t.match(await answerOf(socket), /^HTTP\/1\.1 413 /)
})

t.test('headers and bodies that trickle in are given up', async (t) => {
  const limits = { headersMsMax: 100, requestMsMax: 200, lookMs: 20 }
  const door = await listening(t, { limits })
  const slowHead = await open(t, door)
  slowHead.write('GET /hello HTTP/1.1\r\nhost: x\r\n')
  const drip = setInterval(() => slowHead.write('a: b\r\n'), 10)
  t.teardown(() => clearInterval(drip))
  const slowBody = await open(t, door)
  const head = 'POST /hello HTTP/1.1\r\nhost: x\r\ncontent-type: application/json'
  slowBody.write(`${head}\r\ncontent-length: 100\r\n\r\n{`)
  const silent = await open(t, door)
  const answers = await Promise.all([slowHead, slowBody, silent].map(answerOf))
  // The dripping one may be reset by its own next drop.
  t.match(answers, [/^HTTP\/1\.1 408 |^reset$/, /^HTTP\/1\.1 408 /, /^HTTP\/1\.1 408 /])
})

t.test('a connection without requests is closed', async (t) => {
  const socket = await open(t, await listening(t, { limits: { idleMsMax: 50, lookMs: 20 } }))
  socket.write('GET /hello HTTP/1.1\r\nhost: x\r\n\r\n')
  t.match(await answerOf(socket), /hello$/)
})

t.test('connections beyond the limit are hung up on, those before are served', async (t) => {
  const door = await listening(t, { limits: { connectionsMax: 3 } })
  const good = await Promise.all([open(t, door), open(t, door), open(t, door)])
  for (let more = 0; more < 20; more++) {
    const surplus = await open(t, door)
    t.match(await answerOf(surplus), /^(reset)?$/)
  }
  for (const socket of good) {
    socket.end('GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    t.match(await answerOf(socket), /hello$/)
  }
  const next = await open(t, door)
  next.end('GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  t.match(await answerOf(next), /hello$/, 'who left made room')
})

t.test(
  'a new certificate is met by new connections, streams go on under the old one',
  async (t) => {
    const [first, second] = [pairOf(), pairOf()]
    const tls = changingTls(first)
    const { port, stream } = await listening(t, { tls })
    const agent = new Agent({ ca: authority.certificate, keepAlive: true })
    t.teardown(() => agent.destroy())
    stream.write('before ')
    const [running] = await once(get({ port, agent, path: '/stream' }), 'response')
    const received: Promise<string> = text(running)
    const serialOf = async (): Promise<string | undefined> => {
      const socket: TLSSocket = connectTls({ port, ca: authority.certificate })
      t.teardown(() => socket.destroy())
      await once(socket, 'secureConnect')
      return socket.getPeerX509Certificate()?.toString()
    }
    const [before, now] = [first, second].map(({ certificate }) => certificate.toString())
    t.equal(await serialOf(), before)
    tls.change(second)
    t.equal(await serialOf(), now)
    stream.end('after')
    t.equal(await received, 'before after')
  },
)

t.test('a new authority of clients is met by new connections', async (t) => {
  const old = makeAuthority()
  const tls = changingTls({ ...pairOf(), clientAuthority: Buffer.from(old.certificate) })
  const { port } = await listening(t, { tls })
  const ask = async ({ certificate: cert, key } = old.issue({ name: 'caller' })) => {
    const options = { port, path: '/hello', ca: authority.certificate, cert, key, agent: false }
    const [response] = await once(get(options), 'response')
    return text(response)
  }
  t.equal(await ask(), 'hello')
  const young = makeAuthority()
  tls.change({ ...pairOf(), clientAuthority: Buffer.from(young.certificate) })
  t.equal(await ask(young.issue({ name: 'caller' })), 'hello')
  await t.rejects(ask())
})
