import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { Catalog } from '../../../service/catalog/catalog.ts'
import { FooterArchive } from '../../../service/footers/footer-archive.ts'
import type { RecordArchive } from '../../../service/footers/footer-archive.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { planSplits } from '../../../service/planning/plan-scan.ts'
import { TicketKeys } from '../../../service/planning/ticket-keys.ts'
import type { Predicate } from '../../../service/predicate/predicate.ts'
import { inDomain, predicateTrue } from '../../../service/predicate/predicate.ts'
import { countingStore } from '../../support/counting-store.ts'
import { longs, sequence, writeParquet } from '../../support/write-parquet.ts'
import { holderOf } from '../../support/ticket-holder.ts'

// What a plan costs, counted: requests and bytes, never time.

const { signal } = new AbortController()
setMaxListeners(1_000, signal)
const name = { schema: 'lake', table: 'orders' }
const fileCount = 2_000
const dayCount = 200
const keys = new TicketKeys([])

const dayText = (at: number) => new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10)
/** As Spark names the files of a day's job. */
const keyOf = (at: number) => {
  const date = dayText(at % dayCount)
  const job = createHash('md5').update(date).digest('hex')
  const serial = String(Math.floor(at / dayCount)).padStart(5, '0')
  return `orders/day=${date}/part-${serial}-${job}.c000.parquet`
}
const content = (at: number) => writeParquet([['id', longs(sequence(3, at * 3))]])

const day: ArrowType = { kind: 'date', unit: 'day' }
const dayIs = (at: number): Predicate => {
  const bound = { value: BigInt(Date.parse(dayText(at)) / 86_400_000), inclusive: true }
  return inDomain('day', day, { nullAllowed: false, ranges: [{ low: bound, high: bound }] })
}

const memory = memoryStore()
const store = countingStore(memory)
for (let at = 0; at < fileCount; at++) memory.put('lake', keyOf(at), content(at))

/** A gateway that was just started. */
function start(archive?: RecordArchive) {
  const kept = archive && { archive }
  const footers = new FooterCache({ store, bytesMax: 1 << 28, concurrency: 32, ...kept })
  const options = { bucketPrefix: '', tablesPath: '', listingTtlMs: 0 }
  const catalog = new Catalog(options, { store, footers, nowMs: () => performance.now(), ...kept })
  return async (predicate: Predicate) => {
    store.reset()
    const page = await planSplits(
      { table: name, predicate, holder: holderOf(), splitsMax: 1_000, pageBytesMax: 4_000_000 },
      { catalog, footers, keys, nowMs: Date.now },
      signal,
    )
    return { ...page, lists: store.lists.length, reads: store.reads.length }
  }
}

/** Finding the table's folder. */
const findLists = 1

t.test('cold, warm, and with ten new files', async (t) => {
  const plan = start()
  const cold = await plan(predicateTrue)
  t.equal(cold.reads, fileCount, 'one request a file')
  t.equal(cold.lists, findLists + 2, 'the pages of the listing')
  const warm = await plan(predicateTrue)
  t.strictSame([warm.reads, warm.lists], [0, findLists + 2], 'revalidated by listing alone')
  for (let at = fileCount; at < fileCount + 10; at++) memory.put('lake', keyOf(at), content(at))
  t.equal((await plan(predicateTrue)).reads, 10)
  for (let at = fileCount; at < fileCount + 10; at++) memory.delete('lake', keyOf(at))
})

t.test('one day of 2,000 files, cold', async (t) => {
  const plan = start()
  const { reads, lists, ledger } = await plan(dayIs(17))
  t.equal(reads, fileCount / dayCount)
  t.equal(lists, findLists + 1 + 1, 'the folders, and the one of them')
  t.match(ledger, { foldersDroppedByPartition: dayCount - 1, filesKept: fileCount / dayCount })
  t.equal((await plan(dayIs(17))).reads, 0)
})

t.test('after a restart', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-figures-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const open = () => FooterArchive.open({ directory, bytesMax: 1 << 26, readTimeoutMs: 20_000 })
  const first = await open()
  await start(first)(predicateTrue)
  await first.close()
  t.match(first.counters, { unwritten: 0, records: fileCount })
  const second = await open()
  const { reads, splits } = await start(second)(predicateTrue)
  await second.close()
  t.equal(reads, 0)
  t.equal(splits.length, 1)
  t.match(second.counters, { hits: fileCount, damaged: 0 })
})

t.test('a sealed ticket takes at most 40 bytes a file', async (t) => {
  const { splits } = await start()(predicateTrue)
  t.equal(splits.length, 1)
  const [{ ticket, split } = { ticket: Buffer.of(), split: undefined }] = splits
  t.equal(split?.files.length, fileCount)
  const bytesPerFile = ticket.length / fileCount
  t.ok(bytesPerFile > 16 && bytesPerFile <= 40, `${bytesPerFile} bytes a file`)
})
