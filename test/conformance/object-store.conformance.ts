import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { ListedObject } from '../../service/objects/object-store.ts'
import { objectStoreFaults } from './object-store-faults.conformance.ts'
import { deep, find, listAll, readWhole, shallow } from './object-store-subject.ts'
import type { StoreSubject } from './object-store-subject.ts'

/** Names that decoding, encoding, sorting or cleaning would spoil. */
export const oddKeys = [
  'odd/unié/日本.parquet',
  'odd/emoji 😀.parquet',
  'odd/\uFFFD above the surrogates.parquet',
  'odd/\uE000 private.parquet',
  'odd/two  blanks',
  'odd/trailing blank ',
  'odd/plus+plus %25.parquet',
  'odd/a%2Fb%20c',
  'odd/day=2026-11-02/city=São Paulo/part.parquet',
  'odd/?&#=;,@!$~',
  `odd/quotes "double" 'single' (round) *`,
  'odd/<&>&amp;&#38;',
  'odd/back\\slash',
  'odd/colon:pipe|',
  'odd/control \u0001.parquet',
  'odd/decomposed e\u0301',
  `odd/${'s'.repeat(255)}`,
  'odd/1e3',
  'odd/true',
  'odd/__proto__',
  'odd/.hidden',
  'odd/..two dots',
] as const

const anySignal = (): AbortSignal => new AbortController().signal

/** Every promise of ObjectStore, tried on one kind of store. */
export async function objectStoreConformance(
  t: Test,
  name: string,
  factory: () => Promise<StoreSubject>,
): Promise<void> {
  await t.test(name, async (t) => {
    const subject = await factory()
    t.teardown(async () => {
      subject.store.close()
      await subject.stop()
    })
    const { store } = subject

    await t.test('buckets are listed in order', async (t) => {
      await subject.createBucket('beta')
      await subject.createBucket('alpha')
      t.strictSame(await store.listBuckets(anySignal()), ['alpha', 'beta'])
    })
    await oddKeysCase(t, subject)
    await pagesCase(t, subject)
    await foldersCase(t, subject)
    await rangesCase(t, subject)
    await versionsCase(t, subject)

    await t.test('a bucket that is not there is no table', async (t) => {
      for (const bucket of ['absent', '..', 'a/b', '', 'alpha/../beta', 'alpha?x'])
        await t.rejects(store.list(shallow(bucket, ''), anySignal()), { code: 'table_not_found' })
    })
    await t.test('what is cancelled before it begins does not begin', async (t) => {
      const signal = AbortSignal.abort()
      const object = { bucket: 'alpha', key: 'x', etag: 'x', sizeBytes: 1 }
      const range = { start: 0, end: 1 }
      await t.rejects(store.read({ object, range }, signal), { code: 'cancelled' })
      await t.rejects(store.list(shallow('alpha', ''), signal), { code: 'cancelled' })
      await t.rejects(store.listBuckets(signal), { code: 'cancelled' })
    })
    if (subject.remote !== undefined) await objectStoreFaults(t, subject, subject.remote)
  })
}

async function oddKeysCase(t: Test, subject: StoreSubject): Promise<void> {
  await t.test('keys are exact, whatever they are made of', async (t) => {
    const { store, cannotHold = [] } = subject
    const keys = oddKeys.filter((key) => !cannotHold.includes(key))
    for (const key of keys) await subject.put('alpha', key, Buffer.from(`bytes of ${key}`))
    const listed = await listAll(store, deep('alpha', 'odd/'))
    t.strictSame(keysOf(listed), inByteOrder(keys))
    for (const object of listed) {
      const bytes = await readWhole(store, object)
      t.equal(Buffer.from(bytes).toString(), `bytes of ${object.key}`)
    }
  })
}

async function pagesCase(t: Test, subject: StoreSubject): Promise<void> {
  const { store } = subject
  await t.test('a listing goes over as many pages as it takes', async (t) => {
    const keys = Array.from({ length: 1_050 }, (_, at) => `many/${String(at).padStart(5, '0')}`)
    const left = [...keys, 'many-more/x', 'mano']
    const writer = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop())
        await subject.put('beta', key, Buffer.from(key))
    }
    await Promise.all(Array.from({ length: 16 }, writer))

    const first = await store.list(deep('beta', 'many/'), anySignal())
    t.equal(first.objects.length, 1_000)
    t.type(first.continuation, 'string')
    const all = await listAll(store, deep('beta', 'many/'))
    t.strictSame(keysOf(all), keys)
    const tail = await listAll(store, { ...deep('beta', 'many/'), startAfter: 'many/01046' })
    t.strictSame(keysOf(tail), keys.slice(1_047))
    const between = { ...deep('beta', 'many/'), startAfter: 'many/01046x' }
    t.strictSame(keysOf(await listAll(store, between)), keys.slice(1_047))
    const object = all[7]
    t.equal(object?.sizeBytes, 10)
    t.notMatch(object?.etag, /"/)
    const skewMs = first.answeredMs - (object?.modifiedMs ?? 0)
    t.ok(skewMs > -5_000 && skewMs < 120_000, `the answer is dated after the object: ${skewMs} ms`)
  })
}

async function foldersCase(t: Test, subject: StoreSubject): Promise<void> {
  const { store } = subject
  await t.test('a shallow listing tells folders, a deep one only files', async (t) => {
    const keys = [
      'tree/a/1',
      'tree/a/deep/2',
      'tree/a-b/3',
      'tree/a.parquet',
      'tree/b',
      'tree/day=2026-11-02/x',
    ]
    for (const key of keys) await subject.put('alpha', key, Buffer.from('x'))
    const page = await store.list(shallow('alpha', 'tree/'), anySignal())
    t.strictSame(keysOf(page.objects), ['tree/a.parquet', 'tree/b'])
    t.strictSame(page.prefixes, ['tree/a-b/', 'tree/a/', 'tree/day=2026-11-02/'])
    t.equal(page.continuation, undefined)
    const whole = await listAll(store, deep('alpha', 'tree/'))
    t.strictSame(keysOf(whole), inByteOrder(keys))
    const top = await store.list(shallow('alpha', ''), anySignal())
    t.ok(top.prefixes.includes('tree/'))
    const nothing = await store.list(shallow('alpha', 'tree/none/'), anySignal())
    t.strictSame([nothing.objects, nothing.prefixes], [[], []])
  })
}

async function rangesCase(t: Test, subject: StoreSubject): Promise<void> {
  const { store } = subject
  await t.test('a range gives exactly its bytes', async (t) => {
    const bytes = randomBytes(300_000)
    await subject.put('alpha', 'ranges/data', bytes)
    const object = await find(store, 'alpha', 'ranges/data')
    t.equal(object.sizeBytes, 300_000)
    for (const range of [
      { start: 0, end: 1 },
      { start: 0, end: 300_000 },
      { start: 299_999, end: 300_000 },
      { start: 65_536, end: 131_073 },
    ]) {
      const read = await store.read({ object, range }, anySignal())
      t.equal(read.length, range.end - range.start)
      t.ok(bytes.subarray(range.start, range.end).equals(read))
    }
    const into = new Uint8Array(new SharedArrayBuffer(1_000)).fill(7)
    const read = await store.read({ object, range: { start: 10, end: 500 }, into }, anySignal())
    t.equal(read.buffer, into.buffer)
    t.ok(bytes.subarray(10, 500).equals(into.subarray(0, 490)))
    t.ok(
      into.subarray(490).every((byte) => byte === 7),
      'the rest of the memory is left alone',
    )
  })
}

async function versionsCase(t: Test, subject: StoreSubject): Promise<void> {
  const { store } = subject
  await t.test('only the planned version is read', async (t) => {
    const key = 'versions/data'
    await subject.put('alpha', key, Buffer.from('the first version'))
    const first = await find(store, 'alpha', key)
    const range = { start: 4, end: 9 }
    const changed = { code: 'object_changed', message: /alpha\/versions\/data.*version/ }

    const other = { ...first, etag: '0123456789abcdef0123456789abcdef' }
    await t.rejects(store.read({ object: other, range }, anySignal()), changed)

    await subject.put('alpha', key, Buffer.from('the second, longer version'))
    await t.rejects(store.read({ object: first, range }, anySignal()), changed)
    const second = await find(store, 'alpha', key)
    const bytes = await store.read({ object: second, range: { start: 4, end: 10 } }, anySignal())
    t.equal(Buffer.from(bytes).toString(), 'second')

    await subject.delete('alpha', key)
    await t.rejects(store.read({ object: second, range }, anySignal()), {
      code: 'object_changed',
      message: /it is gone/,
    })
  })
}

function keysOf(objects: readonly ListedObject[]): string[] {
  return objects.map((object) => object.key)
}

function inByteOrder(keys: readonly string[]): string[] {
  return keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
}
