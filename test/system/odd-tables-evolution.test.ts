import {
  Binary,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int8,
  List,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  Uint32,
  vectorFromArray,
} from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import t from 'tap'
import type { Where } from '../../service/athena/where.ts'
import { askTable, complaintOf, defectsIn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import type { FileColumn } from '../support/write-parquet.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

const schema = 'evolving'
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)

/** Writes the files of a table, `0.parquet` first. */
async function putFiles(table: string, files: readonly (readonly FileColumn[])[]): Promise<void> {
  for (const [at, columns] of files.entries()) {
    const key = `tables/${table}/${at}.parquet`
    await stack.client.putObject(schema, key, writeParquet(columns))
  }
}

function values(type: DataType, ...list: unknown[]): FileColumn[1] {
  return vectorFromArray(list, type)
}

t.test('a column that some files lack is null in their rows', async (t) => {
  await putFiles('growing', [
    [['id', longs([1])]],
    [
      ['id', longs([2])],
      ['city', texts(['Ulm'])],
    ],
    [
      ['amount', longs([30])],
      ['city', texts(['Bonn'])],
      ['id', longs([3])],
    ],
  ])
  const { columns, rows } = await askTable(stack, { schema, table: 'growing' })
  t.strictSame(
    columns.map(({ name }) => name),
    ['id', 'city', 'amount'],
  )
  t.strictSame(rows, [
    ['1', null, null],
    ['2', 'Ulm', null],
    ['3', 'Bonn', '30'],
  ])
  const only = async (where: Where) =>
    (await askTable(stack, { schema, table: 'growing', columns: ['id'], where })).rows.flat()
  t.strictSame(await only({ city: { isNull: true } }), ['1'])
  t.strictSame(await only({ city: { isNotNull: true } }), ['2', '3'])
  t.strictSame(await only({ amount: { ne: 30, orNull: true } }), ['1', '2'])
  const lone = await askTable(stack, { schema, table: 'growing', columns: ['amount'] })
  t.strictSame(lone.rows, [[null], [null], ['30']])
})

t.test('types of files that go together become one that holds them all', async (t) => {
  const cases: Record<string, readonly [type: string, files: FileColumn[1][], shown: string[]]> = {
    integers: [
      'bigint',
      [
        values(new Int8(), -128),
        values(new Int32(), 2_147_483_647),
        longs([9_007_199_254_740_991]),
      ],
      ['-128', '2147483647', '9007199254740991'],
    ],
    backwards: ['bigint', [longs([5]), values(new Int16(), -7)], ['5', '-7']],
    mixed_signs: [
      'bigint',
      [values(new Int32(), -1), values(new Uint32(), 4_294_967_295)],
      ['-1', '4294967295'],
    ],
    floats: [
      'double',
      [values(new Float32(), 0.5), values(new Float64(), 1e300)],
      ['0.5', '1e+300'],
    ],
    times: [
      'timestamp(3)',
      [
        values(new DateDay(), new Date('2026-11-02')),
        values(new TimestampMillisecond(), Date.parse('2026-11-02T10:00:00.5Z')),
        values(new TimestampMicrosecond(), Date.parse('2026-11-02T11:00:00.25Z')),
      ],
      ['2026-11-02T00:00:00.000', '2026-11-02T10:00:00.500', '2026-11-02T11:00:00.250'],
    ],
  }
  for (const [table, [type, files, shown]] of Object.entries(cases)) {
    await putFiles(
      table,
      files.map((vector) => [['v', vector]]),
    )
    const { columns, rows } = await askTable(stack, { schema, table })
    t.equal(columns[0]?.athenaType, type, table)
    t.strictSame(rows.flat(), shown, table)
  }
})

t.test('a filter on a column of several types finds rows in all files', async (t) => {
  await putFiles('widened', [
    [['v', values(new Int32(), 1, 2, 3)]],
    [['v', longs([2, 3, 4])]],
    [['v', values(new Int8(), 3, 4, 5)]],
  ])
  const found = async (where: Where) =>
    (await askTable(stack, { schema, table: 'widened', where })).rows.flat()
  t.strictSame(await found({ v: 3 }), ['3', '3', '3'])
  t.strictSame(await found({ v: { gt: 3 } }), ['4', '4', '5'])
  t.strictSame(await found({ v: { in: [1, 5, '9223372036854775807'] } }), ['1', '5'])
})

t.test('structs whose fields differ are merged by name', async (t) => {
  const struct = (names: readonly string[]) =>
    new Struct(names.map((name) => new Field(name, new Int32(), true)))
  await putFiles('structs', [
    [['s', values(struct(['a', 'b']), { a: 1, b: 2 })]],
    [['s', values(struct(['b', 'c']), { b: 3, c: 4 })]],
  ])
  const { rows } = await askTable(stack, { schema, table: 'structs' })
  t.strictSame(rows, [[{ a: '1', b: '2', c: null }], [{ a: null, b: '3', c: '4' }]])
})

const contradictions: Record<string, readonly [FileColumn[1], FileColumn[1]]> = {
  'text and number': [texts(['x']), longs([1])],
  'number and text': [longs([1]), texts(['x'])],
  'number and list': [longs([1]), values(new List(new Field('item', new Int32())), [1])],
  'struct and number': [
    values(new Struct([new Field('a', new Int32())]), { a: 1 }),
    values(new Int32(), 1),
  ],
  'date and number': [values(new DateDay(), new Date(0)), values(new Int32(), 1)],
  'bytes and number': [values(new Binary(), Buffer.of(1)), values(new Float64(), 1)],
}

for (const [kinds, [first, second]] of Object.entries(contradictions)) {
  t.test(`${kinds} in one column are an error only for who reads the column`, async (t) => {
    const table = kinds.replaceAll(' ', '-')
    await putFiles(table, [
      [
        ['id', longs([1])],
        ['v', first],
      ],
      [
        ['id', longs([2])],
        ['v', second],
      ],
    ])
    const said = await complaintOf(stack, { schema, table })
    t.match(said, /^unsupported: /)
    t.match(said, `tables/${table}/1.parquet has the column "v" as `)
    t.match(said, 'leave the column out or rewrite the file')
    const { rows } = await askTable(stack, { schema, table, columns: ['id'] })
    t.strictSame(rows.flat(), ['1', '2'])
  })
}

t.test(
  'a file wider than the sample of footers told gives the values that fit, and no lies',
  async (t) => {
    const files = sequence(40).map((at): FileColumn[] => [['v', values(new Int32(), at)]])
    files[11] = [['v', longs([11, 5_000_000_000])]]
    await putFiles('sampled', files)
    await putFiles('whole', files.with(11, [['v', longs([-1, null, 2_147_483_647])]]))
    const { columns } = await askTable(stack, { schema, table: 'sampled', limit: 1 })
    t.equal(columns[0]?.athenaType, 'integer', 'the file is not in the sample')
    const said = await complaintOf(stack, { schema, table: 'sampled' })
    t.match(said, /^unsupported: .*tables\/sampled\/11\.parquet, row group 0, column "v": /)
    t.match(said, 'the value 5000000000 does not fit int32')
    const where: Where = { v: { anyOf: [{ lt: 0 }, { gt: 2_000_000_000 }] } }
    const fitting = await askTable(stack, { schema, table: 'whole', where })
    t.strictSame(new Set(fitting.rows.flat()), new Set(['-1', '2147483647']))
  },
)

t.test('decimals of several scales become one', async (t) => {
  const decimal = (precision: number, scale: number) =>
    values(new Decimal(scale, precision, 128), new Uint32Array([12_345, 0, 0, 0]))
  await putFiles('decimals', [[['v', decimal(9, 2)]], [['v', decimal(12, 4)]]])
  const { columns, rows } = await askTable(stack, { schema, table: 'decimals' })
  t.equal(columns[0]?.athenaType, 'decimal(12,4)')
  t.strictSame(rows.flat(), ['123.4500', '1.2345'])
  const where = { v: { gt: '2' } }
  t.strictSame((await askTable(stack, { schema, table: 'decimals', where })).rows, [['123.4500']])
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
