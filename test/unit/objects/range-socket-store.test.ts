import { setImmediate as turn } from 'node:timers/promises'
import type { Socket } from 'node:net'
import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { answerOf, anySignal, body, keys, object } from './range-scripted-server.ts'
import { range, readText, scene, whenClosed } from './range-scripted-server.ts'

t.test(
  'a range is asked for by version and read over one connection again and again',
  async (t) => {
    const { store, requests, connections, handedOn } = await scene(t, (socket) =>
      socket.write(answerOf()),
    )
    for (let round = 0; round < 5; round++) t.equal(await readText(store), body)
    t.equal(connections.length, 1)
    t.equal(handedOn(), 0)
    const [request = ''] = requests
    t.match(
      request,
      /^GET \/lake\/data HTTP\/1\.1\r\nuser-agent: spillway\r\nhost: 127\.0\.0\.1:\d+\r\n/,
    )
    t.match(request, /\r\nrange: bytes=10-19\r\n/)
    t.match(request, /\r\nif-match: "abc"\r\n/)
    t.match(request, /\r\nauthorization: AWS4-HMAC-SHA256 Credential=us\/\d{8}\/us-east-1\/s3\//)
    t.match(request, /SignedHeaders=host;if-match;range;x-amz-content-sha256;x-amz-date,/)
  },
)

t.test('the bytes go into the memory that is given, and nowhere beside it', async (t) => {
  const { store } = await scene(t, (socket) => socket.write(`${answerOf()}and more`))
  for (const memory of [new ArrayBuffer(14), new SharedArrayBuffer(14)]) {
    const into = new Uint8Array(memory, 1, 12).fill(35)
    const read = await store.read({ object, range, into }, anySignal())
    t.equal(read.buffer, memory)
    t.equal(Buffer.from(into).toString(), `${body}##`)
  }
})

t.test('an answer may drip byte by byte', async (t) => {
  const { store } = await scene(t, async (socket) => {
    for (const byte of Buffer.from(answerOf())) {
      socket.setNoDelay().write(Uint8Array.of(byte))
      await turn()
    }
  })
  for (let round = 0; round < 3; round++) t.equal(await readText(store), body)
})

t.test('names of fields have any case', async (t) => {
  const { store, connections } = await scene(t, (socket, _request, number) => {
    const [head = ''] = answerOf().split('\r\n\r\n')
    const cased = number === 1 ? head.toLowerCase() : head.toUpperCase()
    const text = cased.replace(/^.*/, 'HTTP/1.1 206 OK').replace('BYTES', 'bytes')
    socket.write(`${text.replace('ABC', 'abc')}\r\n\r\n${body}`)
  })
  for (let round = 0; round < 2; round++) t.equal(await readText(store), body)
  t.equal(connections.length, 1)
})

t.test('a whole object is a good answer to all of it', async (t) => {
  const { store } = await scene(t, (socket) =>
    socket.write(answerOf({ 'Content-Range': undefined }, { status: '200 OK' })),
  )
  const whole = { object: { ...object, sizeBytes: 10 }, range: { start: 0, end: 10 } }
  t.equal((await store.read(whole, anySignal())).length, 10)
})

for (const [name, text] of Object.entries({
  'bytes after the body': `${answerOf()}HTTP/1.1 206 OK`,
  'a second answer after the body': answerOf() + answerOf(),
  'connection: close': answerOf({ Connection: 'close' }),
}))
  t.test(`${name}: the answer is good, the connection is not used again`, async (t) => {
    const { store, connections, allClosed } = await scene(t, (socket) => socket.write(text))
    for (let round = 0; round < 2; round++) t.equal(await readText(store), body)
    t.equal(connections.length, 2)
    await allClosed()
  })

t.test('bytes nobody asked for close the connection', async (t) => {
  const { store, connections } = await scene(t, (socket) => socket.write(answerOf()))
  t.equal(await readText(store), body)
  const [socket] = connections
  socket?.write(answerOf().replace(body, 'POISONED!!'))
  if (socket !== undefined) await whenClosed(socket)
  t.equal(await readText(store), body)
  t.equal(connections.length, 2)
})

const bomb = `x: ${'y'.repeat(1_000)}\r\n`.repeat(20)
for (const [name, text] of Object.entries({
  chunks: answerOf({ 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' }),
  'chunks and a length': answerOf({ 'Transfer-Encoding': 'chunked' }),
  continue: `HTTP/1.1 100 Continue\r\n\r\n${answerOf()}`,
  'a redirect': answerOf({ Location: 'http://elsewhere/' }, { status: '307 Temporary Redirect' }),
  'an older version': answerOf().replace('1.1', '1.0'),
  'no length': answerOf({ 'Content-Length': undefined }),
  'a folded field': answerOf({ 'X-Odd': 'a\r\n b' }),
  'a head without an end': `HTTP/1.1 206 OK\r\n${bomb}`,
  'a large head': answerOf().replace('\r\n', `\r\n${bomb}`),
  'another protocol': `SSH-2.0-OpenSSH_9.9\r\n\r\n`,
  'a refusal with a long body': answerOf({ 'Content-Length': '65537' }, { status: '503 No' }),
  'a refusal in chunks': 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
}))
  t.test(`${name}: the read is handed on and the connection closed`, async (t) => {
    const { store, requests, handedOn, allClosed } = await scene(t, (socket) => socket.write(text))
    t.equal(await readText(store), 'handed on')
    t.equal(handedOn(), 1)
    t.equal(requests.length, 1)
    await allClosed()
  })

const changed = { code: 'object_changed' }
for (const [name, [text, error]] of Object.entries({
  'another version': [answerOf({ ETag: '"def"' }), { ...changed, message: /version def/ }],
  'another size': [answerOf({ 'Content-Range': 'bytes 10-19/99' }), changed],
  'no version': [answerOf({ ETag: undefined }), { message: /no ETag/ }],
  'another range': [answerOf({ 'Content-Range': 'bytes 0-9/100' }), { message: /bytes 0-9/ }],
  'no range': [answerOf({ 'Content-Range': undefined }), { message: /none/ }],
  'the whole object': [answerOf({}, { status: '200 OK' }), { message: /status 200/ }],
  'a shorter body': [answerOf({ 'Content-Length': '9' }), { message: /9 bytes instead of 10/ }],
  'a longer body': [answerOf({ 'Content-Length': '11' }), { message: /11 bytes instead of 10/ }],
} as const))
  t.test(`${name} is not taken for the bytes`, async (t) => {
    const { store, handedOn, allClosed } = await scene(t, (socket) => socket.write(text))
    const into = new Uint8Array(10)
    const read = store.read({ object, range, into }, anySignal())
    await t.rejects(read, { code: 'unavailable', ...error })
    t.ok(into.every((byte) => byte === 0))
    t.equal(handedOn(), 0)
    await allClosed()
  })

const xml = (code: string): string => `<Error><Code>${code}</Code><Message>no</Message></Error>`
for (const [status, code, error] of [
  ['404 Not Found', 'NoSuchKey', { code: 'object_changed', message: /it is gone/ }],
  ['404 Not Found', 'NoSuchBucket', { code: 'table_not_found' }],
  ['412 Precondition Failed', 'PreconditionFailed', { code: 'object_changed', message: /xyz/ }],
  ['416 Range Not Satisfiable', 'InvalidRange', { code: 'object_changed', message: /xyz/ }],
  ['403 Forbidden', 'AccessDenied', { code: 'unavailable', message: /s3:GetObject.*403/ }],
  ['503 Slow Down', 'SlowDown', { code: 'unavailable', message: /overloaded.*503 SlowDown/ }],
] as const)
  t.test(
    `${status} ${code} is said as the SDK's path says it, on a connection that stays`,
    async (t) => {
      const fields = { 'Content-Range': undefined, ETag: '"xyz"' }
      const text = answerOf(fields, { status, text: xml(code) })
      const { store, connections, handedOn } = await scene(t, (socket) => socket.write(text))
      for (let round = 0; round < 3; round++) await t.rejects(readText(store), error)
      t.equal(connections.length, 1)
      t.equal(handedOn(), 0)
    },
  )

const broken = { code: 'unavailable', message: /127\.0\.0\.1:\d+ broke the connection/ }
for (const [name, end] of Object.entries({
  ended: (socket: Socket) => socket.end(),
  reset: (socket: Socket) => socket.resetAndDestroy(),
}))
  for (const sentBytes of [0, 1, 40, answerOf().length - 1])
    t.test(`a first connection that is ${name} after ${sentBytes} bytes is broken`, async (t) => {
      const { store, requests, handedOn } = await scene(t, (socket) => {
        if (sentBytes === 0) end(socket)
        else socket.write(answerOf().slice(0, sentBytes), () => end(socket))
      })
      await t.rejects(readText(store), broken)
      t.equal(requests.length, 1)
      t.equal(handedOn(), 0)
    })

t.test('a kept connection that ends without a byte is dialled again, once', async (t) => {
  const { store, requests, connections } = await scene(t, (socket, _request, number) => {
    if (number === 1 || number === 3) socket.write(answerOf())
    else socket.resetAndDestroy()
  })
  t.equal(await readText(store), body)
  t.equal(await readText(store), body, 'the second request was repeated')
  t.equal(requests.length, 3)
  t.equal(requests[1], requests[2])
  await t.rejects(readText(store), broken, 'the fourth and the fifth are reset')
  t.equal(requests.length, 5)
  t.equal(connections.length, 3)
})

t.test('a kept connection that ends after a byte is not asked again', async (t) => {
  const { store, requests } = await scene(t, (socket, _request, number) => {
    if (number === 1) socket.write(answerOf())
    else socket.end('H')
  })
  t.equal(await readText(store), body)
  await t.rejects(readText(store), broken)
  t.equal(requests.length, 2)
})

t.test('after three odd answers in a row reads go the ordinary way for a time', async (t) => {
  let now = 0
  let isOdd = true
  const script = (socket: Socket): unknown =>
    socket.write(isOdd ? answerOf().replace('1.1', '1.0') : answerOf())
  const options = { nowMs: () => now, oddMsPause: 1_000 }
  const { store, requests, handedOn } = await scene(t, script, options)
  for (let round = 0; round < 2; round++) await readText(store)
  isOdd = false
  t.equal(await readText(store), body, 'two are none')
  isOdd = true
  for (let round = 0; round < 5; round++) t.equal(await readText(store), 'handed on')
  t.equal(requests.length, 6)
  t.equal(handedOn(), 7)
  now = 999
  isOdd = false
  t.equal(await readText(store), 'handed on')
  now = 1_000
  t.equal(await readText(store), body)
})

t.test('the version is told where the store tells it', async (t) => {
  const said = ['v7', 'null', undefined, '']
  let at = 0
  const script = (socket: Socket): unknown => {
    const versionId = said[at++]
    const line = versionId === undefined ? '' : `x-amz-version-id: ${versionId}\r\n`
    return socket.write(answerOf().replace('\r\n\r\n', `\r\n${line}\r\n`))
  }
  const { store } = await scene(t, script)
  const told: string[] = []
  const onVersion = (versionId: string): void => void told.push(versionId)
  for (const _ of said) await store.read({ object, range, onVersion }, anySignal())
  t.strictSame(told, ['v7'])
})

t.test('short reads into memory of their own stay with the SDK', async (t) => {
  const script = (socket: Socket): unknown => socket.write(answerOf())
  const { store, requests, handedOn } = await scene(t, script, { bytesMin: 11 })
  t.equal(await readText(store), 'handed on')
  const into = new Uint8Array(10)
  t.equal((await store.read({ object, range, into }, anySignal())).buffer, into.buffer)
  t.strictSame([requests.length, handedOn()], [1, 1])
})

t.test('what could begin a request of its own is not sent', async (t) => {
  const evil = 'x"\r\nHost: evil\r\n\r\nGET / HTTP/1.1\r\nx: "'
  const script = (socket: Socket): unknown => socket.write(answerOf())
  const { store, requests, handedOn } = await scene(t, script)
  for (const odd of [{ etag: evil }, { etag: 'caf\u00e9' }, { key: 'half \ud800 pair' }])
    await store.read({ object: { ...object, ...odd }, range }, anySignal())
  t.strictSame([requests.length, handedOn()], [0, 3])
  const names = { key: `a b/${evil}`, versionId: evil }
  await store.read({ object: { ...object, ...names }, range }, anySignal())
  t.equal(requests.length, 1)
  t.match(requests[0], /^GET \/lake\/a%20b\/x%22%0D%0A\S+\?versionId=x%22%0D%0A\S+ HTTP\/1\.1\r\n/)
  await t.rejects(store.read({ object: { ...object, bucket: 'a/../b' }, range }, anySignal()), {
    code: 'table_not_found',
  })

  const sessionToken = new Secret(evil)
  const second = await scene(t, script, { credentials: { ...keys(), sessionToken } })
  t.equal(await readText(second.store), 'handed on')
  t.equal(second.requests.length, 0)
})

t.test('a session token is signed, and without keys nothing is', async (t) => {
  const script = (socket: Socket): unknown => socket.write(answerOf())
  const sessionToken = new Secret('our token')
  const { store, requests } = await scene(t, script, { credentials: { ...keys(), sessionToken } })
  await readText(store)
  t.match(requests[0], /\r\nx-amz-security-token: our token\r\n/)
  t.match(requests[0], /;x-amz-security-token,/)
  const credentials = { accessKey: '', secretKey: new Secret('') }
  const nameless = await scene(t, script, { credentials })
  await readText(nameless.store)
  t.notMatch(nameless.requests[0], /authorization|x-amz/)
})
