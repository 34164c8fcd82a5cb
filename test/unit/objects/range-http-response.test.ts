import t from 'tap'
import { parseResponseHead } from '../../../service/objects/http-response-head.ts'
import type { HttpResponseHead } from '../../../service/objects/http-response-head.ts'
import { HttpResponseReader } from '../../../service/objects/http-response-reader.ts'
import type { HttpResponse } from '../../../service/objects/http-response-reader.ts'

const good = [
  'HTTP/1.1 206 Partial Content',
  'Content-Length: 10',
  'Content-Range: bytes 0-9/100',
  'ETag: "abc"',
]

t.test('a plain head is read whatever the case of its names', async (t) => {
  const expected = {
    status: 206,
    bodyBytes: 10,
    etag: 'abc',
    contentRange: 'bytes 0-9/100',
    isKept: true,
  }
  for (const lines of [
    good,
    good.map((line, at) => (at === 0 ? line : line.toLowerCase())),
    good.map((line, at) => (at === 0 ? line : line.replace(/^[^:]*/, (n) => n.toUpperCase()))),
    good.map((line, at) => (at === 0 ? line : line.replace(/: /, ':'))),
    good.map((line, at) => (at === 0 ? line : `${line.replace(/: /, ': \t ')} \t`)),
    [...good, 'Connection: Keep-Alive', 'Keep-Alive: timeout=5'],
    ['HTTP/1.1 206', ...good.slice(1)],
    ['HTTP/1.1 206 ', ...good.slice(1)],
    [...good, 'x-amz-meta-note: caf\u00e9', 'x-empty:', 'Date: Mon', 'Date: Tue'],
  ])
    t.strictSame(parseResponseHead(lines.join('\r\n')), expected, lines.join(' | '))
})

t.test('only a connection that is kept is kept', async (t) => {
  for (const value of ['close', 'Close', 'keep-alive, close', 'upgrade', ''])
    t.equal(parseResponseHead([...good, `Connection: ${value}`].join('\r\n'))?.isKept, false, value)
})

t.test('whatever is not plain is odd', async (t) => {
  const [status = '', ...fields] = good
  const odd: Record<string, string> = {
    nothing: '',
    'an older version': ['HTTP/1.0 206 Partial Content', ...fields].join('\r\n'),
    'another version': ['HTTP/2 206', ...fields].join('\r\n'),
    'no status': ['HTTP/1.1 OK', ...fields].join('\r\n'),
    'a status of four digits': ['HTTP/1.1 2060', ...fields].join('\r\n'),
    continue: ['HTTP/1.1 100 Continue', ...fields].join('\r\n'),
    'early hints': ['HTTP/1.1 103 Early Hints', ...fields].join('\r\n'),
    'no content': ['HTTP/1.1 204 No Content', ...fields].join('\r\n'),
    'a redirect': ['HTTP/1.1 307 Temporary Redirect', ...fields].join('\r\n'),
    'not modified': ['HTTP/1.1 304 Not Modified', ...fields].join('\r\n'),
    'a blank before': ` ${good.join('\r\n')}`,
    chunks: [...good, 'Transfer-Encoding: chunked'].join('\r\n'),
    'chunks in capitals': [...good, 'TRANSFER-ENCODING: CHUNKED'].join('\r\n'),
    'an upgrade': [...good, 'Upgrade: h2c'].join('\r\n'),
    'a trailer': [...good, 'Trailer: x'].join('\r\n'),
    'no length': [status, ...fields.slice(1)].join('\r\n'),
    'two lengths': [...good, 'content-length: 10'].join('\r\n'),
    'two lengths in one': [status, 'Content-Length: 10, 10', ...fields.slice(1)].join('\r\n'),
    'two versions': [...good, 'ETag: "abc"'].join('\r\n'),
    'two ranges': [...good, 'Content-Range: bytes 0-9/100'].join('\r\n'),
    'a signed length': [status, 'Content-Length: +10', ...fields.slice(1)].join('\r\n'),
    'a negative length': [status, 'Content-Length: -10', ...fields.slice(1)].join('\r\n'),
    'a length in hex': [status, 'Content-Length: 0x10', ...fields.slice(1)].join('\r\n'),
    'a length beyond 2^53': [status, `Content-Length: ${'9'.repeat(17)}`].join('\r\n'),
    'a folded line': [...good, ' folded'].join('\r\n'),
    'a blank before the colon': [...good, 'x-odd : 1'].join('\r\n'),
    'no name': [...good, ': 1'].join('\r\n'),
    'no colon': [...good, 'x-odd'].join('\r\n'),
    'a bare line feed': `${good.join('\r\n')}\nTransfer-Encoding: chunked`,
    'a bare carriage return': `${good.join('\r\n')}\rx: 1`,
    'a zero byte': [...good, 'x: \0'].join('\r\n'),
  }
  for (const [name, text] of Object.entries(odd)) t.equal(parseResponseHead(text), undefined, name)
})

const body = 'ten bytes!'
const answer = Buffer.from(`${good.join('\r\n')}\r\n\r\n${body}`)

/** Pushes the pieces until the reader says how it ended. */
function readPieces(
  pieces: readonly Uint8Array[],
  memoryFor = (head: HttpResponseHead): Uint8Array | undefined => new Uint8Array(head.bodyBytes),
): HttpResponse | 'odd' | undefined {
  const reader = new HttpResponseReader(memoryFor)
  for (const piece of pieces) {
    const end = reader.push(piece)
    if (end !== undefined) return end
  }
  return undefined
}

function textOf(end: HttpResponse | 'odd' | undefined): string {
  return typeof end === 'object' ? Buffer.from(end.body).toString() : String(end)
}

t.test('an answer may be cut anywhere', async (t) => {
  for (let cut = 0; cut <= answer.length; cut++) {
    const end = readPieces([answer.subarray(0, cut), answer.subarray(cut)])
    if (textOf(end) !== body) t.fail(`cut at ${cut}: ${textOf(end)}`)
  }
  t.equal(textOf(readPieces([...answer].map((byte) => Uint8Array.of(byte)))), body, 'byte by byte')
  for (let first = 1; first < answer.length; first += 3)
    for (let second = first + 1; second < answer.length; second += 5) {
      const end = readPieces([
        answer.subarray(0, first),
        answer.subarray(first, second),
        answer.subarray(second),
      ])
      if (textOf(end) !== body) t.fail(`cut at ${first} and ${second}: ${textOf(end)}`)
    }
})

t.test('pieces may be overwritten once they are taken', async (t) => {
  const reader = new HttpResponseReader((head) => new Uint8Array(head.bodyBytes))
  const piece = Buffer.alloc(7)
  let end: HttpResponse | 'odd' | undefined
  for (let at = 0; at < answer.length; at += piece.length) {
    const length = answer.copy(piece, 0, at, at + piece.length)
    end = reader.push(piece.subarray(0, length))
    piece.fill('#')
  }
  t.equal(textOf(end), body)
})

t.test(
  'what follows the body makes the connection useless, and stays out of the memory',
  async (t) => {
    const memory = new Uint8Array(20)
    const clean = readPieces([answer])
    t.equal(typeof clean === 'object' && clean.isReusable, true)
    const end = readPieces([Buffer.concat([answer, Buffer.from('HTTP/1.1 200 OK')])], (head) =>
      memory.subarray(0, head.bodyBytes),
    )
    t.equal(textOf(end), body)
    t.equal(typeof end === 'object' && end.isReusable, false)
    t.ok(memory.subarray(10).every((byte) => byte === 0))
  },
)

t.test('an empty body ends with its head', async (t) => {
  const text = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'
  const end = readPieces([Buffer.from(text)])
  t.equal(typeof end === 'object' && end.head.status, 503)
})

t.test('a head has an end', async (t) => {
  const line = `x: ${'y'.repeat(1_000)}\r\n`
  const bomb = Buffer.from(`HTTP/1.1 206 OK\r\n${line.repeat(17)}`)
  let pushed = 0
  const reader = new HttpResponseReader((head) => new Uint8Array(head.bodyBytes))
  for (const byte of bomb) {
    pushed++
    if (reader.push(Uint8Array.of(byte)) === 'odd') break
  }
  t.equal(pushed, 16_384)
  t.equal(readPieces([bomb]), 'odd')
  const beyond = Buffer.from(`HTTP/1.1 206 OK\r\n${line.repeat(17)}Content-Length: 0\r\n\r\n`)
  t.equal(readPieces([beyond]), 'odd', 'also when it comes at once')
})

t.test('a body nobody wants is odd, and what the memory throws is thrown', async (t) => {
  const none = (): undefined => undefined
  t.equal(readPieces([answer], none), 'odd')
  const refuse = (): never => {
    throw new Error('not this version')
  }
  t.throws(() => readPieces([answer], refuse), { message: 'not this version' })
})

t.test('a body is put where it belongs, once its head is there', async (t) => {
  const body = new Uint8Array(10)
  const reader = new HttpResponseReader(() => body)
  const text = `${good.join('\r\n')}\r\n\r\n`
  t.equal(reader.room, undefined)
  t.equal(reader.push(Buffer.from(text.slice(0, 30))), undefined)
  t.equal(reader.room, undefined, 'not before the end of the head')
  t.equal(reader.push(Buffer.from(`${text.slice(30)}abc`)), undefined)
  const { room } = reader
  t.strictSame([room?.buffer, room?.byteOffset, room?.length], [body.buffer, 3, 7])
  room?.set(Buffer.from('defg'))
  t.equal(reader.push(body.subarray(3, 7)), undefined)
  t.equal(reader.room?.byteOffset, 7)
  const end = reader.push(Buffer.from('hij'))
  t.equal(Buffer.from(body).toString(), 'abcdefghij')
  t.match(end, { isReusable: true })
})
