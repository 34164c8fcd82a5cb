import t from 'tap'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { withConcurrencyLimit } from '../../../service/objects/with-concurrency-limit.ts'

const forEver = (): AbortSignal => new AbortController().signal

function gated(): {
  store: ReturnType<typeof memoryStore>
  open: () => void
  running: () => number
} {
  const gates: (() => void)[] = []
  let running = 0
  const store = {
    ...memoryStore(),
    async listBuckets() {
      running++
      await new Promise<void>((resolve) => gates.push(resolve))
      running--
      return []
    },
  }
  return { store, open: () => gates.shift()?.(), running: () => running }
}

t.test('so many at once, the others in turn, the surplus turned away', async (t) => {
  const { store, open, running } = gated()
  const limited = withConcurrencyLimit(store, { callsMax: 2, waitingMax: 2 })
  const done: number[] = []
  const calls = [0, 1, 2, 3].map(async (call) => {
    await limited.listBuckets(forEver())
    done.push(call)
  })
  t.equal(running(), 2)
  await t.rejects(limited.listBuckets(forEver()), { code: 'busy', message: /2 wait/ })
  for (let round = 0; round < 4; round++) {
    open()
    await new Promise(setImmediate)
    t.equal(running(), Math.min(2, 3 - round))
  }
  await Promise.all(calls)
  t.strictSame(done, [0, 1, 2, 3])
})

t.test('who leaves the queue makes room in it', async (t) => {
  const { store, open, running } = gated()
  const limited = withConcurrencyLimit(store, { callsMax: 1, waitingMax: 1 })
  const first = limited.listBuckets(forEver())
  const controller = new AbortController()
  const second = limited.listBuckets(controller.signal)
  controller.abort()
  await t.rejects(second, { code: 'cancelled' })
  const third = limited.listBuckets(forEver())
  open()
  await first
  await new Promise(setImmediate)
  t.equal(running(), 1)
  open()
  await third
  t.equal(running(), 0)
})
