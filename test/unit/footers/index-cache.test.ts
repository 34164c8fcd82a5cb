import t from 'tap'

import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { IndexCache } from '../../../service/footers/index-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { countingStore } from '../../support/counting-store.ts'
import { pagedFile } from '../../support/paged-files.ts'

const quiet = new AbortController().signal
const purpose = 'index' as const

function cacheOf(bytesMax: number) {
  const memory = memoryStore()
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, at) => at % 251)
  const store = countingStore(memory)
  return { memory, store, bytes, cache: new IndexCache({ store, bytesMax }) }
}

t.test('parts near each other are one read, and are read once', async (t) => {
  const { memory, store, bytes, cache } = cacheOf(100_000)
  const object = memory.put('b', 'k', bytes)
  const ranges = [
    { start: 10, end: 20 },
    { start: 30, end: 50 },
    { start: 900_000, end: 900_100 },
  ]
  t.equal(cache.lackingBytes({ object, ranges }), 130)
  const answer = await cache.read({ object, ranges, purpose }, quiet)
  t.strictSame(
    answer.parts.map((part) => [...part]),
    ranges.map(({ start, end }) => [...bytes.subarray(start, end)]),
  )
  t.match(answer, { requests: 2, bytes: 140, wastedBytes: 10 })
  t.equal(store.reads.length, 2)
  t.equal(cache.lackingBytes({ object, ranges: [{ start: 20, end: 30 }] }), 0)
  t.match(await cache.read({ object, ranges, purpose }, quiet), { requests: 0, bytes: 0 })
  t.equal(store.reads.length, 2)
})

t.test('it holds no more than it may, and nothing of another version', async (t) => {
  const { memory, bytes, cache } = cacheOf(1_000)
  const range = { start: 0, end: 400 }
  for (const key of ['a', 'b', 'c']) {
    const object = memory.put('b', key, bytes)
    await cache.read({ object, ranges: [range], purpose }, quiet)
    t.ok(cache.heldBytes <= 1_000)
  }
  t.equal(cache.heldBytes, 800)
  const object = memory.put('b', 'c', bytes.subarray(1))
  t.equal(cache.lackingBytes({ object, ranges: [range] }), 400)
})

t.test('what stands before a footer comes with it', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const { memory, store, cache } = cacheOf(100_000)
  const object = memory.put('b', 't/a.parquet', bytes)
  const footers = new FooterCache({
    store,
    bytesMax: 1_000_000,
    concurrency: 1,
    onIndexes: (of, run) => cache.keep(of, run),
  })
  await footers.get(object, quiet)
  const { columnIndexOffset: start, columnIndexBytes } = footer.chunk(1, 0)
  const ranges = [{ start, end: start + columnIndexBytes }]
  const { parts, requests } = await cache.read({ object, ranges, purpose }, quiet)
  t.strictSame([...(parts[0] ?? [])], [...bytes.subarray(start, start + columnIndexBytes)])
  t.equal(requests, 0)
  t.equal(store.reads.length, 1)
})
