import t from 'tap'
import { GatewayError } from '../../../service/errors.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { ObjectStore } from '../../../service/objects/object-store.ts'
import { StoreRefusal } from '../../../service/objects/store-refusal.ts'
import { withRetry } from '../../../service/objects/with-retry.ts'

const signal = new AbortController().signal
const wait = async (): Promise<void> => {}

/** A store that fails as told, once per error. */
function failing(errors: Error[]): { store: ObjectStore; calls: () => number } {
  let calls = 0
  const store = {
    ...memoryStore(),
    async listBuckets() {
      calls++
      const error = errors.shift()
      if (error !== undefined) throw error
      return ['lake']
    },
  }
  return { store, calls: () => calls }
}

const down = (): GatewayError => new GatewayError('unavailable', 'down')

t.test('a store that comes back is asked until it answers', async (t) => {
  const { store, calls } = failing([down(), down(), down()])
  const waits: number[] = []
  const retrying = withRetry(store, {
    random: () => 0.5,
    waitMsMin: 100,
    waitMsMax: 300,
    wait: async (ms) => waits.push(ms),
  })
  t.strictSame(await retrying.listBuckets(signal), ['lake'])
  t.equal(calls(), 4)
  t.strictSame(waits, [50, 100, 150])
})

t.test('it gives up after the last attempt with the last error', async (t) => {
  const { store, calls } = failing([down(), down(), down()])
  await t.rejects(withRetry(store, { wait, attemptsMax: 2 }).listBuckets(signal), down())
  t.equal(calls(), 2)
})

t.test('what the store refused is not asked again', async (t) => {
  const cause = new StoreRefusal(403, 'AccessDenied', 'no')
  const errors = [
    new GatewayError('unavailable', 'refused', { cause }),
    new GatewayError('object_changed', 'changed'),
    new GatewayError('table_not_found', 'none'),
    new GatewayError('busy', 'busy'),
    new TypeError('a defect'),
  ]
  for (const error of errors) {
    const { store, calls } = failing([error])
    await t.rejects(withRetry(store, { wait }).listBuckets(signal), error)
    t.equal(calls(), 1)
  }
})

t.test('all users share the budget, and successes refill it', async (t) => {
  const errors: Error[] = Array.from({ length: 100 }, down)
  const { store, calls } = failing(errors)
  const retrying = withRetry(store, { wait, retriesMax: 5, retriesPerSuccess: 0.5 })
  for (let call = 0; call < 10; call++) await t.rejects(retrying.listBuckets(signal), down())
  t.equal(calls(), 10 + 5)
  errors.length = 0
  await retrying.listBuckets(signal)
  await retrying.listBuckets(signal)
  errors.push(down(), down())
  await t.rejects(retrying.listBuckets(signal), down(), 'two successes paid for one retry')
  t.equal(calls(), 15 + 2 + 2)
})

t.test('nobody waits who has left', async (t) => {
  const controller = new AbortController()
  const { store, calls } = failing([down(), down()])
  const call = withRetry(store, { waitMsMin: 60_000, waitMsMax: 60_000 }).listBuckets(
    controller.signal,
  )
  setImmediate(() => controller.abort())
  await t.rejects(call, { code: 'cancelled' })
  t.equal(calls(), 1)
})
