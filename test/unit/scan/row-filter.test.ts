import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { Column } from '../../../service/arrow/column.ts'
import { parseFilter } from '../../../service/predicate/parse-filter.ts'
import { conjunctsOf, referencesOf } from '../../../service/predicate/predicate.ts'
import { and } from '../../../service/predicate/predicate.ts'
import { ScanFilter } from '../../../service/scan/filter-rows.ts'

const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const text: ArrowType = { kind: 'utf8' }
const fields = [
  { name: 'id', type: int, nullable: true },
  { name: 'salary', type: int, nullable: true },
  { name: 'team', type: text, nullable: true },
]

function ints(values: readonly number[]): Column {
  const bytes = new Uint8Array(Int32Array.from(values).buffer)
  const plain = { validity: null, nullCount: 0, offset: 0, offsets: null, children: [] }
  return { ...plain, type: int, rowCount: values.length, values: bytes }
}

function texts(values: readonly string[]): Column {
  const bytes = Buffer.from(values.join(''))
  let end = 0
  const ends = values.map((value) => (end += value.length))
  const offsets = new Uint8Array(Int32Array.from([0, ...ends]).buffer)
  const plain = { validity: null, nullCount: 0, offset: 0, children: [] }
  return { ...plain, type: text, rowCount: values.length, values: Uint8Array.from(bytes), offsets }
}

/** Places of the rows that a filter lets through behind a row filter, if there is one. */
function select(rowFilter: string | undefined, asked: string, columns: readonly Column[]) {
  const hiding = rowFilter === undefined ? [] : conjunctsOf(parseFilter(rowFilter, fields))
  const terms = [...hiding, ...conjunctsOf(parseFilter(asked, fields))]
  const names = fields.map(({ name }) => name)
  const filter = {
    terms: [...terms.keys()],
    columns: referencesOf(and(terms)).map(({ column, type }) => ({
      column,
      type,
      source: { kind: 'decoded' as const, index: names.indexOf(column) },
      constantType: type,
    })),
  }
  const object = { bucket: 'b', key: 'k', etag: 'e', sizeBytes: 1 }
  const rowCount = columns[0]?.rowCount ?? 0
  const piece = { object, source: 'b/k, row group 0', rowCount, columns: [], filter }
  const found = new ScanFilter(terms, hiding.length).select({
    piece,
    decoded: columns,
    start: 0,
    rowCount,
  })
  return found === undefined ? [...Array.from({ length: rowCount }).keys()] : [...found]
}

const columns = [ints([0, 1, 2, 3]), ints([5, 100, 7, 9]), texts(['a', 'b', 'a', 'c'])]

t.test('a filter is not asked of rows that do not exist', async (t) => {
  const asked = '10 / (salary - 100) > -1'
  t.throws(() => select(undefined, asked, columns), { code: 'invalid_request' })
  t.strictSame(select('id <> 1', asked, columns), [0, 2, 3])
  t.strictSame(select("team = 'a'", asked, columns), [0, 2])
  t.throws(() => select('id < 2', asked, columns), { code: 'invalid_request' })
})

t.test('general row filters come before simple terms of the filter', async (t) => {
  t.strictSame(select('salary - 5 = id - 0', 'id >= 0', columns), [0, 2])
  t.strictSame(select('salary - 5 = id or id > 2', '10 / (salary - 100) < 1', columns), [0, 2, 3])
})

t.test('the last rows that exist are found at their places', async (t) => {
  t.strictSame(select('id > 0', 'id > 1', columns), [2, 3])
  t.strictSame(select('id > 0', 'id > 5', columns), [])
  t.strictSame(select('id > 5', '10 / (salary - 100) > 0', columns), [])
  t.strictSame(select('id >= 0', "team <> 'a'", columns), [1, 3])
})

t.test('simple terms of the filter do not come before general row filters', async (t) => {
  const values = new Uint8Array(BigInt64Array.of(1n, 2n ** 40n, 3n, 1n).buffer)
  const long = { ...ints([0, 0, 0, 0]), type: { kind: 'int', bitWidth: 64, signed: true } } as const
  const some = [ints([0, 1, 2, 3]), { ...long, values }, texts(['', '', '', ''])]
  t.throws(() => select(undefined, 'salary = 1', some), { message: /1099511627776/ })
  t.throws(() => select('id - 0 <> 2', 'salary = 1', some), { message: /1099511627776/ })
  t.strictSame(select('id - 0 <> 1', 'salary = 1', some), [0, 3])
})

t.test('entries of a dictionary that only hidden rows have are not looked at', async (t) => {
  const long: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
  const values = new Uint8Array(BigInt64Array.of(1n, 2n ** 40n, 3n).buffer)
  const coded: Column = {
    ...ints([0, 1, 2, 0]),
    type: { kind: 'dictionary', index: int, value: long, ordered: false },
    children: [{ ...ints([0, 0, 0]), type: long, values }],
  }
  const some = [ints([0, 1, 2, 3]), coded, texts(['', '', '', ''])]
  t.throws(() => select(undefined, 'salary = 1', some), { message: /1099511627776/ })
  t.strictSame(select('id <> 1', 'salary = 1', some), [0, 3])
})
