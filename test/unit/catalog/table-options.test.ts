import t from 'tap'
import type { FolderFilter } from '../../../service/catalog/partitions.ts'
import { parseTableOptions } from '../../../service/catalog/table-options.ts'
import { fakeFooter } from '../../support/fake-footer.ts'
import type { MemoryTable } from '../../support/memory-table.ts'
import { memoryTable } from '../../support/memory-table.ts'

const { signal } = new AbortController()
const root = 'tables/orders/'
const orders = { schema: 'lake-a', table: 'orders' }

/** Keeps folders whose value is one of these texts. */
function textsOf(wanted: Readonly<Record<string, readonly string[]>>): FolderFilter {
  return {
    columns: Object.keys(wanted),
    mayHold: (partitions) =>
      partitions.every(({ name, text }) => wanted[name]?.includes(text ?? '') ?? true),
  }
}

async function listed({ catalog, store }: MemoryTable, filter?: FolderFilter, startAfter?: string) {
  const table = await catalog.findTable(orders, signal)
  store.reset()
  const keys: string[] = []
  let undeclared = 0
  const after = startAfter === undefined ? {} : { startAfter: root + startAfter }
  for await (const page of catalog.listFiles(
    table,
    { ...(filter && { filter }), ...after },
    signal,
  )) {
    keys.push(...page.files.map(({ object }) => object.key.slice(root.length)))
    undeclared += page.skipped.undeclared
  }
  const lists = store.lists.map(({ prefix, shallow }) => {
    return `${prefix.slice(root.length)}${shallow ? '*' : '**'}`
  })
  return { keys, lists, undeclared, reads: store.reads.length }
}

function declare(table: MemoryTable, partitions: unknown): void {
  table.put('tables/orders.spillway.json', Buffer.from(JSON.stringify({ partitions })))
}

const parse = (text: string) => parseTableOptions(Buffer.from(text), 'lake/t.spillway.json')
const textsIn = (declaration: unknown, nowMs = 0): string[] => {
  const [column] = parse(JSON.stringify({ partitions: { c: declaration } })).partitions
  return [...(column?.texts(nowMs) ?? [])]
}

t.test('goes through days, months, years, integers and names', async (t) => {
  const date = (range: unknown, format?: string) => ({ type: 'date', range, format })
  const now = Date.UTC(2026, 1, 28, 23, 59)
  t.strictSame(textsIn(date(['2024-02-28', '2024-03-01'])), [
    '2024-02-28',
    '2024-02-29',
    '2024-03-01',
  ])
  t.strictSame(textsIn(date(['NOW-1DAYS', 'NOW+1DAY'], 'yyyyMMdd'), now), [
    '20260227',
    '20260228',
    '20260301',
  ])
  t.strictSame(textsIn(date(['NOW-3MONTHS', 'NOW'], 'yyyy-MM'), now), [
    '2025-11',
    '2025-12',
    '2026-01',
    '2026-02',
  ])
  t.strictSame(textsIn(date(['NOW-1WEEK', 'NOW'], 'yyyyMM'), now), ['202602'])
  t.strictSame(textsIn(date(['NOW-2YEARS', 'NOW'], 'yyyy'), now), ['2024', '2025', '2026'])
  t.strictSame(textsIn(date(['2024-01-02', '2024-01-01'])), [])
  t.strictSame(textsIn({ type: 'integer', range: [8, 11], digits: 3 }), [
    '008',
    '009',
    '010',
    '011',
  ])
  t.strictSame(textsIn({ type: 'integer', range: [-1, 1] }), ['-1', '0', '1'])
  t.strictSame(textsIn({ type: 'enum', values: ['b', 'a', 'b'] }), ['b', 'a'])
})

t.test('knows which texts are its own', async (t) => {
  const has = (declaration: unknown, text: string): boolean => {
    const [column] = parse(JSON.stringify({ partitions: { c: declaration } })).partitions
    return column?.has(text, Date.UTC(2026, 0, 1)) ?? false
  }
  const day = { type: 'date', range: ['2025-12-31', 'NOW'] }
  for (const text of ['2025-12-31', '2026-01-01']) t.ok(has(day, text), text)
  for (const text of ['2025-12-30', '2026-01-02', '20260101', '2026-01', '', 'x']) {
    t.notOk(has(day, text), text)
  }
  const two = { type: 'integer', range: [0, 12], digits: 2 }
  for (const text of ['00', '07', '12']) t.ok(has(two, text), text)
  for (const text of ['7', '007', '13', '-1', '0x1', '', '1.0', ' 7']) t.notOk(has(two, text), text)
})

t.test('refuses what is no declaration and names file and column', async (t) => {
  const date = (range: string, more = '') => `{"type":"date","range":${range}${more}}`
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /is no JSON$/],
    ['\xff', /is no JSON$/],
    ['[]', /is no JSON object/],
    ['{"partition":{}}', /has "partition", expected only partitions/],
    ['{"partitions":[]}', /"partitions" that are no JSON object/],
    ['{"partitions":{"2024":{"type":"enum","values":["a"]}}}', /names a partition "2024"/],
    ['{"partitions":{"":{"type":"enum","values":["a"]}}}', /names a partition ""/],
    ['{"partitions":{"a":{},"A":{}}}', /differ only by case: a, A/],
  ]
  for (const [text, message] of bad) {
    t.throws(() => parse(text), { code: 'unreadable_file', message }, text)
    t.throws(() => parse(text), { message: /^lake\/t\.spillway\.json / })
  }
  const columns: readonly (readonly [string, RegExp])[] = [
    ['7', /is no object/],
    ['{}', /has the type nothing, expected "date"/],
    ['{"type":"injected"}', /has the type "injected"/],
    ['{"type":"enum"}', /has the values nothing/],
    ['{"type":"enum","values":[]}', /has the values \[\]/],
    ['{"type":"enum","values":["a",1]}', /has the values \["a",1\]/],
    ['{"type":"enum","values":["a"],"range":[]}', /has "range", expected only type, values/],
    ['{"type":"integer","range":[1]}', /has the range \[1\], expected two integers/],
    ['{"type":"integer","range":[2,1]}', /has the range \[2,1\]/],
    ['{"type":"integer","range":[0,1.5]}', /has the range/],
    ['{"type":"integer","range":["0","1"]}', /has the range/],
    ['{"type":"integer","range":[0,1],"digits":0}', /has the digits 0/],
    [date('["2024-01-01"]'), /has the range \["2024-01-01"\], expected two days/],
    [date('["2024-02-30","NOW"]'), /has the range/],
    [date('["2024-01-01","NOW-1HOUR"]'), /has the range/],
    [date('["2024-01-01","NOW"]', ',"format":"dd-MM"'), /has the format "dd-MM", expected one of/],
  ]
  for (const [column, message] of columns) {
    const text = `{"partitions":{"day":${column}}}`
    t.throws(() => parse(text), { code: 'unreadable_file', message }, text)
    t.throws(() => parse(text), { message: /^lake\/t\.spillway\.json partitions\.day / })
  }
  const { catalog, put } = memoryTable()
  put(`${root}a.parquet`)
  put('tables/orders.spillway.json', new Uint8Array())
  await t.rejects(catalog.describeTable(orders, signal), {
    code: 'unreadable_file',
    message: /^lake-a\/tables\/orders\.spillway\.json is no JSON$/,
  })
})

t.test('needs no listing of folders, and reads the declaration once', async (t) => {
  const table = memoryTable()
  const days = ['2025-12-30', '2025-12-31', '2026-01-01']
  const regions = ['eu', 'us', 'x/y']
  for (const day of days) {
    for (const region of regions) {
      for (const hour of ['00', '07', '23']) {
        table.put(`${root}day=${day}/region=${encodeURIComponent(region)}/hour=${hour}/a.parquet`)
      }
    }
  }
  declare(table, {
    day: { type: 'date', range: ['2025-12-31', '2026-01-31'] },
    region: { type: 'enum', values: ['eu', 'x/y', 'nobody'] },
    hour: { type: 'integer', range: [0, 23], digits: 2 },
  })
  const one = await listed(table, textsOf({ day: ['2026-01-01'], region: ['x/y'], hour: ['07'] }))
  t.strictSame(one.lists, ['day=2026-01-01/region=x%2Fy/hour=07/**'])
  t.strictSame(one.keys, ['day=2026-01-01/region=x%2Fy/hour=07/a.parquet'])
  t.equal(one.reads, 1)
  const again = await listed(table, textsOf({ day: ['2026-01-01', '2025-12-30'] }))
  t.strictSame(again.lists, ['day=2026-01-01/**'], 'the other day is not of the table')
  t.equal(again.keys.length, 6)
  t.equal(again.undeclared, 3)
  t.equal(again.reads, 0)
  const inner = await listed(table, textsOf({ hour: ['07'] }))
  t.equal(inner.lists.length, 32 * 3, 'all that it may be, existing or not')
  t.equal(inner.keys.length, 4)
  const all = await listed(table)
  t.strictSame(all.lists, ['**'])
  t.equal(all.keys.length, 12)
  t.equal(all.undeclared, 27 - 12)
  for (const after of all.keys) {
    const rest = await listed(table, textsOf({ hour: ['07'] }), after)
    t.strictSame(
      rest.keys,
      all.keys.filter((key) => key.includes('hour=07') && key > after),
    )
  }
})

t.test('lists when a declaration leaves too many folders', async (t) => {
  const table = memoryTable()
  for (const id of [1, 2, 3000]) table.put(`${root}id=${id}/a.parquet`)
  declare(table, { id: { type: 'integer', range: [0, 9_000_000_000] } })
  const few = await listed(table, textsOf({ id: ['2', '3000'] }))
  t.strictSame(few.lists, ['*', 'id=2/**', 'id=3000/**'])
  declare(table, { id: { type: 'integer', range: [0, 20_000] } })
  const many = await listed(table, { columns: ['id'], mayHold: () => true })
  t.strictSame(many.keys.length, 3)
  t.ok(many.lists.length <= 4)
})

t.test('types the columns as declared, whatever the folders look like', async (t) => {
  const table = memoryTable()
  declare(table, {
    day: { type: 'date', range: ['2026-01-01', '2026-12-31'], format: 'yyyyMMdd' },
    id: { type: 'integer', range: [0, 5_000_000_000], digits: 2 },
    k: { type: 'enum', values: ['1', '2'] },
  })
  table.put(`${root}day=20260102/id=07/k=1/a.parquet`, fakeFooter([], []))
  const { partitionFields } = await table.catalog.describeTable(orders, signal)
  t.strictSame(partitionFields, [
    { name: 'day', type: { kind: 'date', unit: 'day' }, nullable: true },
    { name: 'id', type: { kind: 'int', bitWidth: 64, signed: true }, nullable: true },
    { name: 'k', type: { kind: 'utf8' }, nullable: true },
  ])
  t.strictSame(await table.catalog.listTables('lake-a', signal), ['orders'])
})

t.test('reads a declaration that has changed', async (t) => {
  const table = memoryTable()
  table.put(`${root}k=a/1.parquet`)
  for (const values of [['b'], ['a'], ['c']]) {
    declare(table, { k: { type: 'enum', values } })
    t.equal((await listed(table)).keys.length, values[0] === 'a' ? 1 : 0)
  }
})
