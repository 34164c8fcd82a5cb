import t from 'tap'
import { CallerAdmission } from '../../../service/access/admission.ts'
import type { CallerLimits } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { Frame } from '../../../service/scan/frame.ts'
import { madeCaller } from '../../support/made-caller.ts'

const { signal } = new AbortController()

/** Frames of ten bytes and five rows, and what became of them. */
function source(frameCount: number, fail?: Error) {
  const seen = { given: 0, released: 0, ended: 0 }
  const open = async function* frames(): AsyncGenerator<Frame> {
    try {
      for (; seen.given < frameCount;) {
        seen.given += 1
        let isReleased = false
        const release = () => {
          seen.released += isReleased ? 0 : 1
          isReleased = true
        }
        yield { message: new Uint8Array(10), rowCount: 5, bodyBytes: 8, release }
      }
      if (fail) throw fail
    } finally {
      seen.ended += 1
    }
  }
  return { seen, open }
}

function setUp(limits: CallerLimits) {
  const clock = { nowMs: 0 }
  const slept: number[] = []
  const admission = new CallerAdmission({
    nowMs: () => clock.nowMs,
    sleep: async (ms, abort) => {
      abort.throwIfAborted()
      slept.push(ms)
      clock.nowMs += ms
    },
  })
  const caller = madeCaller('etl', { limits })
  const read = (of: ReturnType<typeof source>, abort = signal) =>
    admission.admit(caller, of.open, abort)[Symbol.asyncIterator]()
  return { admission, caller, read, slept, clock }
}

async function drain(frames: AsyncIterator<Frame>): Promise<void> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    next.value.release()
  }
}

t.test(
  'so many reads at the same time, and one more when one has ended, however it ends',
  async (t) => {
    const { admission, caller, read } = setUp({ streamsMax: 2 })
    const one = source(3)
    const first = read(one)
    t.equal(admission.useOf(caller).streams, 0, 'not before it is read')
    await first.next()
    const second = read(source(3, new Error('broken')))
    await second.next()
    const busy = {
      code: 'busy',
      message: 'etl has 2 reads at the same time, its limit is 2; try again when one has ended',
      retryAfterMs: 1_000,
    }
    await t.rejects(read(source(1)).next(), busy)
    t.equal(admission.useOf(caller).streams, 2, 'who was refused is not counted')
    await first.return?.()
    t.equal(one.seen.ended, 1, 'the scan is told')
    t.equal(admission.useOf(caller).streams, 1)
    const third = read(source(0))
    await t.rejects(drain(second), /broken/)
    await drain(third)
    t.equal(admission.useOf(caller).streams, 0)
    await t.resolves(drain(read(source(1))))
    const other = madeCaller('other', { limits: { streamsMax: 1 } })
    await read(source(2)).next()
    await read(source(2)).next()
    const [held] = [admission.admit(other, source(2).open, signal)[Symbol.asyncIterator]()]
    t.equal((await held.next()).done, false, 'limits are each caller’s own')
  },
)

t.test('bytes in flight are those of frames that are not released', async (t) => {
  const { admission, caller, read } = setUp({ bytesInFlightMax: 20 })
  const [one, two] = [source(9), source(9)]
  const [first, second] = [read(one), read(two)]
  const held = [await first.next(), await second.next()]
  t.equal(admission.useOf(caller).bytes, 20)
  await t.rejects(read(source(1)).next(), {
    code: 'busy',
    message: /^the readers of etl hold 20 bytes in flight, its limit is 20;/,
  })
  held[0]?.value?.release()
  held[0]?.value?.release()
  t.equal(admission.useOf(caller).bytes, 10, 'counted once')
  held.push(await second.next())
  t.equal(admission.useOf(caller).bytes, 20, 'who holds a frame may always have the next')
  const waiting = first.next()
  await new Promise(setImmediate)
  t.equal(one.seen.given, 1, 'no frame is made before one is given back')
  held[1]?.value?.release()
  t.equal((await waiting).done, false)
  const gone = new AbortController()
  const third = setUp({ bytesInFlightMax: 10 })
  const [making, behind] = [source(5), source(5)]
  const stopped = [third.read(making).next(), third.read(behind, gone.signal).next()] as const
  const { value } = await stopped[0]
  t.strictSame([making.seen.given, behind.seen.given], [1, 0], 'frames in the making count')
  gone.abort(new GatewayError('cancelled', 'gone'))
  await t.rejects(stopped[1], { code: 'cancelled' })
  t.equal(third.admission.useOf(third.caller).streams, 1)
  value?.release()
  await first.return?.()
  await second.return?.()
  for (const frame of held) frame.value?.release()
  t.equal(admission.useOf(caller).streams, 0)
})

t.test('rows a second slow reads down, all of a caller’s together, and end none', async (t) => {
  const { read, slept, clock } = setUp({ rowsPerSecondMax: 10 })
  await drain(read(source(4)))
  t.equal(clock.nowMs, 2_000, '20 rows')
  t.strictSame(slept, [500, 500, 500, 500])
  const [first, second] = [read(source(2)), read(source(2))]
  await Promise.all([drain(first), drain(second)])
  t.equal(clock.nowMs, 4_000)
  clock.nowMs += 60_000
  slept.length = 0
  await read(source(2)).next()
  t.strictSame(slept, [], 'who waited owes nothing, and has nothing saved up either')
  const gone = new AbortController()
  const frames = read(source(2), gone.signal)
  gone.abort(new GatewayError('cancelled', 'gone'))
  await t.rejects(frames.next(), { code: 'cancelled' })
})

t.test('without limits nothing stands between scan and reader', async (t) => {
  const { admission, caller } = setUp({})
  const frames = source(1).open()
  t.equal(
    admission.admit(caller, () => frames, signal),
    frames,
  )
})
