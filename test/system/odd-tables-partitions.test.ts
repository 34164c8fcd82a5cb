import t from 'tap'
import type { QueryRequest } from '../../service/athena/query.ts'
import { askTable, complaintOf, defectsIn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import type { FileColumn } from '../support/write-parquet.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

const schema = 'divided'
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)

async function put(key: string, columns: readonly FileColumn[]): Promise<void> {
  await stack.client.putObject(schema, `tables/${key}`, writeParquet(columns, { rowsPerGroup: 2 }))
}

/** Puts one file of four rows in each folder; ids go on from file to file. */
async function putFolders(table: string, folders: readonly string[]): Promise<void> {
  for (const [at, folder] of folders.entries()) {
    await put(`${table}/${folder}/a.parquet`, [['id', longs(sequence(4, at * 4))]])
  }
}

/** Name and type of each column, then the rows. */
async function show(request: Omit<QueryRequest, 'schema'>): Promise<readonly unknown[]> {
  const { columns, rows } = await askTable(stack, { schema, ...request })
  return [columns.map(({ name, athenaType }) => `${name} ${athenaType}`), rows]
}

const twice = (text: string | null): (string | null)[] => [text, text, text, text]

t.test('values of folders have the narrowest type that holds them all', async (t) => {
  const cases: readonly (readonly [
    type: string,
    texts: readonly string[],
    shown?: readonly string[],
  ])[] = [
    ['integer', ['0', '-5', '2147483647']],
    ['bigint', ['0', '2147483648', '-9223372036854775808']],
    ['varchar', ['1', '9223372036854775808']],
    ['varchar', ['01', '02', '10']],
    ['varchar', ['1', '1.5', '-0']],
    ['date', ['2026-11-02', '0001-01-01', '2024-02-29']],
    ['varchar', ['2026-11-02', '2023-02-29']],
    [
      'timestamp(3)',
      ['2026-11-02 10%3A00%3A00', '2026-11-02 10%3A00%3A00.123456'],
      ['2026-11-02T10:00:00.000', '2026-11-02T10:00:00.123'],
    ],
    ['varchar', ['2026-11-02', '2026-11-02 10%3A00%3A00'], ['2026-11-02', '2026-11-02 10:00:00']],
    ['varchar', ['Berlin', 'Zürich', '', ' ', 'a=b', 'NaN', 'true']],
    ['varchar', ['a%2Fb', '100%25', 'x%3Dy', '%zz', '%'], ['a/b', '100%', 'x=y', '%zz', '%']],
  ]
  for (const [at, [type, values, shown = values]] of cases.entries()) {
    const table = `typed-${at}`
    await putFolders(
      table,
      values.map((value) => `key=${value}`),
    )
    const { columns, rows } = await askTable(stack, { schema, table })
    t.equal(columns.find(({ name }) => name === 'key')?.athenaType, type, table)
    const got = new Map(rows.map(([id, key]) => [Number(id), key]))
    t.strictSame(
      sequence(values.length * 4).map((id) => got.get(id)),
      shown.flatMap(twice),
      `${type}: ${values.join()}`,
    )
  }
})

t.test('the default folder of Hive is null, in a column of any type', async (t) => {
  const hole = '__HIVE_DEFAULT_PARTITION__'
  await putFolders('holes', ['day=2026-11-02', `day=${hole}`])
  t.strictSame(await show({ table: 'holes', columns: ['day'] }), [
    ['day date'],
    [...twice('2026-11-02'), ...twice(null)].map((day) => [day]),
  ])
  const only = await show({ table: 'holes', columns: ['id'], where: { day: { isNull: true } } })
  t.strictSame(only[1], [['4'], ['5'], ['6'], ['7']])
  await putFolders('all-holes', [`day=${hole}`])
  const rows = sequence(4).map((id) => [String(id), null])
  t.strictSame(await show({ table: 'all-holes' }), [['id bigint', 'day varchar'], rows])
})

t.test('folders within folders, each a column, in the order of the path', async (t) => {
  await putFolders('nested', ['year=2025/month=1/day=31', 'year=2026/month=2/day=1'])
  t.strictSame(await show({ table: 'nested', limit: 1 }), [
    ['id bigint', 'year integer', 'month integer', 'day integer'],
    [['0', '2025', '1', '31']],
  ])
  const { statistics } = await askTable(stack, { schema, table: 'nested', where: { year: 2026 } })
  t.equal(statistics.returnedRows, 4, 'the other folder is not read')
})

t.test('a folder wins over a column of that name in the files', async (t) => {
  await put('both/day=7/a.parquet', [
    ['id', longs([1])],
    ['DAY', texts(['not seven'])],
  ])
  t.strictSame(await show({ table: 'both' }), [['id bigint', 'day integer'], [['1', '7']]])
  t.strictSame((await show({ table: 'both', where: { day: 7 } }))[1], [['1', '7']])
  t.strictSame((await show({ table: 'both', where: { day: 8 } }))[1], [])
})

t.test('folder names of any spelling', async (t) => {
  await putFolders('spelt', ['Größe%20in%20cm=1', 'Größe%20in%20cm=2'])
  const [names, rows] = await show({ table: 'spelt', where: { 'größe in cm': 2 } })
  t.strictSame(names, ['id bigint', 'größe in cm integer'])
  t.equal((rows as unknown[]).length, 4)
  await putFolders('proto', ['__proto__=1', '__proto__=2'])
  t.match(await complaintOf(stack, { schema, table: 'proto' }), /^table_not_found: /, 'hidden by _')
  await putFolders('constructor', ['constructor=1', 'constructor=2'])
  const found = await show({ table: 'constructor', where: { constructor: 2 }, limit: 1 })
  t.strictSame(found, [['id bigint', 'constructor integer'], [['4', '2']]])
})

t.test('folders that do not agree are an error that names two files', async (t) => {
  await putFolders('mixed', ['day=1', 'hour=2'])
  const said = await complaintOf(stack, { schema, table: 'mixed' })
  t.match(said, /^unsupported: .*mixed\/day=1\/a\.parquet.*mixed\/hour=2\/a\.parquet/)
  await putFolders('deeper', ['day=1', 'day=2/hour=3'])
  t.match(
    await complaintOf(stack, { schema, table: 'deeper' }),
    /^unsupported: .*all need the same/,
  )
  await putFolders('repeated', ['day=1/day=2'])
  t.match(
    await complaintOf(stack, { schema, table: 'repeated' }),
    /^unsupported: .*repeated\/day=1/,
  )
})

t.test('two folders whose names differ only by case are an error', async (t) => {
  await putFolders('cased', ['Day=1/day=2'])
  const said = await complaintOf(stack, { schema, table: 'cased' })
  t.match(said, /^unsupported: .*"Day".*"day"/)
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
