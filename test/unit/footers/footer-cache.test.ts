import t from 'tap'

import { GatewayError } from '../../../service/errors.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import type {
  ObjectStore,
  ObjectVersion,
  ReadRequest,
} from '../../../service/objects/object-store.ts'
import { emptyParquet } from '../../support/parquet-builder.ts'

/** A store in memory that records what is read and answers when told to. */
class RecordingStore implements ObjectStore {
  readonly id = 'memory'
  readonly files = new Map<string, Uint8Array>()
  readonly reads: { key: string; start: number; end: number }[] = []
  readonly aborted: string[] = []
  /** While set, reads wait. */
  gate: Promise<void> | undefined
  failure: GatewayError | undefined
  active = 0
  activeMax = 0

  put(key: string, bytes: Uint8Array, etag = '1'): ObjectVersion {
    this.files.set(key, bytes)
    return { bucket: 'b', key, etag, sizeBytes: bytes.length }
  }

  async read({ object, range }: ReadRequest, signal: AbortSignal): Promise<Uint8Array> {
    this.reads.push({ key: object.key, ...range })
    this.active += 1
    this.activeMax = Math.max(this.active, this.activeMax)
    signal.addEventListener('abort', () => this.aborted.push(object.key))
    await Promise.race([
      this.gate ?? Promise.resolve(),
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new GatewayError('cancelled', 'aborted')))
      }),
    ]).finally(() => {
      this.active -= 1
    })
    if (this.failure !== undefined) throw this.failure
    return this.files.get(object.key)?.slice(range.start, range.end) ?? new Uint8Array()
  }

  async listBuckets(): Promise<readonly string[]> {
    return []
  }

  async list(): Promise<never> {
    throw new Error('not here')
  }

  close(): void {}
}

const never = new AbortController().signal
const file = (paddingBytes: number): Uint8Array =>
  emptyParquet({
    columns: [{ name: 'id', repetition: 'optional', type: 2 }],
    paddingBytes,
  })

function setUp(options: { bytesMax?: number; guessBytes?: number; concurrency?: number } = {}) {
  const store = new RecordingStore()
  const cache = new FooterCache({ store, bytesMax: 1 << 20, concurrency: 4, ...options })
  return { store, cache }
}

function gate(store: RecordingStore): () => void {
  let open = (): void => {}
  store.gate = new Promise((resolve) => {
    open = resolve
  })
  return open
}

t.test('a footer inside the guess takes one read, then none', async (t) => {
  const { store, cache } = setUp({ guessBytes: 1000 })
  const object = store.put('k', file(500))
  const footer = await cache.get(object, never)
  t.equal(footer.columns[0]?.field.name, 'id')
  t.equal(await cache.get(object, never), footer)
  t.strictSame(store.reads, [{ key: 'k', start: 0, end: object.sizeBytes }])
  t.match(cache.counters, { hits: 1, misses: 1, reads: 1, readBytes: object.sizeBytes })
})

t.test('only the end of a large file is read', async (t) => {
  const { store, cache } = setUp({ guessBytes: 1000 })
  const small = file(100)
  const large = new Uint8Array(50_000)
  large.set(small.subarray(4), large.length - small.length + 4)
  await cache.get(store.put('k', large), never)
  t.strictSame(store.reads, [{ key: 'k', start: 49_000, end: 50_000 }])
})

t.test('a longer footer takes a second read of just the rest', async (t) => {
  const { store, cache } = setUp({ guessBytes: 1000 })
  const object = store.put('k', file(5000))
  const footer = await cache.get(object, never)
  t.equal(footer.keyValues['padding']?.length, 5000)
  t.strictSame(store.reads, [
    { key: 'k', start: object.sizeBytes - 1000, end: object.sizeBytes },
    { key: 'k', start: 4, end: object.sizeBytes - 1000 },
  ])
})

t.test('another ETag is another footer', async (t) => {
  const { store, cache } = setUp()
  await cache.get(store.put('k', file(1), '1'), never)
  await cache.get(store.put('k', file(2), '2'), never)
  t.equal(store.reads.length, 2)
})

t.test('callers at the same time share a read', async (t) => {
  const { store, cache } = setUp()
  const object = store.put('k', file(1))
  const open = gate(store)
  const all = [1, 2, 3].map(() => cache.get(object, never))
  open()
  const [first, ...others] = await Promise.all(all)
  for (const other of others) t.equal(other, first)
  t.equal(store.reads.length, 1)
  t.match(cache.counters, { hits: 2, misses: 1 })
})

t.test('a caller who leaves is answered at once, the others get the footer', async (t) => {
  const { store, cache } = setUp()
  const object = store.put('k', file(1))
  const open = gate(store)
  const leaver = new AbortController()
  const left = cache.get(object, leaver.signal)
  const stayed = cache.get(object, never)
  leaver.abort()
  await t.rejects(left, { code: 'cancelled' })
  t.strictSame(store.aborted, [])
  open()
  t.equal((await stayed).rowCount, 0)
})

t.test('the read is aborted when the last caller leaves, and may begin anew', async (t) => {
  const { store, cache } = setUp()
  const object = store.put('k', file(1))
  const open = gate(store)
  const leavers = [new AbortController(), new AbortController()]
  const left = leavers.map((leaver) => cache.get(object, leaver.signal))
  leavers.forEach((leaver) => leaver.abort())
  for (const promise of left) await t.rejects(promise, { code: 'cancelled' })
  t.strictSame(store.aborted, ['k'])
  open()
  t.equal((await cache.get(object, never)).rowCount, 0)
  t.equal(store.reads.length, 2)
  await t.rejects(cache.get(object, AbortSignal.abort()), { code: 'cancelled' })
})

t.test('what the store fails with is not kept, what is wrong with the file is', async (t) => {
  const { store, cache } = setUp()
  const object = store.put('k', file(1))
  store.failure = new GatewayError('unavailable', 'down')
  await t.rejects(cache.get(object, never), { code: 'unavailable' })
  store.failure = undefined
  await cache.get(object, never)
  t.equal(store.reads.length, 2)
  const junk = store.put('junk', new TextEncoder().encode('<html>nothing here</html>'))
  await t.rejects(cache.get(junk, never), { code: 'unreadable_file' })
  await t.rejects(cache.get(junk, never), { code: 'unreadable_file', message: /b\/junk/ })
  t.equal(store.reads.length, 3)
})

t.test('a file too short for a footer is not even read', async (t) => {
  const { store, cache } = setUp()
  await t.rejects(cache.get(store.put('e', new Uint8Array()), never), { code: 'unreadable_file' })
  t.equal(store.reads.length, 0)
})

t.test('the least recently used footers make room', async (t) => {
  const { store, cache } = setUp({ bytesMax: 70_000 })
  const a = store.put('a', file(10_000))
  const b = store.put('b', file(10_000))
  const c = store.put('c', file(10_000))
  await cache.get(a, never)
  await cache.get(b, never)
  await cache.get(a, never)
  await cache.get(c, never)
  t.equal(cache.counters.heldFooters, 2)
  t.ok(cache.counters.heldBytes <= 70_000)
  await cache.get(a, never)
  t.equal(store.reads.length, 3, 'a was used last and stayed')
  await cache.get(b, never)
  t.equal(store.reads.length, 4, 'b had to go')
})

t.test('reads wait for their turn, and leave the queue when their caller does', async (t) => {
  const { store, cache } = setUp({ concurrency: 2 })
  const objects = ['a', 'b', 'c', 'd'].map((key) => store.put(key, file(1)))
  const open = gate(store)
  const leaver = new AbortController()
  const all = objects.map((object, index) => cache.get(object, index === 2 ? leaver.signal : never))
  leaver.abort()
  await t.rejects(Promise.all(all.slice(2, 3)), { code: 'cancelled' })
  open()
  await Promise.all(all.filter((_, index) => index !== 2))
  t.equal(store.activeMax, 2)
  t.strictSame(
    store.reads.map((read) => read.key),
    ['a', 'b', 'd'],
  )
})
