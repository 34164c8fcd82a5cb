import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import { canCast } from '../../../service/arrow/cast.ts'
import { formatType } from '../../../service/arrow/format-type.ts'
import { mergeTypes } from '../../../service/catalog/merge-types.ts'
import { mergeSchemas } from '../../../service/catalog/schema-merge.ts'

const int = (bitWidth: 8 | 16 | 32 | 64, signed = true): ArrowType => ({
  kind: 'int',
  bitWidth,
  signed,
})
const float = (bitWidth: 16 | 32 | 64): ArrowType => ({ kind: 'float', bitWidth })
const decimal = (precision: number, scale: number): ArrowType => ({
  kind: 'decimal',
  precision,
  scale,
  bitWidth: precision > 38 ? 256 : 128,
})
const timestamp = (
  unit: 'second' | 'millisecond' | 'microsecond' | 'nanosecond',
  timezone: string | null = null,
): ArrowType => ({ kind: 'timestamp', unit, timezone })
const day: ArrowType = { kind: 'date', unit: 'day' }
const dateMs: ArrowType = { kind: 'date', unit: 'millisecond' }
const utf8: ArrowType = { kind: 'utf8' }
const field = (name: string, type: ArrowType, nullable = false): Field => ({ name, type, nullable })
const struct = (...children: Field[]): ArrowType => ({ kind: 'struct', children })
const list = (type: ArrowType): ArrowType => ({ kind: 'list', child: field('item', type) })
const map = (value: ArrowType): ArrowType => ({
  kind: 'map',
  keysSorted: false,
  entries: field('entries', struct(field('key', utf8), field('value', value))),
})

const rules: readonly (readonly [ArrowType, ArrowType, ArrowType | undefined])[] = [
  [int(32), int(64), int(64)],
  [int(8), int(16), int(16)],
  [int(8, false), int(16, false), int(16, false)],
  [int(8, false), int(8), int(16)],
  [int(32, false), int(16), int(64)],
  [int(32, false), int(64), int(64)],
  [int(64, false), int(64), undefined],
  [float(32), float(64), float(64)],
  [float(16), float(32), float(32)],
  [int(32), float(64), undefined],
  [decimal(5, 2), decimal(7, 2), decimal(7, 2)],
  [decimal(5, 2), decimal(5, 4), decimal(7, 4)],
  [decimal(38, 0), decimal(38, 10), decimal(48, 10)],
  [decimal(76, 0), decimal(40, 10), undefined],
  [int(32), decimal(9, 0), undefined],
  [day, timestamp('microsecond'), timestamp('microsecond')],
  [day, dateMs, dateMs],
  [dateMs, timestamp('second'), timestamp('millisecond')],
  [day, timestamp('microsecond', 'UTC'), undefined],
  [timestamp('millisecond'), timestamp('nanosecond'), timestamp('nanosecond')],
  [
    timestamp('millisecond', 'UTC'),
    timestamp('microsecond', 'Europe/Berlin'),
    timestamp('microsecond', 'UTC'),
  ],
  [timestamp('millisecond'), timestamp('millisecond', 'UTC'), undefined],
  [utf8, { kind: 'large_utf8' }, utf8],
  [
    utf8,
    {
      kind: 'dictionary',
      index: { kind: 'int', bitWidth: 32, signed: true },
      value: utf8,
      ordered: false,
    },
    utf8,
  ],
  [utf8, { kind: 'binary' }, undefined],
  [{ kind: 'binary' }, { kind: 'fixed_size_binary', byteWidth: 4 }, { kind: 'binary' }],
  [utf8, int(32), undefined],
  [{ kind: 'bool' }, int(8), undefined],
  [{ kind: 'null' }, utf8, utf8],
  [list(int(32)), list(int(64)), list(int(64))],
  [list(int(32)), { kind: 'large_list', child: field('item', int(32)) }, list(int(32))],
  [list(int(32)), int(32), undefined],
  [map(int(32)), map(int(64)), map(int(64))],
  [map(int(32)), map(utf8), undefined],
  [struct(field('a', int(32))), struct(field('a', int(64))), struct(field('a', int(64)))],
  [
    struct(field('a', int(32))),
    struct(field('b', utf8)),
    struct(field('a', int(32), true), field('b', utf8, true)),
  ],
  [struct(field('a', int(32))), struct(field('a', utf8)), undefined],
]

t.test(
  'merges types by the rules, the same from both sides, and can read both as the outcome',
  async (t) => {
    for (const [left, right, expected] of rules) {
      const what = `${formatType(left)} with ${formatType(right)}`
      const merged = mergeTypes(left, right)
      t.strictSame(merged, expected, what)
      const turned = mergeTypes(right, left)
      t.equal(turned === undefined, expected === undefined, `${what}, turned`)
      if (!merged) continue
      t.ok(
        canCast(left, merged) && canCast(right, merged),
        `${what}, cast to ${formatType(merged)}`,
      )
    }
  },
)

t.test('takes columns in order of appearance; one that a file lacks is nullable', async (t) => {
  const { fields, conflicts } = mergeSchemas([
    { source: '1', fields: [field('a', int(32)), field('b', utf8)] },
    { source: '2', fields: [field('c', utf8), field('a', int(64))] },
  ])
  t.strictSame(fields, [field('a', int(64)), field('b', utf8, true), field('c', utf8, true)])
  t.strictSame(conflicts, [])
})

t.test('takes names that differ by case as one, unless a file has both', async (t) => {
  const names = (...files: string[][]) =>
    mergeSchemas(
      files.map((fields, at) => ({
        source: String(at),
        fields: fields.map((name) => field(name, int(32))),
      })),
    ).fields.map(({ name }) => name)
  t.strictSame(names(['City'], ['city']), ['City'])
  t.strictSame(names(['City', 'city'], ['city']), ['City', 'city'])
  t.strictSame(names(['a'], ['A', 'a']), ['a', 'A'])
})

t.test(
  'names file, column and both types of a contradiction, for those who ask for it',
  async (t) => {
    const { fields, conflicts } = mergeSchemas([
      { source: 'old.parquet', fields: [field('id', int(32)), field('ok', int(32))] },
      { source: 'new.parquet', fields: [field('id', utf8), field('ok', int(32))] },
      { source: 'newer.parquet', fields: [field('id', float(64)), field('ok', int(32))] },
    ])
    t.strictSame(fields, [field('id', int(32)), field('ok', int(32))])
    t.strictSame(conflicts, [
      { column: 'id', sources: ['old.parquet', 'new.parquet'], types: ['int32', 'utf8'] },
    ])
  },
)

t.test('finds a name that one file has twice', async (t) => {
  const { fields, conflicts } = mergeSchemas([
    { source: '1', fields: [field('a', int(32)), field('a', int(32))] },
  ])
  t.equal(fields.length, 1)
  t.match(conflicts, [{ column: 'a', sources: ['1', '1'] }])
})

t.test('keeps metadata while the type is the same', async (t) => {
  const uuid = { ...field('u', { kind: 'fixed_size_binary', byteWidth: 16 }), metadata: { k: 'v' } }
  const same = mergeSchemas([uuid, uuid].map((one, at) => ({ source: String(at), fields: [one] })))
  t.strictSame(same.fields, [uuid])
})
