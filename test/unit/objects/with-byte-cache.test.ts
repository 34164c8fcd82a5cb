import t from 'tap'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { ObjectStore } from '../../../service/objects/object-store.ts'
import { withByteCache } from '../../../service/objects/with-byte-cache.ts'
import { withSingleFlight } from '../../../service/objects/with-single-flight.ts'
import { countingStore } from '../../support/counting-store.ts'

const signal = new AbortController().signal

t.test('a short range is read once, and each reader has bytes of its own', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.alloc(100, 'x'))
  const counting = countingStore(memory)
  const cached = withByteCache(counting, { bytesMax: 1_000 })
  const request = { object, range: { start: 0, end: 10 } }
  const first = await cached.read(request, signal)
  first.fill(0)
  const second = await cached.read(request, signal)
  t.equal(Buffer.from(second).toString(), 'xxxxxxxxxx')
  second.fill(0)
  const into = new Uint8Array(20)
  const third = await cached.read({ ...request, into }, signal)
  t.equal(third.buffer, into.buffer)
  t.equal(Buffer.from(third).toString(), 'xxxxxxxxxx')
  t.equal(counting.reads.length, 1)
  t.strictSame(cached.counters(), { hits: 2, misses: 1, evictions: 0, entries: 1, bytes: 10 })
})

t.test('a fresh read asks the store and leaves nothing behind', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.alloc(100, 'x'))
  const counting = countingStore(memory)
  const cached = withByteCache(counting, { bytesMax: 1_000 })
  const request = { object, range: { start: 0, end: 1 } }
  for (let time = 0; time < 2; time++) await cached.read({ ...request, fresh: true }, signal)
  t.equal(counting.reads.length, 2)
  t.match(cached.counters(), { hits: 0, entries: 0 })
  await cached.read(request, signal)
  memory.put('lake', 'data', Buffer.from('new'))
  await cached.read(request, signal)
  await t.rejects(cached.read({ ...request, fresh: true }, signal), { code: 'object_changed' })
})

t.test('another version is another entry', async (t) => {
  const memory = memoryStore()
  const cached = withByteCache(memory, { bytesMax: 1_000 })
  const range = { start: 0, end: 3 }
  const old = memory.put('lake', 'data', Buffer.from('old'))
  await cached.read({ object: old, range }, signal)
  const now = memory.put('lake', 'data', Buffer.from('new'))
  t.equal(Buffer.from(await cached.read({ object: now, range }, signal)).toString(), 'new')
})

t.test('the ranges unused for longest make room', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.alloc(100, 'x'))
  const counting = countingStore(memory)
  const cached = withByteCache(counting, { bytesMax: 30, rangeBytesMax: 20 })
  const read = (start: number, end = start + 10): Promise<Uint8Array> =>
    cached.read({ object, range: { start, end } }, signal)
  await read(0)
  await read(10)
  await read(20)
  await read(0)
  await read(30)
  t.strictSame(cached.counters(), { hits: 1, misses: 4, evictions: 1, entries: 3, bytes: 30 })
  await read(0)
  t.equal(counting.reads.length, 4, 'the one used again is still there')
  await read(10)
  t.equal(counting.reads.length, 5, 'the other is not')
  await read(0, 21)
  await read(0, 21)
  t.equal(counting.reads.length, 7, 'long ranges pass by')
  t.equal(cached.counters().bytes, 30)
})

t.test('of data only what is read again is kept', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.alloc(100, 'x'))
  const counting = countingStore(memory)
  const cached = withByteCache(counting, { bytesMax: 30, keep: 'repeated' })
  let fromMemory = 0
  const read = (start: number): Promise<Uint8Array> =>
    cached.read({ object, range: { start, end: start + 20 }, onCached: () => fromMemory++ }, signal)
  await read(0)
  t.equal(cached.counters().entries, 0)
  await read(0)
  t.equal(cached.counters().entries, 1)
  await read(20)
  await read(0)
  t.strictSame([counting.reads.length, fromMemory], [3, 1], 'what is read once drives nothing out')
})

t.test('failures are not kept', async (t) => {
  const memory = memoryStore()
  const object = { bucket: 'lake', key: 'data', etag: 'e', sizeBytes: 3 }
  const counting = countingStore(memory)
  const cached = withByteCache(counting, { bytesMax: 30 })
  const request = { object, range: { start: 0, end: 3 } }
  await t.rejects(cached.read(request, signal), { code: 'table_not_found' })
  await t.rejects(cached.read(request, signal), { code: 'table_not_found' })
  t.equal(counting.reads.length, 2)
  t.equal(cached.counters().entries, 0)
})

t.test('the version that the store told is told again with the bytes', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.from('0123456789'))
  const versioned: ObjectStore = {
    ...memory,
    async read(request, given) {
      request.onVersion?.('v7')
      return memory.read(request, given)
    },
  }
  const counting = countingStore(versioned)
  const shared = withSingleFlight(counting)
  const cached = withByteCache(shared, { bytesMax: 1_000 })
  const told: string[] = []
  const read = (store: ObjectStore, end: number) =>
    store.read({ object, range: { start: 0, end }, onVersion: (id) => told.push(id) }, signal)
  await Promise.all([read(shared, 5), read(shared, 5)])
  t.strictSame([told, counting.reads.length], [['v7', 'v7'], 1])
  await read(cached, 4)
  await read(cached, 4)
  t.strictSame([told, counting.reads.length], [['v7', 'v7', 'v7', 'v7'], 2])
})

t.test('of what is read round and round a part stays, until something else is read', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.alloc(1_000, 'x'))
  const other = memory.put('lake', 'other', Buffer.alloc(1_000, 'x'))
  const counting = countingStore(memory)
  const cached = withByteCache(counting, { bytesMax: 400, keep: 'repeated' })
  const readAll = async (one: typeof object): Promise<number> => {
    const before = counting.reads.length
    for (let start = 0; start < 1_000; start += 100)
      await cached.read({ object: one, range: { start, end: start + 100 } }, signal)
    return counting.reads.length - before
  }
  t.strictSame([await readAll(object), await readAll(object)], [10, 10])
  for (let round = 0; round < 3; round++) t.equal(await readAll(object), 6, 'four stay')
  t.match(cached.counters(), { entries: 4, bytes: 400, evictions: 0 })
  t.strictSame([await readAll(other), await readAll(other)], [10, 10])
  t.equal(await readAll(other), 6, 'what is not used any more makes room')
  t.match(cached.counters(), { entries: 4, bytes: 400, evictions: 4 })
})
