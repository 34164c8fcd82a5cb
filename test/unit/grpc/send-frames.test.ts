import { mock } from 'node:test'
import type { ServerWritableStream } from '@grpc/grpc-js'
import t from 'tap'
import { GatewayError } from '../../../service/errors.ts'
import type { FramedMessage } from '../../../service/grpc/framed-message.ts'
import { sendFrames } from '../../../service/grpc/send-frames.ts'
import { STALL_TIMEOUT_MS } from '../../../service/scan/reader-patience.ts'
import type { Frame } from '../../../service/scan/frame.ts'

type Call = ServerWritableStream<unknown, unknown>
type Done = (error?: Error | null) => void

/** Frames whose releases are written down; `left` says that the reader of the frames left. */
function numberedFrames(count: number) {
  const seen = { made: 0, released: [] as number[], left: false }
  async function* frames(): AsyncGenerator<Frame, void> {
    try {
      for (let id = 1; id <= count; id += 1) {
        seen.made = id
        yield {
          message: Uint8Array.of(0, 0, 0, 0, 1, id),
          rowCount: 1,
          bodyBytes: 1,
          release: () => void seen.released.push(id),
        }
      }
    } finally {
      seen.left = true
    }
  }
  return { seen, frames: frames() }
}

/** A call whose writes are taken when the test says so. */
function heldCall() {
  const written: number[] = []
  const waiting: Done[] = []
  const call = {
    write(message: FramedMessage, done: Done) {
      written.push(...message.bytes)
      waiting.push(done)
    },
  }
  return {
    call: call as unknown as Call,
    written,
    take: (error?: Error) => waiting.shift()?.(error),
  }
}

const tick = () => new Promise(setImmediate)
const never = new AbortController().signal

t.test('one frame is under way; its memory is given back when it is taken', async (t) => {
  const { seen, frames } = numberedFrames(3)
  const { call, written, take } = heldCall()
  const sent = sendFrames(call, frames, never)
  for (const id of [1, 2, 3]) {
    await tick()
    t.strictSame(written.at(-1), id, 'without the five bytes of gRPC')
    t.equal(seen.made, id, 'no frame is asked for before')
    t.equal(seen.released.length, id - 1)
    take()
  }
  await sent
  t.strictSame(seen.released, [1, 2, 3])
  t.equal(seen.left, true)
})

t.test('a write that fails releases its frame and leaves the frames', async (t) => {
  const { seen, frames } = numberedFrames(3)
  const { call, take } = heldCall()
  const sent = sendFrames(call, frames, never)
  await tick()
  take(new Error('the stream is destroyed'))
  await t.rejects(sent, { message: 'the stream is destroyed' })
  t.strictSame(seen, { made: 1, released: [1], left: true })
})

t.test('a caller who goes away while a frame is under way', async (t) => {
  const { seen, frames } = numberedFrames(3)
  const { call } = heldCall()
  const controller = new AbortController()
  const sent = sendFrames(call, frames, controller.signal)
  await tick()
  controller.abort(new GatewayError('deadline_exceeded', 'the deadline of the call passed'))
  await t.rejects(sent, { code: 'deadline_exceeded' })
  t.strictSame(seen, { made: 1, released: [1], left: true })
})

t.test('a caller who went away before gets nothing', async (t) => {
  const { seen, frames } = numberedFrames(3)
  const { call, written } = heldCall()
  await t.rejects(sendFrames(call, frames, AbortSignal.abort()), { code: 'cancelled' })
  t.strictSame(written, [])
  t.strictSame(seen, { made: 1, released: [1], left: true })
})

t.test('a reader who takes nothing is given up, and a slow one is not', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { seen, frames } = numberedFrames(3)
  const { call, take } = heldCall()
  const sent = sendFrames(call, frames, never)
  const failed = t.rejects(sent, { code: 'unavailable', message: /took nothing for 120000 ms$/ })
  await tick()
  mock.timers.tick(STALL_TIMEOUT_MS - 1)
  take()
  await tick()
  mock.timers.tick(STALL_TIMEOUT_MS - 1)
  await tick()
  t.strictSame(seen, { made: 2, released: [1], left: false }, 'each frame has its own time')
  mock.timers.tick(1)
  await failed
  t.strictSame(seen, { made: 2, released: [1, 2], left: true })
})

t.test('what the frames throw is passed on', async (t) => {
  const { call, take } = heldCall()
  const { seen, frames } = numberedFrames(1)
  async function* failing(): AsyncGenerator<Frame, void> {
    yield* frames
    throw new GatewayError('object_changed', 'lake/orders changed')
  }
  const sent = sendFrames(call, failing(), never)
  await tick()
  take()
  await t.rejects(sent, { code: 'object_changed' })
  t.strictSame(seen.released, [1])
})
