import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import { SchemaLedger } from '../../../service/catalog/schema-ledger.ts'
import { FooterArchive } from '../../../service/footers/footer-archive.ts'
import type { RecordArchive } from '../../../service/footers/footer-archive.ts'
import { fakeFooter } from '../../support/fake-footer.ts'
import { memoryTable } from '../../support/memory-table.ts'

const { signal } = new AbortController()
const orders = { schema: 'lake-a', table: 'orders' }
const int32: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const int64: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
const footerOf = (name: string, type: ArrowType) =>
  fakeFooter([{ name, type, physicalType: 'int64' }], [{ rowCount: 1, decodedBytes: 8 }])
const key = (at: number) => `tables/orders/${String(at).padStart(5, '0')}.parquet`

/** Records in memory; `damaged` says which were discarded. */
function memoryArchive(): RecordArchive & { records: Map<string, Uint8Array>; damaged: string[] } {
  const records = new Map<string, Uint8Array>()
  const damaged: string[] = []
  return {
    records,
    damaged,
    get: async (name) => records.get(name),
    put: (name, bytes) => void records.set(name, bytes),
    discard: (name) => void damaged.push(name),
  }
}

t.test('ten new files of 10,000 cost ten footers, after a restart too', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-ledger-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const archive = await FooterArchive.open({ directory, bytesMax: 1 << 24 })
  const table = memoryTable({ schemaMode: 'full', archive })
  const narrow = footerOf('id', int32)
  for (let at = 0; at < 10_000; at++) table.put(key(at), narrow)
  const cold = await table.catalog.describeTable(orders, signal)
  t.equal(table.footersAsked.length, 10_000)
  t.equal(cold.sampledFileCount, 10_000)
  t.strictSame(cold.fields, [{ name: 'id', type: int32, nullable: true }])
  table.footersAsked.length = 0
  await table.catalog.describeTable(orders, signal)
  t.equal(table.footersAsked.length, 0)
  for (let at = 10_000; at < 10_009; at++) table.put(key(at), narrow)
  table.put(key(4_711), footerOf('id', int64))
  table.remove(key(5))
  table.store.reset()
  const warm = await table.catalog.describeTable(orders, signal)
  t.equal(table.footersAsked.length, 10)
  t.strictSame(warm.fields, [{ name: 'id', type: int64, nullable: true }])
  t.equal(table.store.lists.length, 1 + 11, 'a listing of tables, and of files')
  t.equal(table.store.reads.length, 0)
  await archive.close()

  const again = await FooterArchive.open({ directory, bytesMax: 1 << 24 })
  const restarted = table.restart({ schemaMode: 'full', archive: again })
  table.footersAsked.length = 0
  t.strictSame((await restarted.describeTable(orders, signal)).fields, warm.fields)
  t.equal(table.footersAsked.length, 0)
  await again.close()
})

t.test('a sample is as it was, and costs no more than its new files', async (t) => {
  const table = memoryTable({ limits: { sampleFilesMax: 4 } })
  for (let at = 0; at < 100; at++) table.put(key(at), footerOf('id', int32))
  await table.catalog.describeTable(orders, signal)
  t.equal(table.footersAsked.length, 4)
  table.clock.nowMs += 1000
  table.put(key(100), footerOf('newest', int32))
  const { fields } = await table.catalog.describeTable(orders, signal)
  t.ok(table.footersAsked.includes(key(100)))
  t.ok(table.footersAsked.length <= 8)
  t.strictSame(
    fields.map(({ name }) => name),
    ['id', 'newest'],
  )
})

const files = (count: number, etag = 'e') =>
  Array.from({ length: count }, (_, at) => ({ bucket: 'b', key: `k${at}`, etag, sizeBytes: 1 }))
const fields: readonly Field[] = [
  { name: 'a', type: int32, nullable: true, metadata: { k: 'v' } },
  { name: 'ü', type: { kind: 'struct', children: [] }, nullable: false },
]

t.test('forgets files that have gone, and tables longest unused, within its bound', async (t) => {
  const ledger = new SchemaLedger({ storeId: 's', filesMax: 10 })
  const fill = async (prefix: string, count: number) => {
    const open = await ledger.open({ bucket: 'b', prefix })
    let known = 0
    for (const file of files(count)) {
      if (open.get(file)) known += 1
      else open.set(file, fields)
    }
    open.close()
    return known
  }
  t.strictSame([await fill('a/', 4), await fill('b/', 4), ledger.fileCount], [0, 0, 8])
  t.strictSame([await fill('a/', 3), ledger.fileCount], [3, 7])
  t.strictSame([await fill('c/', 6), ledger.fileCount], [0, 9], 'b has gone')
  t.strictSame([await fill('a/', 4), ledger.fileCount], [3, 10])
  t.strictSame([await fill('d/', 50), ledger.fileCount], [0, 10], 'no more than its bound')
  const other = await ledger.open({ bucket: 'b', prefix: 'd/' })
  const known = (etag?: string) => files(1, etag).map((file) => other.get(file) !== undefined)
  t.strictSame(known(), [true])
  t.strictSame(known('other'), [false], 'another ETag is another file')
})

t.test('writes what changed, and takes no record that is none', async (t) => {
  const archive = memoryArchive()
  const describe = async () => {
    const ledger = new SchemaLedger({ storeId: 's', filesMax: 10, archive })
    const open = await ledger.open({ bucket: 'b', prefix: 'a/' })
    const found = files(3).map((file) => open.get(file) ?? open.set(file, fields))
    open.close()
    return found
  }
  const first = await describe()
  t.equal(new Set(first).size, 1, 'equal schemas are one')
  const [[name, record] = ['', Buffer.of()]] = archive.records
  t.equal(archive.records.size, 1)
  t.strictSame((await describe())[2]?.fields, fields, 'from the record')
  t.equal(archive.records.get(name), record, 'not written again')
  const bad = [Buffer.of(), Buffer.of(1, 0, 0), Buffer.from('\x02\0\0\0[]abc'), record.subarray(1)]
  bad.push(Buffer.from(record.subarray(0, record.length - 1)))
  for (const [at, junk] of bad.entries()) {
    archive.records.set(name, junk)
    t.strictSame((await describe())[0]?.fields, fields)
    t.equal(archive.damaged.length, at + 1)
    t.same(archive.records.get(name), record)
  }
})
