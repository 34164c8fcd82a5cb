import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import { GatewayError } from '../../../service/errors.ts'
import { evaluate } from '../../../service/predicate/evaluate.ts'
import { parseFilter } from '../../../service/predicate/parse-filter.ts'
import type { Value } from '../../../service/predicate/value.ts'
import { verdictOf } from '../../../service/predicate/verdict.ts'
import { randomNumbers } from '../../support/columns-random.ts'

const text: ArrowType = { kind: 'utf8' }
const column = (name: string, type: ArrowType): Field => ({ name, type, nullable: true })
const fields: readonly Field[] = [
  column('id', { kind: 'int', bitWidth: 64, signed: true }),
  column('Price', { kind: 'decimal', precision: 9, scale: 2, bitWidth: 128 }),
  column('vast', { kind: 'decimal', precision: 76, scale: 0, bitWidth: 256 }),
  column('counter', { kind: 'int', bitWidth: 64, signed: false }),
  column('ratio', { kind: 'float', bitWidth: 32 }),
  column('half', { kind: 'float', bitWidth: 16 }),
  column('note', text),
  column('Note 2', text),
  column('color', {
    kind: 'dictionary',
    index: { kind: 'int', bitWidth: 8, signed: true },
    value: text,
    ordered: false,
  }),
  column('raw', { kind: 'binary' }),
  column('day', { kind: 'date', unit: 'day' }),
  column('at', { kind: 'timestamp', unit: 'nanosecond', timezone: 'UTC' }),
  column('seen', { kind: 'timestamp', unit: 'microsecond', timezone: null }),
  column('clock', { kind: 'time', unit: 'nanosecond', bitWidth: 64 }),
  column('flag', { kind: 'bool' }),
  column('place', {
    kind: 'struct',
    children: [
      column('city', text),
      column('Post Code', {
        kind: 'struct',
        children: [column('zone', { kind: 'int', bitWidth: 8, signed: true })],
      }),
      column('old', { kind: 'list', child: column('item', text) }),
      column('alias', text),
      column('Twin', text),
      column('TWIN', text),
    ],
  }),
  column('place.city', text),
  column('tags', { kind: 'list', child: column('item', text) }),
  column('words', {
    kind: 'map',
    keysSorted: false,
    entries: {
      name: 'entries',
      nullable: false,
      type: { kind: 'struct', children: [column('key', text), column('value', text)] },
    },
  }),
  column('dotted.name', text),
  column('twin', text),
  column('TWIN', text),
]

function holds(sql: string, row: Readonly<Record<string, Value | null>>) {
  return evaluate(
    parseFilter(sql, fields),
    ({ column, path = [] }) => row[[column, ...path].join('.')] ?? null,
  )
}

function errorOf(sql: string): string {
  try {
    parseFilter(sql, fields)
  } catch (error) {
    if (error instanceof GatewayError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'understood'
}

t.test('values are exact whatever the type of the column', async (t) => {
  t.equal(holds('id = 9007199254740993', { id: 9007199254740993n }), true)
  t.equal(holds('id = 9007199254740993e0', { id: 9007199254740992n }), false)
  t.equal(holds('id > 1.5', { id: 1n }), false)
  t.equal(holds('id > -1.5', { id: -1n }), true)
  t.equal(holds('id <> 1.5', { id: null }), null)
  t.equal(holds('id IS DISTINCT FROM 1.5', { id: null }), true)
  t.equal(holds('price < 1.501', { Price: 150n }), true)
  t.equal(holds('"Price" = DECIMAL \'1.50\'', { Price: 150n }), true)
  t.equal(holds(`vast = ${'9'.repeat(76)}`, { vast: 10n ** 76n - 1n }), true)
  t.equal(holds('counter > 18446744073709551614', { counter: 2n ** 64n - 1n }), true)
  t.equal(holds('counter + 1 > 18446744073709551615', { counter: 2n ** 64n - 1n }), true)
  t.equal(holds('ratio = 0.1', { ratio: Math.fround(0.1) }), true)
  t.equal(holds('ratio = 1e-1', { ratio: Math.fround(0.1) }), false)
  t.equal(holds("at >= TIMESTAMP '1970-01-01 02:00:00.000000001 +02:00'", { at: 1n }), true)
  t.equal(holds("seen > TIMESTAMP '1970-01-01 00:00:00.0000005'", { seen: 0n }), false)
  t.equal(holds("day < TIMESTAMP '1970-01-02 00:00:00.1'", { day: 1n }), true)
  t.equal(holds("clock = TIME '00:00:00.000000001'", { clock: 1n }), true)
  t.equal(holds("raw = X'00FF'", { raw: Uint8Array.of(0, 255) }), true)
  t.equal(holds("note = 'it''s'", { note: Buffer.from("it's") }), true)
  t.equal(holds("color IN ('red', 'blue')", { color: Buffer.from('blue') }), true)
})

t.test('operators bind as SQL says', async (t) => {
  t.equal(holds('NOT flag OR id = 1 AND id = 2', { flag: false, id: 5n }), true)
  t.equal(holds('id = 2 + 3 * 4 - 10 / 4', { id: 12n }), true)
  t.equal(holds('id = -7 % 4', { id: -3n }), true)
  t.equal(holds('id NOT BETWEEN 1 AND 3 AND flag', { flag: true, id: 4n }), true)
  t.equal(holds("note LIKE 'a!_%' ESCAPE '!'", { note: Buffer.from('a_b') }), true)
  t.equal(holds('(id = 1) = flag', { flag: false, id: 2n }), true)
  t.equal(holds('place is null and tags is not null', { place: null, tags: true }), true)
  t.equal(holds('NULLIF(id, 1) IS NULL', { id: 1n }), true)
})

t.test('regions say when their clocks show a time', async (t) => {
  const at = BigInt(Date.parse('2025-12-31T23:00:00.5Z')) * 1_000_000n
  t.equal(holds("at = TIMESTAMP '2026-01-01 00:00:00.5 Europe/Berlin'", { at }), true)
  t.equal(holds("at = TIMESTAMP '2025-12-31T18:00:00.5 america/new_york'", { at }), true)
  t.equal(holds("at < TIMESTAMP '2026-01-01 Europe/Berlin'", { at }), false)
  const before = -1n
  t.equal(
    holds("at = TIMESTAMP '1970-01-01 00:59:59.999999999 Europe/Berlin'", { at: before }),
    true,
  )
  const first = BigInt(Date.parse('2026-10-25T00:30:00Z')) * 1_000_000n
  t.equal(holds("at = TIMESTAMP '2026-10-25 02:30 Europe/Berlin'", { at: first }), true)
})

t.test('names are found as they are written, else without regard to case', async (t) => {
  t.equal(holds('PRICE = 1', { Price: 100n }), true)
  t.equal(holds('"note 2" = \'a\'', { 'Note 2': Buffer.from('a') }), true)
  t.equal(holds("twin = 'a'", { twin: Buffer.from('a') }), true)
  t.match(errorOf("Twin = 'a'"), /column 1: "Twin" may be "twin" and "TWIN"/)
})

t.test('a path leads to a field of a struct', async (t) => {
  t.equal(holds("place.city = 'Bonn'", { 'place.city': Buffer.from('Bonn') }), true)
  const zone = parseFilter('PLACE."post code".Zone > 3', fields)
  t.match(zone, { kind: 'in_domain', column: 'place', path: ['Post Code', 'zone'] })
  t.match(parseFilter('place."Post Code" is null', fields), {
    path: ['Post Code'],
    type: { kind: 'null' },
  })
  t.match(parseFilter('place.old is null', fields), { path: ['old'], type: { kind: 'null' } })
  const quoted = parseFilter('"Place.City" = \'Bonn\'', fields)
  t.match(quoted, { kind: 'in_domain', column: 'place.city' })
  t.notOk('path' in quoted)
  t.equal(holds("place.city < place.alias OR place . city = 'a'", {}), null)
})

t.test('alternatives of one field are one list, of two are not', async (t) => {
  t.equal(parseFilter("place.city = 'a' or PLACE.city = 'b'", fields).kind, 'in_domain')
  t.equal(parseFilter("place.city = 'a' or \"place.city\" = 'b'", fields).kind, 'or')
})

t.test('errors say where, and what was expected', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'line 1, column 1: expected a column or a value, found the end'],
    ['id =', 'line 1, column 5: expected a column or a value, found the end'],
    ['id = 1 flag', 'line 1, column 8: expected AND, OR or the end, found "flag"'],
    [
      'id = 1 and\n  prize > 2',
      'line 2, column 3: there is no column "prize", did you mean "Price"?',
    ],
    ['zzzzzzzzzz = 1', 'column 1: there is no column "zzzzzzzzzz"'],
    ["id = '5'", 'column 6: "id" is int64 and takes a number such as 15 or 1.50, not text'],
    [
      "day = '2026-11-02'",
      'column 7: "day" is date(day) and takes DATE \'2026-11-02\' or TIMESTAMP',
    ],
    ["at > TIMESTAMP '2026-11-02 10:00:00'", "takes TIMESTAMP '2026-11-02 10:00:00 UTC', not"],
    [
      "at > TIMESTAMP '2026-03-29 02:30:00 Europe/Berlin'",
      'column 6: clocks in Europe/Berlin jump over this time; write it with an offset',
    ],
    ["at > TIMESTAMP '2026-03-29 02:30:00 Europe/Bonn'", "is no timestamp; write TIMESTAMP '2026-"],
    [
      "at > TIMESTAMP '999999-03-29 02:30:00 Europe/Berlin'",
      'the time is too far away for Europe/Berlin; write it in UTC',
    ],
    ["seen = TIMESTAMP '2026-03-29 03:30:00 Europe/Berlin'", 'not a timestamp with a zone'],
    ["day = DATE '2026-02-29'", "column 7: '2026-02-29' is no date; write DATE '2026-11-02'"],
    ['id + 1', 'expected a condition such as "a" > 1; this is int64'],
    ['id', 'expected a condition such as "a" > 1; "id" is int64'],
    ['id IN 1', 'expected "(", found "1"'],
    ['id IS 1', 'expected NULL, NOT NULL or DISTINCT FROM, found "1"'],
    ['id BETWEEN 1 OR 2', 'expected AND, found "OR"'],
    ["note LIKE 'a!b' ESCAPE '!'", 'column 11: the escape is one character'],
    ["note = 'abc", 'column 8: the text is not closed'],
    ['"note = 1', 'column 1: the name is not closed'],
    ['id = 1 -- all', 'column 8: comments are not understood'],
    ['id = 1abc', 'column 7: expected the number to end before "a"'],
    ['id = 1;', 'column 7: ";" is not understood here'],
    ['id = note', '"id" is int64 and "note" is utf8; they do not compare'],
    ['note + 1 = 2', '"note" is utf8, arithmetic takes numbers only'],
    ['id = 1 / 0', 'arithmetic in the filter divides by zero'],
    ['place.town = 1', '"place" has no field "town"'],
    ['place.citi = 1', '"place" has no field "citi", did you mean "city"?'],
    ['place."Post Code".zon = 1', '"place"."Post Code" has no field "zon", did you mean "zone"?'],
    ['plac.city = 1', 'there is no column "plac", did you mean "place"?'],
    ["place.tWIN = 'a'", '"tWIN" may be "Twin" and "TWIN"; write one of them in double quotes'],
    ["note.a = 'a'", '"note" is utf8, which has no field "a"'],
    ["place.city.a = 'a'", '"place"."city" is utf8, which has no field "a"'],
    ['place.city = 1', '"place"."city" is utf8 and takes text'],
    ["place. = 'a'", 'column 8: expected a name, found "="'],
    ["dotted.name = 'a'", '; the column "dotted.name" is written in double quotes'],
    ['id = 1e999', 'more than 1000 digits, or an exponent beyond 400'],
    ['(id = 1', 'expected ")", found the end'],
  ]
  for (const [sql, message] of cases) {
    const error = errorOf(sql)
    t.ok(error.startsWith('invalid_request: ') && error.includes(message), `${sql}: ${error}`)
  }
})

t.test('what is SQL but not done here is unsupported', async (t) => {
  for (const sql of [
    "tags = 'a'",
    "tags.item = 'a'",
    "place.old.item = 'a'",
    "words.key = 'a'",
    'place = place',
    'half > 1',
    'price / 2 > 1',
    'abs(id) = 1',
    'note LIKE note',
  ]) {
    t.match(errorOf(sql), /^unsupported: filter, line 1, column \d+: /, sql)
  }
})

t.test('a hostile filter is a typed error', async (t) => {
  t.match(errorOf('('.repeat(10_000)), /^invalid_request: .*nested deeper than 200/)
  t.match(errorOf('NOT '.repeat(10_000)), /^invalid_request: .*nested deeper than 200/)
  t.match(errorOf('- '.repeat(10_000)), /^invalid_request: .*nested deeper than 200/)
  t.match(errorOf(`id ${'+ 1 '.repeat(10_000)} = 1`), /^invalid_request: .*nested deeper than 200/)
  t.match(errorOf('id = 1 OR '.repeat(50_000)), /^too_large: .*more than 10000 conditions/)
  t.match(errorOf(`note = '${'x'.repeat(1024 * 1024)}'`), /^too_large: the filter is longer than/)
  t.match(errorOf(`id = ${'9'.repeat(2_000)}`), /^invalid_request: .*more than 1000 digits/)
  const most = `${'('.repeat(200)}id = 1${')'.repeat(200)}`
  t.equal(holds(most, { id: 1n }), true)
})

t.test('a list of a megabyte and alternatives of one column are one set of values', async (t) => {
  const list = Array.from({ length: 120_000 }, (_, index) => index * 10)
  t.equal(holds(`id IN (${list.join(',')})`, { id: 999_990n }), true)
  t.equal(parseFilter('id = 1 OR id = 7 OR id > 100', fields).kind, 'in_domain')
  t.equal(holds('ratio < 5 OR ratio >= 3', { ratio: Number.NaN }), false)
})

t.test('statistics judge what the column cannot hold', async (t) => {
  const facts = () => ({ rowCount: 10, nullCount: 0, min: 1n, max: 1n })
  const verdict = (sql: string) => verdictOf(parseFilter(sql, fields), facts)
  t.equal(verdict('id = 1.5'), 'none')
  t.equal(verdict('id > 1.5'), 'none')
  t.equal(verdict('id < 1.5'), 'all')
  t.equal(verdict('1 = 0'), 'none')
  t.equal(verdict('id < 1e300'), 'all')
})

t.test('whatever is written is a predicate or a typed error with its place', async (t) => {
  const random = randomNumbers(20_261_121)
  const pieces = [
    ...fields.map(({ name }) => name),
    ...'( ) , . = <> <= + - * / % and or not in like escape between is null distinct from'.split(
      ' ',
    ),
    'true',
    'nullif(',
    'nan()',
    'infinity()',
    '1',
    '1.5',
    '1e300',
    '-0',
    "'a%'",
    "'!'",
    "X'0F'",
    "DATE '2026-11-02'",
    "TIME '10:00'",
    "TIMESTAMP '2026-11-02 10:00 Z'",
    "REAL 'NaN'",
    '"',
    "'",
    '\u0000',
    '\ud800',
    '😀',
    '\n',
    '--',
    ';',
  ]
  const outcomes = { understood: 0, refused: 0 }
  for (let time = 0; time < 20_000; time++) {
    const length = 1 + Math.floor(random() * 8)
    const words = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)] ?? '')
    const message = errorOf(words.join(' '))
    if (message === 'understood') outcomes.understood += 1
    else outcomes.refused += 1
    const isPlaced = /^(?:invalid_request|unsupported): (?:filter, line|arithmetic in the filter)/
    if (message !== 'understood' && !isPlaced.test(message))
      t.fail(`${words.join(' ')}: ${message}`)
  }
  t.comment(JSON.stringify(outcomes))
  t.ok(outcomes.understood > 50 && outcomes.refused > 10_000, 'both often enough')
})
