import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { canCast, castColumn } from '../../../service/arrow/cast.ts'
import {
  binary,
  bool,
  castCases,
  dateMillis,
  day,
  decimal,
  dictionary,
  float,
  packed,
  timestamp,
} from '../../support/columns-cast.ts'
import {
  columnOf,
  field,
  int,
  listOf,
  mapOf,
  readColumn,
  structOf,
  utf8,
} from '../../support/columns.ts'

const long = 'a text longer than twelve bytes, žluťoučký'
const uuid = Uint8Array.from({ length: 16 }, (_, i) => i * 17)

t.test('text and bytes come in one layout', (t) =>
  castCases(t, [
    { from: { kind: 'large_utf8' }, to: utf8, values: ['', 'ž', long], expected: ['', 'ž', long] },
    {
      from: { kind: 'utf8_view' },
      to: utf8,
      values: ['', '123456789012', long, 'x', `${long}2`],
      expected: ['', '123456789012', long, 'x', `${long}2`],
    },
    { from: utf8, to: binary, values: ['ab'], expected: ['0x6162'] },
    {
      from: { kind: 'large_binary' },
      to: binary,
      values: [new Uint8Array([1, 2])],
      expected: ['0x0102'],
    },
    {
      from: { kind: 'binary_view' },
      to: binary,
      values: [new Uint8Array(20)],
      expected: [`0x${'00'.repeat(20)}`],
    },
    {
      from: { kind: 'fixed_size_binary', byteWidth: 3 },
      to: binary,
      values: [new Uint8Array([1, 2, 3])],
      expected: ['0x010203'],
    },
    {
      from: { kind: 'fixed_size_binary', byteWidth: 16 },
      to: utf8,
      values: [uuid],
      expected: ['00112233-4455-6677-8899-aabbccddeeff'],
    },
  ]),
)

t.test('dictionaries are looked up, and cast', (t) =>
  castCases(t, [
    {
      from: dictionary(utf8),
      to: utf8,
      values: ['a', 'b', 'a', ''],
      expected: ['a', 'b', 'a', ''],
    },
    { from: dictionary({ kind: 'large_utf8' }, int(8)), to: utf8, values: ['a'], expected: ['a'] },
    {
      from: dictionary(int(32, false), int(16, false)),
      to: int(64),
      values: [7, 8, 7],
      expected: [7, 8, 7],
    },
    { from: dictionary(bool, int(64)), to: bool, values: [true, false], expected: [true, false] },
    { from: dictionary(decimal(40, 1, 256)), to: utf8, values: [-15], expected: ['-1.5'] },
    {
      from: dictionary({ kind: 'fixed_size_binary', byteWidth: 2 }),
      to: binary,
      values: [new Uint8Array([1, 2])],
      expected: ['0x0102'],
    },
  ]),
)

t.test('a dictionary may hold nulls, but no index may pass its end', async (t) => {
  const column = columnOf(dictionary(utf8), ['a', 'b', 'a'])
  const entries = columnOf(utf8, ['a', null])
  t.strictSame(readColumn(castColumn({ ...column, children: [entries] }, utf8)), ['a', null, 'a'])
  t.throws(() => castColumn({ ...column, children: [columnOf(utf8, ['a'])] }, utf8), {
    code: 'unreadable_file',
  })
})

t.test('lists, structs and maps are cast all the way down', (t) =>
  castCases(t, [
    {
      from: listOf(int(32)),
      to: listOf(int(64)),
      values: [[1, null, 2], [], [3]],
      expected: [[1, null, 2], [], [3]],
    },
    {
      from: { kind: 'large_list', child: field('element', { kind: 'large_utf8' }) },
      to: listOf(utf8),
      values: [['a'], [], ['b', 'c']],
      expected: [['a'], [], ['b', 'c']],
    },
    {
      from: { kind: 'fixed_size_list', size: 2, child: field('item', int(8, false)) },
      to: listOf(int(16)),
      values: [
        [1, 255],
        [null, 3],
      ],
      expected: [
        [1, 255],
        [null, 3],
      ],
    },
    {
      from: { kind: 'fixed_size_list', size: 2, child: field('item', int(8)) },
      to: { kind: 'fixed_size_list', size: 2, child: field('item', int(16)) },
      values: [[1, -2]],
      expected: [[1, -2]],
    },
    {
      from: structOf({ A: int(32), c: utf8 }),
      to: structOf({ c: utf8, a: int(64), missing: listOf(int(8)) }),
      values: [
        [1, 'x'],
        [null, 'y'],
      ],
      expected: [
        ['x', 1, null],
        ['y', null, null],
      ],
    },
    {
      from: mapOf({ kind: 'large_utf8' }, listOf(int(8, false))),
      to: mapOf(utf8, listOf(int(16))),
      values: [
        [
          ['k', [200]],
          ['l', null],
        ],
        [],
      ],
      expected: [
        [
          ['k', [200]],
          ['l', null],
        ],
        [],
      ],
    },
    {
      from: listOf(structOf({ a: mapOf(utf8, timestamp('nanosecond')) })),
      to: listOf(structOf({ a: mapOf(utf8, dateMillis) })),
      values: [[[[['k', -1]]], null], []],
      expected: [[[[['k', -1]]], null], []],
    },
  ]),
)

t.test(
  'names that differ only by case are ambiguous inside a struct, unless one is exact',
  async (t) => {
    const twins = structOf({ A: int(32), a: int(32) })
    t.equal(canCast(twins, structOf({ a: int(64) })), true)
    t.strictSame(readColumn(castColumn(columnOf(twins, [[1, 2]]), structOf({ a: int(64) }))), [[2]])
    t.equal(canCast(structOf({ AB: int(32), Ab: int(32) }), structOf({ ab: int(32) })), false)
  },
)

t.test('a column of nulls can be anything', async (t) => {
  for (const to of [
    utf8,
    int(64),
    bool,
    listOf(utf8),
    structOf({ a: int(8) }),
    mapOf(utf8, bool),
  ]) {
    const result = castColumn(columnOf({ kind: 'null' }, [null, null]), to)
    t.strictSame(readColumn(result), [null, null])
    t.strictSame(result.type, to)
  }
})

t.test('the same type gives the same column', async (t) => {
  const column = columnOf(listOf(int(32)), [[1]])
  t.equal(castColumn(column, { kind: 'list', child: field('element', int(32)) }), column)
})

t.test('what would change the meaning is refused', async (t) => {
  const refused: [ArrowType, ArrowType][] = [
    [int(32), float(32)],
    [decimal(10, 4), decimal(10, 2)],
    [decimal(10, 4), float(64)],
    [utf8, int(32)],
    [binary, utf8],
    [{ kind: 'fixed_size_binary', byteWidth: 15 }, utf8],
    [timestamp('millisecond'), timestamp('millisecond', 'UTC')],
    [timestamp('millisecond', 'UTC'), dateMillis],
    [timestamp('millisecond'), packed(0)],
    [timestamp('millisecond'), day],
    [packed(0), timestamp('millisecond', 'UTC')],
    [listOf(utf8), listOf(int(8))],
    [bool, int(8)],
  ]
  for (const [from, to] of refused) {
    t.equal(canCast(from, to), false, `${JSON.stringify(from)} to ${JSON.stringify(to)}`)
  }
  t.throws(() => castColumn(columnOf(bool, [true]), utf8), {
    code: 'unsupported',
    message: 'cannot turn bool into utf8',
  })
})
