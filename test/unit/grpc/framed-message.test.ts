import { once } from 'node:events'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { buffer } from 'node:stream/consumers'
import { setTimeout as after } from 'node:timers/promises'
import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { GatewayError } from '../../../service/errors.ts'
import { callSignal } from '../../../service/grpc/call-signal.ts'
import { FramedMessage, sendFramedAsIs } from '../../../service/grpc/framed-message.ts'
import { sendFrames } from '../../../service/grpc/send-frames.ts'
import type { Frame } from '../../../service/scan/frame.ts'

const path = '/test.Frames/Read'

/** Prefix and `bodyBytes` bytes of one value, in memory that threads share. */
function sharedFrame(value: number, bodyBytes: number): Uint8Array {
  const framed = new Uint8Array(new SharedArrayBuffer(5 + bodyBytes)).fill(value)
  new DataView(framed.buffer).setUint8(0, 0)
  new DataView(framed.buffer).setUint32(1, bodyBytes)
  return framed
}

/** A server of one streaming method and what became of its frames. */
async function frameServer(
  t: Test,
  messages: readonly Uint8Array[],
  interceptors: NonNullable<ServerOptions['interceptors']>,
) {
  const released: number[] = []
  const seen: { isOver: boolean; copied: number; abort?: (reason: GatewayError) => void } = {
    isOver: false,
    copied: 0,
  }
  async function* frames(): AsyncGenerator<Frame, void> {
    for (const [index, message] of messages.entries()) {
      const bodyBytes = message.byteLength - 5
      yield { message, rowCount: 1, bodyBytes, release: () => void released.push(index) }
    }
  }
  const server = new Server({ interceptors })
  const definition = {
    path,
    requestStream: false,
    responseStream: true,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: () => ({}),
    responseSerialize: (message: FramedMessage) => {
      seen.copied++
      return message.bytes
    },
    responseDeserialize: () => ({}),
  }
  server.addService(
    { read: definition },
    {
      read: (call: ServerWritableStream<unknown, unknown>) => {
        const end = () => {
          seen.isOver = true
          call.end()
        }
        const life = callSignal(call)
        seen.abort = (reason) => life.abort(reason)
        sendFrames(call, frames(), life.signal).then(end, end)
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const wire = await startWire(t, port)
  const session = connect(wire.url)
  await once(session, 'connect')
  t.teardown(() => {
    session.destroy()
    server.forceShutdown()
  })
  return { session, wire, released, seen }
}

/** Between client and server; the server's bytes can be held up. */
async function startWire(t: Test, port: number) {
  let upstream: Socket | undefined
  const wire = createServer((client) => {
    upstream = connectTcp(port, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream?.destroy())
  }).listen(0, '127.0.0.1')
  await once(wire, 'listening')
  t.teardown(() => wire.close())
  return {
    url: `http://127.0.0.1:${(wire.address() as AddressInfo).port}`,
    hold: () => upstream?.unpipe(),
    /** What was held goes nowhere, but it is read. */
    letGo: () => upstream?.resume(),
  }
}

function ask(session: ClientHttp2Session): ClientHttp2Stream {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }
  const stream = session.request({ ...headers, te: 'trailers' })
  stream.end(Buffer.alloc(5))
  return stream
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await after(5)
}

t.test('as it is and copied by grpc-js, the bytes on the wire are the same', async (t) => {
  const messages = [0, 1, 16_384, 3_000_000, 7].map((size, index) => sharedFrame(index + 1, size))
  const sent = Buffer.concat(messages)
  const asIs = await frameServer(t, messages, [sendFramedAsIs])
  const copied = await frameServer(t, messages, [])
  t.ok((await buffer(ask(asIs.session))).equals(sent))
  t.equal(asIs.seen.copied, 0, 'grpc-js is as we know it: nothing was copied')
  t.strictSame(asIs.released, [0, 1, 2, 3, 4])
  t.ok((await buffer(ask(copied.session))).equals(sent))
  t.equal(copied.seen.copied, messages.length)
  t.strictSame(copied.released, [0, 1, 2, 3, 4])
})

t.test('memory of a stream that was given up is lent until its bytes have left', async (t) => {
  const frames = Array.from({ length: 4 }, (_, index) => sharedFrame(index, 32 << 20))
  const { session, wire, released, seen } = await frameServer(t, frames, [sendFramedAsIs])
  session.setLocalWindowSize(1 << 30)
  const stream = ask(session)
  await once(stream, 'response')
  wire.hold()
  stream.close(8)
  await until(() => seen.isOver)
  await after(50)
  t.strictSame(released, [], 'the socket may still read the first frame')
  wire.letGo()
  session.destroy()
  await until(() => released.length > 0)
  t.strictSame(released, [0])
})

t.test('a stream that is reset gives its memory back while its session lives', async (t) => {
  const frames = Array.from({ length: 4 }, (_, index) => sharedFrame(index, 8 << 20))
  const { session, released, seen } = await frameServer(t, frames, [sendFramedAsIs])
  const stream = ask(session)
  await once(stream, 'response')
  stream.close(8)
  await until(() => seen.isOver && released.length > 0)
  t.strictSame(released, [0])
  t.equal(session.destroyed, false)
  const again = ask(session)
  await once(again, 'response')
  t.pass('and its session serves on')
})

t.test(
  'who reads on after the stream was given up never sees what the memory holds then',
  async (t) => {
    const message = sharedFrame(1, 8 << 20)
    const { session, released, seen } = await frameServer(t, [message], [sendFramedAsIs])
    const stream = ask(session)
    stream.on('error', () => {})
    await once(stream, 'response')
    // Nobody reads: the window closes with most of the frame still on the server's side.
    await after(50)
    t.strictSame(released, [])
    seen.abort?.(new GatewayError('unavailable', 'the reader took nothing'))
    await until(() => released.length > 0)
    message.fill(255)
    const got = await buffer(stream).catch(() => Buffer.alloc(0))
    t.equal(got.includes(255), false)
    t.equal(session.destroyed, false)
  },
)

t.test('a session that ends gives everything back', async (t) => {
  const megabytes = Array.from({ length: 8 }, (_, index) => sharedFrame(index, 1 << 20))
  const { session, released, seen } = await frameServer(t, megabytes, [sendFramedAsIs])
  await once(ask(session), 'response')
  await after(50)
  t.strictSame(released, [], 'nobody reads: the first frame is under way')
  session.destroy()
  await until(() => seen.isOver && released.length > 0)
  t.strictSame(released, [0])
})

t.test('the message is the framed bytes without the prefix', async (t) => {
  t.strictSame([...new FramedMessage(Uint8Array.of(0, 0, 0, 0, 2, 8, 9)).bytes], [8, 9])
})
