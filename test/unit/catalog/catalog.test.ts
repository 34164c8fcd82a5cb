import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { Catalog } from '../../../service/catalog/catalog.ts'
import { addSkipped, noneSkipped } from '../../../service/catalog/data-files.ts'
import type { Table } from '../../../service/catalog/table-folders.ts'
import type { FakeColumn } from '../../support/fake-footer.ts'
import { fakeFooter } from '../../support/fake-footer.ts'
import { memoryTable } from '../../support/memory-table.ts'

const { signal } = new AbortController()
const int32: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const int64: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
const column = (name: string, type: ArrowType = int32): FakeColumn => ({
  name,
  type,
  physicalType: type === int64 ? 'int64' : 'int32',
})
const footerOf = (...columns: FakeColumn[]) =>
  fakeFooter(columns, [{ rowCount: 1, decodedBytes: 8 }])
const orders = { schema: 'lake-a', table: 'orders' }

async function filesOf(catalog: Catalog, table: Table, startAfter?: string) {
  const keys: string[] = []
  let skipped = noneSkipped
  const from = startAfter === undefined ? {} : { startAfter }
  for await (const page of catalog.listFiles(table, from, signal)) {
    keys.push(...page.files.map(({ object }) => object.key))
    skipped = addSkipped(skipped, page.skipped)
  }
  return { keys, skipped }
}

t.test('lists buckets with the prefix as schemas, in lower case', async (t) => {
  const table = memoryTable()
  for (const bucket of ['lake-b', 'Lake-a', 'lake-A', 'lake-a', 'other']) table.putInto(bucket, 'x')
  t.strictSame(await table.catalog.listSchemas(signal), ['lake-a', 'lake-b'])
  await t.rejects(table.catalog.listTables('lake-a', signal), {
    code: 'unsupported',
    message: /"lake-A" and "lake-a"|"lake-a" and "lake-A"/,
  })
  t.strictSame(await table.catalog.listTables('LAKE-B', signal), [])
  for (const schema of ['other', 'lake-c', '', '__proto__']) {
    await t.rejects(table.catalog.listTables(schema, signal), { code: 'table_not_found' }, schema)
  }
})

t.test('lists folders below the path as tables, over pages of listing', async (t) => {
  const table = memoryTable({ pageEntriesMax: 2, tablesPath: '/tables/' })
  for (const name of ['b', 'A', '_tmp', '.hidden', 'c', 'd', 'e']) table.put(`tables/${name}/1.pq`)
  table.put('tables/loose.parquet')
  table.put('elsewhere/f/1.pq')
  t.strictSame(await table.catalog.listTables('lake-a', signal), ['a', 'b', 'c', 'd', 'e'])
})

t.test('takes the folders of the bucket itself when the path is empty', async (t) => {
  const table = memoryTable({ tablesPath: '' })
  table.put('Orders/1.parquet')
  const found = await table.catalog.findTable(orders, signal)
  t.strictSame(found, { name: orders, bucket: 'lake-a', prefix: 'Orders/' })
})

t.test('refuses two folders that differ only by case, and only those', async (t) => {
  const { catalog, put } = memoryTable()
  for (const name of ['Orders', 'orders', 'items']) put(`tables/${name}/1.parquet`)
  t.strictSame(await catalog.listTables('lake-a', signal), ['items', 'orders'])
  await t.rejects(catalog.findTable(orders, signal), {
    code: 'unsupported',
    message: /"Orders" and "orders"/,
  })
  t.match(await catalog.findTable({ schema: 'lake-a', table: 'ITEMS' }, signal), {
    prefix: 'tables/items/',
  })
})

t.test('asks the store for nothing that was not listed, whatever a table is called', async (t) => {
  const { catalog, put, store } = memoryTable()
  put('tables/sales/1.parquet')
  put('tables/sales_private/1.parquet')
  const bad = ['..', '../sales', 'sales/', 'sales/..', 'sale', '%2e%2e', 'sales\0', '', 'tables']
  for (const table of [...bad, 'sales%2F', '__proto__', 'constructor', '*', 'ſales']) {
    await t.rejects(catalog.findTable({ schema: 'lake-a', table }, signal), {
      code: 'table_not_found',
      message: `there is no table lake-a.${table}`,
    })
  }
  t.strictSame([...new Set(store.lists.map(({ prefix }) => prefix))], ['tables/'])
  const sales = await catalog.findTable({ schema: 'lake-a', table: 'sales' }, signal)
  t.strictSame((await filesOf(catalog, sales)).keys, ['tables/sales/1.parquet'])
})

t.test('takes data files by suffix or magic and counts what it skips', async (t) => {
  const { catalog, put, store } = memoryTable({ pageEntriesMax: 3 })
  const data = ['a.parquet', 'b.PARQ', 'c.Pq', 'sub/d.snappy.parquet', 'sub/000000_0']
  const hidden = ['_SUCCESS', '_delta/1.parquet', '.part.crc', 'sub/.tmp/e.parquet']
  for (const name of [...data, ...hidden, 'f.csv', 'g.parquet.gz']) put(`tables/orders/${name}`)
  put('tables/orders/', new Uint8Array())
  put('tables/orders/empty.parquet', new Uint8Array())
  put('tables/orders/README', Buffer.from('a text that is no Parquet'))
  put('tables/orders/tiny', Buffer.from('PAR1'))
  put('tables/orders/secret', Buffer.from('PAR1 an encrypted footer PARE'))
  const table = await catalog.findTable(orders, signal)
  store.reset()
  const { keys, skipped } = await filesOf(catalog, table)
  t.strictSame(
    keys,
    ['a.parquet', 'b.PARQ', 'c.Pq', 'secret', 'sub/000000_0', 'sub/d.snappy.parquet'].map(
      (name) => `tables/orders/${name}`,
    ),
  )
  t.strictSame(skipped, { hidden: 4, empty: 2, other_suffix: 2, not_parquet: 2, undeclared: 0 })
  t.equal(store.reads.length, 3, 'only objects without suffix that can be files')
  t.equal(store.bytesAsked(), 12)
  await filesOf(catalog, table)
  t.equal(store.reads.length, 3, 'what an object ends in is remembered')
  const after = await filesOf(catalog, table, 'tables/orders/secret')
  t.strictSame(after.keys, keys.slice(4))
})

t.test('uses a listing again within its time and not after', async (t) => {
  const { catalog, put, store, clock } = memoryTable({ listingTtlMs: 2000, pageEntriesMax: 2 })
  for (const name of ['1', '2', '3']) put(`tables/orders/${name}.parquet`)
  const count = async () => {
    const table = await catalog.findTable(orders, signal)
    return (await filesOf(catalog, table)).keys.length
  }
  t.strictSame(await Promise.all([count(), count(), count()]), [3, 3, 3])
  t.equal(store.lists.length, 3, 'one of folders, two pages of files')
  put('tables/orders/4.parquet')
  clock.nowMs += 1999
  t.equal(await count(), 3)
  t.equal(store.lists.length, 3)
  clock.nowMs += 1
  t.equal(await count(), 4)
  t.equal(store.lists.length, 6)
})

t.test('never uses a listing again when its time is 0', async (t) => {
  const { catalog, put, store } = memoryTable({ listingTtlMs: 0 })
  put('tables/orders/1.parquet')
  const table = await catalog.findTable(orders, signal)
  await Promise.all([filesOf(catalog, table), filesOf(catalog, table)])
  t.equal(store.lists.length, 3)
})

t.test('keeps no more of listings than it may', async (t) => {
  const limits = { rememberedEntriesMax: 5 }
  const { catalog, put, store } = memoryTable({ listingTtlMs: 2000, limits })
  for (let file = 0; file < 9; file++) put(`tables/orders/${file}.parquet`)
  const table = await catalog.findTable(orders, signal)
  await filesOf(catalog, table)
  await filesOf(catalog, table)
  t.equal(store.lists.length, 3)
})

t.test('refuses more folders or objects than it may list', async (t) => {
  const { catalog, put } = memoryTable({ limits: { foldersMax: 2, objectsMax: 2 } })
  for (const file of [1, 2, 3]) put(`tables/orders/${file}.parquet`)
  const table = await catalog.findTable(orders, signal)
  await t.rejects(filesOf(catalog, table), { code: 'too_large', message: /lake-a.orders/ })
  for (const folder of [1, 2]) put(`tables/${folder}/1.parquet`)
  await t.rejects(catalog.listTables('lake-a', signal), { code: 'too_large' })
})

t.test('stops when the signal does', async (t) => {
  const { catalog, put } = memoryTable()
  put('tables/orders/1.parquet')
  await t.rejects(catalog.findTable(orders, AbortSignal.abort()), { code: 'cancelled' })
})

t.test('describes columns, partitions and sizes from footers and folders', async (t) => {
  const { catalog, put, store } = memoryTable()
  const folders = [
    'day=2026-11-01/hour=1',
    'day=2026-11-02/hour=23',
    'day=__HIVE_DEFAULT_PARTITION__/hour=5',
  ]
  put(`tables/orders/${folders[0]}/a.parquet`, footerOf(column('id'), column('Hour')))
  put(`tables/orders/${folders[1]}/b.parquet`, footerOf(column('id', int64), column('extra')))
  put(`tables/orders/${folders[2]}/c.parquet`, footerOf(column('id')))
  put('tables/orders/_SUCCESS', new Uint8Array())
  const { fields, partitionFields, conflicts, fileCount, fileBytes, ...rest } =
    await catalog.describeTable(orders, signal)
  t.strictSame(fields, [
    { name: 'id', type: int64, nullable: true },
    { name: 'extra', type: int32, nullable: true },
  ])
  t.strictSame(partitionFields, [
    { name: 'day', type: { kind: 'date', unit: 'day' }, nullable: true },
    { name: 'hour', type: int32, nullable: true },
  ])
  t.strictSame([conflicts, fileCount, fileBytes], [[], 3, 54])
  t.match(rest, { sampledFileCount: 3, skipped: { hidden: 1 } })
  t.equal(store.reads.length, 0, 'footers alone tell')
})

t.test(
  'reads a bounded sample of footers, the oldest and the newest file among them',
  async (t) => {
    const limits = { sampleFilesMax: 4 }
    const { catalog, put, clock, footersAsked } = memoryTable({ limits, pageEntriesMax: 7 })
    const footer = footerOf(column('id'))
    const name = (file: number) => `tables/orders/${String(file).padStart(3, '0')}.parquet`
    for (let file = 0; file < 100; file++) put(name(file), footer)
    clock.nowMs += 5
    put(name(33), footerOf(column('id'), column('newest')))
    clock.nowMs -= 10
    put(name(66), footerOf(column('id'), column('oldest')))
    const { fields, sampledFileCount } = await catalog.describeTable(orders, signal)
    t.strictSame(
      fields.map((field) => field.name),
      ['id', 'newest', 'oldest'],
    )
    t.equal(sampledFileCount, 4)
    t.strictSame(footersAsked, [name(0), name(33), ...footersAsked.slice(2, 4)].toSorted())
  },
)

t.test('a sample of many small files is smaller, of few or large ones it is not', async (t) => {
  const footer = footerOf(column('id'))
  for (const [fileCount, sizeBytes, sampled] of [
    [16, 18, 16],
    [17, 18, 4],
    [17, 64 * 1024, 16],
  ] as const) {
    const { catalog, put, clock } = memoryTable()
    for (let file = 0; file < fileCount; file++) {
      clock.nowMs += 1
      const isEnd = file === 0 || file === fileCount - 1
      const at = String((file + 5) % fileCount).padStart(3, '0')
      const own = isEnd ? footerOf(column('id'), column(file === 0 ? 'oldest' : 'newest')) : footer
      put(`tables/orders/${at}.parquet`, own, sizeBytes)
    }
    const { fields, sampledFileCount } = await catalog.describeTable(orders, signal)
    t.equal(sampledFileCount, sampled)
    t.strictSame(fields.map((field) => field.name).toSorted(), ['id', 'newest', 'oldest'])
  }
})

t.test('says why a table has no rows to describe', async (t) => {
  const { catalog, put } = memoryTable()
  put('tables/orders/_SUCCESS', new Uint8Array())
  put('tables/orders/data.csv')
  await t.rejects(catalog.describeTable(orders, signal), {
    code: 'table_not_found',
    message:
      'lake-a.orders has no Parquet files below lake-a/tables/orders/ (skipped: 1 hidden, 1 other suffix)',
  })
})

t.test('passes on what is wrong with a file', async (t) => {
  const { catalog, put } = memoryTable()
  put('tables/orders/junk.parquet')
  await t.rejects(catalog.describeTable(orders, signal), {
    code: 'unreadable_file',
    message: /junk\.parquet/,
  })
})

t.test('refuses files in contradicting partition folders and names both', async (t) => {
  const { catalog, put } = memoryTable()
  put('tables/orders/day=1/a.parquet')
  put('tables/orders/hour=1/b.parquet')
  const table = await catalog.findTable(orders, signal)
  await t.rejects(filesOf(catalog, table), {
    code: 'unsupported',
    message: /day=1\/a\.parquet" has \(day\), .*hour=1\/b\.parquet" has \(hour\)/,
  })
})
