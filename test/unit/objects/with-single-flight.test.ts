import t from 'tap'
import { GatewayError } from '../../../service/errors.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { ObjectStore } from '../../../service/objects/object-store.ts'
import { withSingleFlight } from '../../../service/objects/with-single-flight.ts'

const memory = memoryStore()
const object = memory.put('lake', 'data', Buffer.from('0123456789'))
const request = { object, range: { start: 2, end: 5 } }
const listed = { bucket: 'lake', prefix: '', shallow: true }

/** A store whose reads wait until they are let go. */
function gated(): {
  store: ObjectStore
  open: (error?: Error) => void
  calls: () => number
  aborted: () => number
} {
  let calls = 0
  let aborted = 0
  const gates: ((error?: Error) => void)[] = []
  const pass = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      calls++
      gates.push((error) => (error === undefined ? resolve() : reject(error)))
      signal.addEventListener('abort', () => {
        aborted++
        reject(GatewayError.from(signal.reason))
      })
    })
  const store: ObjectStore = {
    ...memory,
    async read(asked, signal) {
      await pass(signal)
      return memory.read(asked, new AbortController().signal)
    },
    async list(asked, signal) {
      await pass(signal)
      return memory.list(asked, new AbortController().signal)
    },
  }
  const open = (error?: Error): void => {
    for (const gate of gates.splice(0)) gate(error)
  }
  return { store, open, calls: () => calls, aborted: () => aborted }
}

const forEver = (): AbortSignal => new AbortController().signal

t.test('equal reads go to the store once, and each has bytes of its own', async (t) => {
  const { store, open, calls } = gated()
  const shared = withSingleFlight(store)
  const reads = [1, 2, 3].map(() => shared.read(request, forEver()))
  const elsewhere = shared.read({ object, range: { start: 2, end: 6 } }, forEver())
  t.equal(calls(), 2)
  // The first gives its bytes away as soon as it has them.
  const first = reads[0]?.then((bytes) =>
    structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] }),
  )
  open()
  const all = await Promise.all([first, ...reads.slice(1)])
  for (const bytes of all) t.equal(Buffer.from(bytes ?? []).toString(), '234')
  t.equal(new Set(all.map((bytes) => bytes?.buffer)).size, 3)
  t.equal((await elsewhere).length, 4)
})

t.test('the work goes on while one is left, and ends with the last', async (t) => {
  const { store, open, calls, aborted } = gated()
  const shared = withSingleFlight(store)
  const join = (): { left: Promise<void>; leave: () => void } => {
    const controller = new AbortController()
    const left = t.rejects(shared.read(request, controller.signal), { code: 'cancelled' })
    return { left: left.then(() => {}), leave: () => controller.abort() }
  }
  const [one, two, three] = [join(), join(), join()]
  one.leave()
  two.leave()
  await Promise.all([one.left, two.left])
  t.equal(aborted(), 0)
  three.leave()
  await three.left
  t.equal(aborted(), 1)

  const next = shared.read(request, forEver())
  t.equal(calls(), 2, 'whoever comes after starts anew')
  open()
  t.equal((await next).length, 3)
})

t.test('failures are told to all and not kept', async (t) => {
  const { store, open, calls } = gated()
  const shared = withSingleFlight(store)
  const lists = [1, 2].map(() => shared.list(listed, forEver()))
  open(new GatewayError('unavailable', 'down'))
  for (const list of lists) await t.rejects(list, { code: 'unavailable' })
  const again = shared.list(listed, forEver())
  open()
  t.equal((await again).objects.length, 1)
  t.equal(calls(), 2)
})

t.test("a read into the caller's memory goes alone", async (t) => {
  const { store, open, calls } = gated()
  const shared = withSingleFlight(store)
  const buffers = [new Uint8Array(3), new Uint8Array(3)]
  const reads = buffers.map((into) => shared.read({ ...request, into }, forEver()))
  t.equal(calls(), 2)
  open()
  await Promise.all(reads)
  for (const buffer of buffers) t.equal(Buffer.from(buffer).toString(), '234')
})

t.test('who has left already does not start anything', async (t) => {
  const { store, calls } = gated()
  await t.rejects(withSingleFlight(store).read(request, AbortSignal.abort()), { code: 'cancelled' })
  t.equal(calls(), 0)
})
