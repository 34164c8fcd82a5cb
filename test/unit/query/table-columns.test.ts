import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import type { TableDescription } from '../../../service/catalog/catalog.ts'
import { noneSkipped } from '../../../service/catalog/data-files.ts'
import { selectFields, tableFields } from '../../../service/query/table-columns.ts'
import { emptyTally } from '../../../service/objects/store-tally.ts'

const table = { schema: 'lake', table: 'orders' }
const utf8: ArrowType = { kind: 'utf8' }
const int: ArrowType = { kind: 'int', bitWidth: 32, signed: false }
const field = (name: string, type: ArrowType = utf8, nullable = false): Field => ({
  name,
  type,
  nullable,
})

function describe(fields: readonly Field[], sampledFileCount = 2): TableDescription {
  return {
    table: { name: table, bucket: 'lake', prefix: 'orders/' },
    fields,
    partitionFields: [field('day', { kind: 'date', unit: 'day' }, true)],
    conflicts: [],
    fileCount: 2,
    fileBytes: 1,
    sampledFileCount,
    skipped: noneSkipped,
    cost: emptyTally(),
  }
}

const coded: ArrowType = {
  kind: 'dictionary',
  index: { kind: 'int', bitWidth: 32, signed: true },
  value: utf8,
  ordered: false,
}
const mapOf = (value: Field, key = field('key')): ArrowType => ({
  kind: 'map',
  keysSorted: false,
  entries: field('entries', { kind: 'struct', children: [key, value] }),
})

t.test('columns keep their types, metadata and nullability; partitions come last', async (t) => {
  const marked: Field = { ...field('Id', int), metadata: { unit: 'm' } }
  const fields = tableFields(describe([marked, field('ts', { kind: 'duration', unit: 'second' })]))
  t.strictSame(fields, [
    marked,
    field('ts', { kind: 'duration', unit: 'second' }),
    field('day', { kind: 'date', unit: 'day' }, true),
  ])
})

t.test('dictionaries are decoded at any depth', async (t) => {
  const list: ArrowType = { kind: 'list', child: field('item', coded) }
  const struct: ArrowType = { kind: 'struct', children: [field('a', list)] }
  const [first, second, third] = tableFields(
    describe([field('x', coded), field('y', struct), field('z', mapOf(field('value', coded)))]),
  )
  t.strictSame(first?.type, utf8)
  t.strictSame(second?.type, {
    kind: 'struct',
    children: [field('a', { kind: 'list', child: field('item') })],
  })
  t.strictSame(third?.type, mapOf(field('value')))
})

t.test('of a sample nothing is never null, but for the keys of maps', async (t) => {
  const [list, map] = tableFields(
    describe(
      [field('x', { kind: 'list', child: field('item') }), field('m', mapOf(field('value')))],
      1,
    ),
  )
  t.strictSame(list, field('x', { kind: 'list', child: field('item', utf8, true) }, true))
  t.strictSame(map, field('m', mapOf(field('value', utf8, true)), true))
})

const columns = [field('Id'), field('id'), field('Price'), field('größe')]

t.test('names are found exactly, else without regard to case', async (t) => {
  const found = selectFields(table, columns, ['PRICE', 'id', 'Id', 'GRÖSSE'.replace('SS', 'ß')])
  t.strictSame(
    found.map(({ name }) => name),
    ['Price', 'id', 'Id', 'größe'],
  )
})

t.test('what is not found, unclear or wanted twice is refused', async (t) => {
  const refused = (names: readonly string[], message: RegExp) =>
    t.throws(() => selectFields(table, columns, names), { code: 'invalid_request', message })
  refused(['prise'], /lake\.orders has no column "prise", did you mean "Price"\?/)
  refused(['something else'], /has no column "something else"$/)
  refused(['ID'], /has the columns "Id" and "id", either may be "ID"; write one of them exactly/)
  refused(['price', 'Price'], /the column "Price" is wanted twice/)
  refused(['x'.repeat(65_536)], /has no column "x{199}…"$/)
})
