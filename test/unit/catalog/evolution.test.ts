import t from 'tap'
import type { ArrowType, Field, TimeUnit } from '../../../service/arrow/arrow-type.ts'
import { canCast } from '../../../service/arrow/cast.ts'
import { sameType } from '../../../service/arrow/same-type.ts'
import { mergeTypes } from '../../../service/catalog/merge-types.ts'
import { mergeSchemas } from '../../../service/catalog/schema-merge.ts'

// README's table "When files of a table differ", rule by rule.

const int = (bitWidth: 8 | 16 | 32 | 64, signed = true): ArrowType => ({
  kind: 'int',
  bitWidth,
  signed,
})
const uint = (bitWidth: 8 | 16 | 32 | 64) => int(bitWidth, false)
const float = (bitWidth: 16 | 32 | 64): ArrowType => ({ kind: 'float', bitWidth })
const decimal = (precision: number, scale: number, bitWidth: 128 | 256 = 128): ArrowType => ({
  kind: 'decimal',
  precision,
  scale,
  bitWidth,
})
const timestamp = (unit: TimeUnit, timezone: string | null = null): ArrowType => ({
  kind: 'timestamp',
  unit,
  timezone,
})
const day: ArrowType = { kind: 'date', unit: 'day' }
const time: ArrowType = { kind: 'time', unit: 'microsecond', bitWidth: 64 }
const bool: ArrowType = { kind: 'bool' }
const utf8: ArrowType = { kind: 'utf8' }
const binary: ArrowType = { kind: 'binary' }
const bytes16: ArrowType = { kind: 'fixed_size_binary', byteWidth: 16 }
const nothing: ArrowType = { kind: 'null' }
const codes = (value: ArrowType): ArrowType => ({
  kind: 'dictionary',
  index: { kind: 'int', bitWidth: 32, signed: true },
  value,
  ordered: false,
})
const field = (name: string, type: ArrowType, nullable = true): Field => ({ name, type, nullable })
const struct = (...children: Field[]): ArrowType => ({ kind: 'struct', children })
const list = (type: ArrowType): ArrowType => ({ kind: 'list', child: field('item', type) })
const map = (key: ArrowType, value: ArrowType): ArrowType => ({
  kind: 'map',
  entries: field('entries', struct(field('key', key, false), field('value', value)), false),
  keysSorted: false,
})

type Case = readonly [rule: string, one: ArrowType, other: ArrowType, together: ArrowType | 'error']

const cases: readonly Case[] = [
  ['integers take the wider', int(8), int(16), int(16)],
  ['integers take the wider', int(32), int(64), int(64)],
  ['integers take the wider', int(8), int(64), int(64)],
  ['integers take the wider', uint(8), uint(32), uint(32)],
  ['integers take the wider', uint(16), int(32), int(32)],
  ['signs that differ take the next wider', uint(8), int(8), int(16)],
  ['signs that differ take the next wider', uint(32), int(32), int(64)],
  ['signs that differ take the next wider', uint(32), int(16), int(64)],
  ['there is no integer above 64 bits', uint(64), int(64), 'error'],
  ['there is no integer above 64 bits', uint(64), int(8), 'error'],
  ['floats take the wider', float(32), float(64), float(64)],
  ['floats take the wider', float(16), float(32), float(32)],
  ['integers are no floats', int(32), float(64), 'error'],
  ['integers are no floats', int(64), float(32), 'error'],
  ['integers are no decimals', int(32), decimal(10, 0), 'error'],
  ['floats are no decimals', float(64), decimal(10, 2), 'error'],
  ['decimals keep all digits of both', decimal(10, 2), decimal(12, 2), decimal(12, 2)],
  ['decimals keep all digits of both', decimal(10, 2), decimal(10, 4), decimal(12, 4)],
  ['decimals keep all digits of both', decimal(38, 2), decimal(38, 4), decimal(40, 4, 256)],
  ['decimals have at most 76 digits', decimal(76, 0, 256), decimal(76, 10, 256), 'error'],
  ['dates become timestamps', day, timestamp('millisecond'), timestamp('millisecond')],
  ['dates become timestamps', day, timestamp('nanosecond'), timestamp('nanosecond')],
  ['a reading and an instant differ', day, timestamp('millisecond', 'UTC'), 'error'],
  [
    'timestamps take the finer unit',
    timestamp('second'),
    timestamp('microsecond'),
    timestamp('microsecond'),
  ],
  [
    'timestamps take the finer unit',
    timestamp('millisecond', 'UTC'),
    timestamp('nanosecond', 'UTC'),
    timestamp('nanosecond', 'UTC'),
  ],
  ['a reading and an instant differ', timestamp('second'), timestamp('second', 'UTC'), 'error'],
  ['dates are no numbers', day, int(32), 'error'],
  ['times are no timestamps', time, timestamp('microsecond'), 'error'],
  ['layouts of text are one', utf8, { kind: 'large_utf8' }, utf8],
  ['layouts of text are one', { kind: 'utf8_view' }, { kind: 'large_utf8' }, utf8],
  ['layouts of bytes are one', binary, { kind: 'large_binary' }, binary],
  ['layouts of bytes are one', binary, bytes16, binary],
  ['text is no bytes', utf8, binary, 'error'],
  ['text is no number', utf8, int(64), 'error'],
  ['text is no date', utf8, day, 'error'],
  ['truth is no number', bool, int(8), 'error'],
  ['a dictionary is its values', codes(utf8), utf8, utf8],
  ['a dictionary is its values', codes(int(32)), int(64), int(64)],
  ['a dictionary is its values', codes(utf8), int(32), 'error'],
  ['null becomes anything', nothing, int(16), int(16)],
  ['null becomes anything', nothing, struct(field('a', utf8)), struct(field('a', utf8))],
  ['elements follow the rules', list(int(32)), list(int(64)), list(int(64))],
  ['elements follow the rules', list(utf8), list(int(64)), 'error'],
  ['a list is no value', list(int(32)), int(32), 'error'],
  ['keys and values follow the rules', map(utf8, int(8)), map(utf8, int(32)), map(utf8, int(32))],
  ['keys and values follow the rules', map(utf8, int(8)), map(int(8), int(8)), 'error'],
  [
    'struct fields follow the rules, by name',
    struct(field('a', int(32)), field('b', utf8)),
    struct(field('b', utf8), field('a', int(64))),
    struct(field('a', int(64)), field('b', utf8)),
  ],
  [
    'a struct field that one lacks is null there',
    struct(field('a', int(32), false)),
    struct(field('a', int(32), false), field('b', utf8, false)),
    struct(field('a', int(32), false), field('b', utf8)),
  ],
  [
    'a struct field that one lacks is null there',
    struct(field('a', int(32), false)),
    struct(field('b', utf8, false)),
    struct(field('a', int(32)), field('b', utf8)),
  ],
  ['struct fields contradict', struct(field('a', int(32))), struct(field('a', utf8)), 'error'],
  [
    'structs in lists and in structs as well',
    list(struct(field('a', struct(field('x', float(32)))))),
    list(struct(field('a', struct(field('x', float(64)), field('y', day))))),
    list(struct(field('a', struct(field('x', float(64)), field('y', day))))),
  ],
  ['a struct is no map', struct(field('key', utf8)), map(utf8, utf8), 'error'],
]

t.test('there are enough cases', async (t) => {
  t.ok(cases.length >= 40, `${cases.length}`)
})

for (const [rule, one, other, together] of cases) {
  const wanted = together === 'error' ? undefined : together
  t.test(`${rule}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`, async (t) => {
    t.strictSame(mergeTypes(one, other), wanted)
    const turned = mergeTypes(other, one)
    t.equal(turned === undefined, wanted === undefined, 'whichever file comes first')
    if (!wanted || !turned) return
    t.ok(sameType(inOrder(turned), inOrder(wanted)), 'the same the other way round')
    for (const from of [one, other]) t.ok(canCast(from, wanted), 'each file can be read as it')
    for (const more of [one, other]) t.strictSame(mergeTypes(wanted, more), wanted, 'nothing new')
    const { fields, conflicts } = mergeSchemas([
      { source: '1', fields: [field('c', one, false)] },
      { source: '2', fields: [field('c', other, false)] },
    ])
    const isNull = one.kind === 'null' || other.kind === 'null'
    t.strictSame(fields, [field('c', wanted, isNull)])
    t.strictSame(conflicts, [])
  })
}

/** Struct fields by name: which file comes first decides their order only. */
function inOrder(type: ArrowType): ArrowType {
  const ordered = (one: Field): Field => ({ ...one, type: inOrder(one.type) })
  if (type.kind === 'struct') {
    const children = type.children.map(ordered)
    return { kind: 'struct', children: children.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  }
  return type.kind === 'list' ? { kind: 'list', child: ordered(type.child) } : type
}

t.test('columns that a file lacks, and columns that may be null, are nullable', async (t) => {
  const part = (source: string, ...fields: Field[]) => ({ source, fields })
  const { fields } = mergeSchemas([
    part('1', field('both', utf8, false), field('null', utf8, false), field('old', utf8, false)),
    part('2', field('null', utf8), field('both', utf8, false), field('new', utf8, false)),
  ])
  t.strictSame(fields, [
    field('both', utf8, false),
    field('null', utf8),
    field('old', utf8),
    field('new', utf8),
  ])
})
