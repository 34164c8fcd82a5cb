import t from 'tap'

import { decodeFileColumn } from '../../support/paged-files.ts'
import { GatewayError } from '../../../service/errors.ts'
import { and, inDomain, or, type Predicate } from '../../../service/predicate/predicate.ts'
import { valueReader } from '../../../service/predicate/read-values.ts'
import { compareValues, type Value } from '../../../service/predicate/value.ts'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { everySaving, indexedTable } from '../../support/indexed-table.ts'
import { pagedFile, pagedNames } from '../../support/paged-files.ts'

const int64 = { kind: 'int', bitWidth: 64, signed: true } as const
const utf8 = { kind: 'utf8' } as const
const range = (low?: Value, high?: Value) => ({
  ...(low !== undefined && { low: { value: low, inclusive: true } }),
  ...(high !== undefined && { high: { value: high, inclusive: true } }),
})
const idBetween = (low: number, high: number) =>
  inDomain('id', int64, { nullAllowed: false, ranges: [range(BigInt(low), BigInt(high))] })
const equals = (column: string, type: ArrowType, ...values: Value[]) =>
  inDomain(column, type, { nullAllowed: false, ranges: values.map((one) => range(one, one)) })

const asks: Record<string, Predicate> = {
  'one page': idBetween(1000, 1010),
  'a page of each row group': idBetween(2990, 3010),
  'pages apart': or([idBetween(100, 110), idBetween(2500, 2510), idBetween(4000, 4001)]),
  'two columns with other pages': and([
    idBetween(500, 2000),
    inDomain('text', utf8, {
      nullAllowed: false,
      ranges: [range(Buffer.from('row 000900'), Buffer.from('row 001100'))],
    }),
  ]),
  'null pages': inDomain('color', utf8, { nullAllowed: true, ranges: [] }),
  'no null pages': equals('color', utf8, Buffer.from('green')),
  nothing: and([idBetween(100, 200), idBetween(300, 400)]),
  'floats among NaN': inDomain(
    'amount',
    { kind: 'float', bitWidth: 64 },
    {
      nullAllowed: false,
      ranges: [range(100, 110)],
    },
  ),
  zeros: inDomain(
    'amount',
    { kind: 'float', bitWidth: 64 },
    {
      nullAllowed: false,
      ranges: [range(0, 0)],
    },
  ),
  'a value that no dictionary holds': equals('color', utf8, Buffer.from('purple')),
  'a value that no dictionary holds, or null': inDomain('color', utf8, {
    nullAllowed: true,
    ranges: [range(Buffer.from('purple'), Buffer.from('purple'))],
  }),
  'a value of the shuffled column': equals('code', int64, 2468n),
  'values beside those of the shuffled column': equals('code', int64, 2469n, 77n),
}

t.test('rows are the same with and without indexes', async (t) => {
  for (const name of pagedNames) {
    const table = indexedTable(pagedFile(name).bytes)
    for (const [what, predicate] of Object.entries(asks)) {
      const bare = await table.scan({ predicate, pruned: false })
      const pruned = await table.scan({ predicate })
      t.strictSame(pruned.rows, bare.rows, `${name}: ${what}`)
      t.ok(pruned.receipt.rowsRead <= bare.receipt.rowsRead)
    }
  }
})

t.test('a value in any column and form is found by way of its bloom filter', async (t) => {
  const file = pagedFile('bloom_types')
  const table = indexedTable(file.bytes)
  let dropped = 0
  for (const [index, { field }] of file.footer.columns.entries()) {
    const values = decodeFileColumn(file, index).flatMap((column) => {
      const read = valueReader(column)
      return Array.from({ length: column.rowCount }, (_, row) => read(row))
    })
    for (let row = 0; row < values.length; row += 23) {
      const value = values[row] ?? null
      if (value === null || Number.isNaN(value)) continue
      const matching = values.filter((one) => one !== null && compareValues(one, value) === 0)
      const predicate = equals(field.name, field.type, value)
      const { rows, receipt } = await table.scan({ predicate, columns: [field.name] })
      t.equal(rows.length, matching.length, `${field.name}, row ${row}`)
      dropped += receipt.rowGroupsDroppedByBloomFilter
    }
  }
  t.ok(dropped > 2500, `${dropped} row groups dropped`)
})

t.test('integers are found as wider ones, days as milliseconds', async (t) => {
  const table = indexedTable(pagedFile('bloom_types').bytes)
  const longs = { kind: 'int', bitWidth: 64, signed: true } as const
  const millis = { kind: 'date', unit: 'millisecond' } as const
  const counts: [string, ArrowType, Value, number, number][] = [
    ['int32', longs, BigInt(7919 * 5 - 2_000_000), 1, 9],
    ['int32', longs, 2n ** 40n, 0, 10],
    ['uint32', longs, 2_654_435_761n, 1, 9],
    ['int8', longs, -60n, 5, 5],
    ['day', millis, BigInt(-700 + 3 * 60) * 86_400_000n, 1, 9],
    ['day', millis, BigInt(-700 + 3 * 60) * 86_400_000n + 1n, 0, 10],
    ['float', { kind: 'float', bitWidth: 64 }, 0, 1, 9],
    ['float', { kind: 'float', bitWidth: 64 }, 0.1, 0, 10],
  ]
  for (const [column, type, value, rowCount, droppedCount] of counts) {
    const predicate = equals(column, type, value)
    const { rows, receipt } = await table.scan({ predicate, columns: [column] })
    t.equal(rows.length, rowCount, `${column} ${String(value)}`)
    t.ok(receipt.rowGroupsDroppedByBloomFilter >= droppedCount - 1, `${column} ${String(value)}`)
  }
})

t.test('a byte wrong in an offset index: the same rows, or a typed error', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const columns = ['id', 'text']
  const predicates = [idBetween(1000, 1010), idBetween(400, 600), idBetween(2990, 3300)]
  const expected: unknown[][] = []
  for (const predicate of predicates) {
    const bare = await indexedTable(bytes).scan({ predicate, columns, pruned: false })
    expected.push(bare.rows)
  }
  let [same, refused] = [0, 0]
  for (const leafIndex of [0, 2]) {
    const { offsetIndexOffset, offsetIndexBytes } = footer.chunk(0, leafIndex)
    for (let at = offsetIndexOffset; at < offsetIndexOffset + offsetIndexBytes; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const table = indexedTable(changed)
      for (const [index, predicate] of predicates.entries()) {
        try {
          const { rows } = await table.scan({ predicate, columns })
          t.strictSame(rows, expected[index], `byte ${at}`)
          same += 1
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          t.equal(error.code, 'unreadable_file', error.message)
          refused += 1
        }
      }
    }
  }
  t.ok(same > 100, `${same} the same, ${refused} refused`)
})

t.test('indexes cut short or overwritten count as absent', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const code = footer.leaves.findIndex(({ path }) => path[0] === 'code')
  const places = [footer.chunk(0, 0).columnIndexOffset, footer.chunk(0, code).bloomFilterOffset]
  for (const start of places) {
    const changed = Uint8Array.from(bytes).fill(0xff, start, start + 12)
    for (const predicate of [idBetween(1000, 1010), equals('code', int64, 2468n)]) {
      const table = indexedTable(changed)
      const bare = await table.scan({ predicate, pruned: false })
      t.strictSame((await table.scan({ predicate })).rows, bare.rows)
    }
  }
})

t.test('a dictionary without the value costs its page alone', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const table = indexedTable(bytes, everySaving)
  const { rows, receipt } = await table.scan({
    predicate: equals('color', utf8, Buffer.from('purple')),
  })
  const color = footer.leaves.findIndex(({ path }) => path[0] === 'color')
  const pages = [0, 1].map((group) => footer.chunk(group, color))
  const pageBytes = pages.reduce((sum, one) => sum + one.dataPageOffset - one.start, 0)
  t.equal(rows.length, 0)
  t.match(receipt, {
    rowGroupsDroppedByDictionary: 2,
    dictionaryReads: 2,
    dictionaryBytes: pageBytes,
    fetchRequests: 2,
    fetchBytes: pageBytes,
    rowsRead: 0,
  })
  t.equal(table.data.bytesAsked(), pageBytes)
})

t.test('columns that the filter does not look at wait for it', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const table = indexedTable(bytes)
  const predicate: Predicate = {
    kind: 'like',
    term: { kind: 'column', column: 'text', type: utf8 },
    pattern: Buffer.from('%none of them%'),
  }
  const { rows, receipt } = await table.scan({ predicate })
  const text = footer.leaves.findIndex(({ path }) => path[0] === 'text')
  const chunks = [0, 1].map((group) => footer.chunk(group, text))
  const textBytes = chunks.reduce((sum, { start, end }) => sum + end - start, 0)
  t.equal(rows.length, 0)
  t.equal(table.data.bytesAsked() - receipt.wastedBytes, textBytes)
  t.match(receipt, { rowGroupsDroppedByFilter: 2, rowsRead: 6000, rowsReturned: 0 })
})

t.test('a limit takes the first rows that match, wherever the columns come from', async (t) => {
  for (const name of pagedNames) {
    const table = indexedTable(pagedFile(name).bytes)
    const predicate: Predicate = {
      kind: 'like',
      term: { kind: 'column', column: 'text', type: utf8 },
      pattern: Buffer.from('%99%'),
    }
    for (const rowLimit of [1, 7, 60, 100_000]) {
      const bare = await table.scan({ predicate, rowLimit, pruned: false })
      const late = await table.scan({ predicate, rowLimit })
      t.strictSame(late.rows, bare.rows, `${name}: ${rowLimit}`)
    }
    const both = await table.scan({
      predicate: and([predicate, idBetween(900, 1200)]),
      columns: ['code', 'tags', 'text'],
    })
    const bare = await table.scan({
      predicate: and([predicate, idBetween(900, 1200)]),
      columns: ['code', 'tags', 'text'],
      pruned: false,
    })
    t.strictSame(both.rows, bare.rows, name)
    t.ok(both.rows.length > 0)
  }
})

t.test('of a page of one column, no more is read than its bytes and its index', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const table = indexedTable(bytes)
  const ask = { predicate: idBetween(1000, 1010), columns: ['id'] }
  const { rows, receipt } = await table.scan(ask)
  const { columnIndexBytes, offsetIndexBytes, start, end } = footer.chunk(0, 0)
  t.equal(rows.length, 11)
  t.equal(table.data.reads.length, 1)
  t.equal(receipt.fetchBytes, table.data.bytesAsked())
  t.ok(receipt.fetchBytes < (end - start) / 8, `${receipt.fetchBytes} of ${end - start}`)
  t.equal(receipt.wastedBytes, table.planning.bytesAsked() - columnIndexBytes - offsetIndexBytes)
  t.match(receipt, { rowsRead: 250, rowsDroppedByPageIndex: 2750, rowGroupsDroppedByPageIndex: 0 })
  await table.scan(ask)
  t.equal(table.planning.reads.length, 0, 'the second time the index is there')
})

t.test('an index that costs more than it can save is not read', async (t) => {
  const table = indexedTable(pagedFile('paged').bytes, {})
  const { receipt } = await table.scan({ predicate: idBetween(1000, 1010) })
  t.equal(table.planning.reads.length, 0)
  t.equal(receipt.rowsRead, 3000)
})
