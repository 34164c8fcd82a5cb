import { Struct, vectorFromArray } from 'apache-arrow'
import t from 'tap'
import { askTable, complaintOf, defectsIn, firstColumn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import type { FileColumn } from '../support/write-parquet.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

const schema = 'oddities'
const signal = AbortSignal.timeout(60_000)
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)

async function put(key: string, columns: readonly FileColumn[]): Promise<void> {
  await stack.client.putObject(schema, `tables/${key}`, writeParquet(columns))
}

/** Each is the name of a column, of a table and of a file in some test. */
const names = [
  'with space',
  'dotted.name.x',
  "single'quote",
  'double"quote',
  'back`tick',
  'UPPER Case',
  'Größe',
  '都市',
  '🦊',
  'İstanbul',
  'percent%20',
  'plus+and&',
  'semi;colon,comma',
  '#hash?query',
  '__proto__',
  'constructor',
  'toString',
  'select',
  '1st',
  '-',
  'x'.repeat(200),
]
/** Of S3's keys; columns have more freedom. */
const columnNames = [...names, 'new\nline', 'tab\t', 'slash/ed', '\\', ' ', '*', '\u{1F600}\u0301']

t.test('columns of any name give their values, whichever are asked for', async (t) => {
  await put(
    'names/a.parquet',
    columnNames.map((name, at) => [name, longs([at, at + 100, null])]),
  )
  const table = 'names'
  const { columns, rows } = await askTable(stack, { schema, table })
  const shown = columnNames.map((name) => name.toLowerCase())
  t.strictSame(
    columns.map(({ name }) => name),
    shown,
  )
  t.strictSame(rows, [
    sequence(shown.length).map(String),
    sequence(shown.length, 100).map(String),
    shown.map(() => null),
  ])
  for (const [at, name] of shown.entries()) {
    const where = Object.fromEntries([[name, { ge: 100 }]])
    const asked = { schema, table, columns: [name], where }
    t.strictSame(await firstColumn(stack, asked), [String(at + 100)], name)
  }
  const backwards = shown.toReversed()
  const turned = await askTable(stack, { schema, table, columns: backwards, limit: 1 })
  t.strictSame(turned.rows, [sequence(shown.length).toReversed().map(String)])
})

t.test('names inside of structs are kept apart like those of columns', async (t) => {
  const values = [{ 'With Space': 1, 'dotted.name': 2, __proto__x: 3 }]
  const nested = vectorFromArray(values)
  t.ok(nested.type instanceof Struct)
  await put('structs/a.parquet', [['Outer.Name', nested]])
  const { rows } = await askTable(stack, { schema, table: 'structs' })
  t.strictSame(rows, [[{ 'with space': '1', 'dotted.name': '2', __proto__x: '3' }]])
})

t.test('tables and files of any name are found', async (t) => {
  for (const name of names) await put(`${name}/${name}.parquet`, [['name', texts([name])]])
  const listed = new Set(await stack.engine().listTables({ schema }, signal))
  for (const name of names.filter((one) => !one.startsWith('_'))) {
    const table = name.toLowerCase()
    t.ok(listed.has(table), name)
    t.strictSame(await firstColumn(stack, { schema, table }), [name])
  }
  t.notOk(listed.has('__proto__'), 'what begins with _ is hidden')
})

t.test('a name is found in whatever case it is asked for', async (t) => {
  await put('MixedCase/A.parquet', [['Id', longs([1])]])
  for (const table of ['mixedcase', 'MixedCase', 'MIXEDCASE']) {
    const event = await complaintOf(stack, { schema, table })
    t.equal(event, '1 rows')
  }
})

t.test('two folders that differ only by case are an error that names both', async (t) => {
  await put('Twins/a.parquet', [['id', longs([1])]])
  await put('twins/a.parquet', [['id', longs([2])]])
  const said = await complaintOf(stack, { schema, table: 'twins' })
  t.match(said, /^unsupported: .*"Twins" and "twins" differ only by case; rename one/)
  const listed = await stack.engine().listTables({ schema }, signal)
  t.equal(listed.filter((name) => name === 'twins').length, 1)
})

t.test('two columns that differ only by case are an error that names both', async (t) => {
  await put('case-twins/a.parquet', [
    ['Name', texts(['x'])],
    ['naME', texts(['y'])],
  ])
  const said = await complaintOf(stack, { schema, table: 'case-twins' })
  t.match(said, /^unsupported: .*"Name".*"naME".*rename one/)
  await put('same-twins/a.parquet', [
    ['name', texts(['x'])],
    ['name', texts(['y'])],
  ])
  const same = await complaintOf(stack, { schema, table: 'same-twins' })
  t.match(
    same,
    /^unsupported: .*same-twins\/a\.parquet has the columns "name" and "name".*rename one/,
  )
})

t.test('one column whose files spell it in different case is one column', async (t) => {
  await put('spelling/a.parquet', [['Id', longs([1])]])
  await put('spelling/b.parquet', [['ID', longs([2])]])
  await put('spelling/c.parquet', [['id', longs([3])]])
  t.strictSame(await firstColumn(stack, { schema, table: 'spelling' }), ['1', '2', '3'])
  const where = { id: { ge: 2 } }
  t.strictSame(await firstColumn(stack, { schema, table: 'spelling', where }), ['2', '3'])
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
