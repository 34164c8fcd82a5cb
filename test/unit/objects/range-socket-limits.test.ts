import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { rangeSocketStore } from '../../../service/objects/range-socket-store.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { testAuthority } from '../../support/embedded-certificate.ts'
import { answerOf, anySignal, body, keys, object } from './range-scripted-server.ts'
import { range, readText, scene, whenClosed } from './range-scripted-server.ts'

const plain = (socket: Socket): unknown => socket.write(answerOf())

t.test('a store that falls silent is given up', async (t) => {
  for (const sentBytes of [0, 1, answerOf().length - 1]) {
    const script = (socket: Socket): unknown => socket.write(answerOf().slice(0, sentBytes))
    const { store, allClosed } = await scene(t, script, { silenceMsMax: 50 })
    const silent = { code: 'unavailable', message: /in time \(no byte for 50 ms\)/ }
    await t.rejects(readText(store), silent, `after ${sentBytes} bytes`)
    await allClosed()
  }
})

t.test('a kept connection that falls silent is not asked again', async (t) => {
  const script = (socket: Socket, _request: string, number: number): unknown =>
    number === 1 && plain(socket)
  const { store, requests } = await scene(t, script, { silenceMsMax: 50 })
  t.equal(await readText(store), body)
  await t.rejects(readText(store), { code: 'unavailable', message: /no byte for 50 ms/ })
  t.equal(requests.length, 2)
})

t.test('a drip too slow for the whole is given up although it is never silent', async (t) => {
  const drip = async (socket: Socket): Promise<void> => {
    for (const byte of Buffer.from(answerOf())) {
      if (socket.destroyed) return
      socket.write(Uint8Array.of(byte))
      await sleep(5)
    }
  }
  const limits = { silenceMsMax: 10_000, requestMsMax: 100 }
  const { store, allClosed } = await scene(t, drip, limits)
  await t.rejects(readText(store), { code: 'unavailable', message: /not done after 100 ms/ })
  await allClosed()
})

t.test('a handshake that does not end is given up', async (t) => {
  const { port, allClosed } = await scene(t, plain)
  const options = { url: `https://127.0.0.1:${port}`, connectMsMax: 50, bytesMin: 1 }
  const { store: inner } = await scene(t, plain)
  const store = rangeSocketStore(inner, options, staticCredentials(keys()))
  await t.rejects(readText(store), { code: 'unavailable', message: /no connection after 50 ms/ })
  await allClosed()
})

t.test('cancelling closes the socket, and nothing is written any more', async (t) => {
  const sent = answerOf().slice(0, -5)
  const { store, connections, allClosed } = await scene(t, (socket) => socket.write(sent))
  const controller = new AbortController()
  const into = new Uint8Array(10)
  const read = store.read({ object, range, into }, controller.signal)
  while (into[4] === 0) await sleep(1)
  controller.abort()
  await t.rejects(read, { code: 'cancelled' })
  connections[0]?.write(body.slice(5))
  await allClosed()
  t.equal(Buffer.from(into).toString(), `${body.slice(0, 5)}\0\0\0\0\0`)
  await t.rejects(readText(store, AbortSignal.abort()), { code: 'cancelled' })
  t.equal(connections.length, 1)
})

t.test('reads wait in turn, so many and no more, and their waiting counts', async (t) => {
  const held: Socket[] = []
  const limits = { connectionsMax: 2, waitingMax: 2, requestMsMax: 5_000 }
  const { store, requests, connections } = await scene(t, (socket) => held.push(socket), limits)
  const controller = new AbortController()
  const running = [readText(store), readText(store)]
  const cancelled = readText(store, controller.signal)
  const waiting = readText(store)
  // Credentials are asked for first.
  while (requests.length < 2) await sleep(1)
  await t.rejects(readText(store), { code: 'busy', message: /2 requests.*2 wait/ })
  controller.abort()
  await t.rejects(cancelled, { code: 'cancelled' })
  for (const socket of held.splice(0)) plain(socket)
  t.strictSame(await Promise.all(running), [body, body])
  while (held.length < 1) await sleep(1)
  for (const socket of held.splice(0)) plain(socket)
  t.equal(await waiting, body)
  t.equal(connections.length, 2)
})

t.test('a read that waits for too long is given up', async (t) => {
  const limits = { connectionsMax: 1, requestMsMax: 60 }
  const { store, requests } = await scene(t, () => {}, limits)
  const reads = [readText(store), readText(store)]
  for (const read of reads)
    await t.rejects(read, { code: 'unavailable', message: /not done after 60 ms/ })
  t.ok(requests.length <= 2)
})

t.test('the connection in place of a stale one is new, and another leaves for it', async (t) => {
  const script = (socket: Socket, _request: string, number: number): unknown =>
    number === 2 ? socket.resetAndDestroy() : plain(socket)
  const { store, requests, connections } = await scene(t, script, { connectionsMax: 1 })
  t.equal(await readText(store), body)
  // The first of these finds its socket stale, the second dials meanwhile and leaves a kept socket.
  t.strictSame(await Promise.all([readText(store), readText(store)]), [body, body])
  t.equal(requests.length, 4)
  t.equal(connections.length, 3)
  for (const socket of connections.slice(0, 2)) await whenClosed(socket)
  t.equal(connections[2]?.destroyed, false)
})

t.test('an idle connection closes itself, and a store that is closed closes all', async (t) => {
  const short = await scene(t, plain, { idleMsMax: 20, silenceMsMax: 300_000 })
  t.equal(await readText(short.store), body)
  await short.allClosed()
  t.equal(await readText(short.store), body)
  t.equal(short.connections.length, 2)

  const long = await scene(t, plain)
  t.equal(await readText(long.store), body)
  t.equal(long.connections[0]?.destroyed, false)
  long.store.close()
  await long.allClosed()
})

t.test('TLS: a private authority is trusted when it is named, sessions are resumed', async (t) => {
  const resumed: boolean[] = []
  const names: unknown[] = []
  const script = (socket: Socket): unknown => {
    const secure = socket as TLSSocket
    resumed.push(secure.isSessionReused())
    names.push(Reflect.get(secure, 'servername'))
    return socket.write(answerOf({ Connection: 'close' }))
  }
  const secure = { secure: true, certificateAuthority: testAuthority }
  const { store, port } = await scene(t, script, secure)
  for (let round = 0; round < 3; round++) t.equal(await readText(store), body)
  t.strictSame(resumed, [false, true, true])
  t.strictSame(names, [false, false, false], 'an address is not sent as a name')

  const url = `https://localhost:${port}`
  const named = rangeSocketStore(store, { url, bytesMin: 1, ...secure }, staticCredentials(keys()))
  t.equal(await readText(named), body)
  t.equal(names.at(-1), 'localhost')

  const stranger = await scene(t, plain, { secure: true })
  await t.rejects(readText(stranger.store), {
    code: 'unavailable',
    message: /not trusted.*CA file/,
  })
})

t.test('TLS: large answers come through whole', async (t) => {
  const sizeBytes = 3 << 20
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0; at < sizeBytes; at += 4) bytes.writeUInt32LE(at, at)
  const fields = {
    'Content-Length': String(sizeBytes),
    'Content-Range': `bytes 0-${sizeBytes - 1}/${sizeBytes}`,
  }
  const head = answerOf(fields, { text: '' })
  for (const secure of [true, false]) {
    const { store, connections } = await scene(
      t,
      (socket) => socket.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes])),
      { secure, certificateAuthority: testAuthority },
    )
    const whole = { object: { ...object, sizeBytes }, range: { start: 0, end: sizeBytes } }
    const lanes = Array.from({ length: 8 }, () => store.read(whole, anySignal()))
    for (const read of await Promise.all(lanes)) t.ok(bytes.equals(read))
    const into = new Uint8Array(sizeBytes)
    for (let round = 0; round < 4; round++) {
      into.fill(0)
      await store.read({ ...whole, into }, anySignal())
      t.ok(bytes.equals(into))
    }
    t.equal(connections.length, 8)
  }
})

t.test('nobody listens', async (t) => {
  const { store, port } = await scene(t, plain)
  t.equal(await readText(store), body)
  store.close()
  const url = `http://127.0.0.1:${port === 1 ? 2 : 1}`
  const nobody = rangeSocketStore(store, { url, bytesMin: 1 }, staticCredentials(keys()))
  await t.rejects(readText(nobody), { code: 'unavailable', message: /refuses connections/ })
})
