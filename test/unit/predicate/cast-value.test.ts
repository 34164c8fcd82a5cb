import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { castValue } from '../../../service/predicate/cast-value.ts'
import type { Value } from '../../../service/predicate/value.ts'
import { compareValues } from '../../../service/predicate/value.ts'

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
  bitWidth: 128,
})
const utf8: ArrowType = { kind: 'utf8' }
const day: ArrowType = { kind: 'date', unit: 'day' }
const dateMs: ArrowType = { kind: 'date', unit: 'millisecond' }
const micros: ArrowType = { kind: 'timestamp', unit: 'microsecond', timezone: null }
const nanos: ArrowType = { kind: 'timestamp', unit: 'nanosecond', timezone: null }
const zoned: ArrowType = { kind: 'timestamp', unit: 'microsecond', timezone: 'Europe/Berlin' }
const packed: ArrowType = {
  kind: 'timestamp',
  unit: 'millisecond',
  timezone: 'UTC',
  packedZoneKey: 0,
}
const bytes = Buffer.from('ab')
const coded: ArrowType = {
  kind: 'dictionary',
  index: { kind: 'int', bitWidth: 32, signed: true },
  value: utf8,
  ordered: false,
}

const cases: readonly (readonly [string, Value, ArrowType, ArrowType, Value | undefined])[] = [
  ['an int widens', 5n, int(32), int(64), 5n],
  ['an unsigned int widens', 65_535n, int(16, false), int(32), 65_535n],
  ['an int that does not fit is unknown', 300n, int(32), int(8), undefined],
  ['uint64 becomes decimal', 2n ** 64n - 1n, int(64, false), decimal(20, 0), 2n ** 64n - 1n],
  ['a float widens', 1.5, float(32), float(64), 1.5],
  ['a double does not narrow', 1.5, float(64), float(32), undefined],
  ['half floats have no order here', 1.5, float(16), float(32), undefined],
  ['a decimal grows', 150n, decimal(5, 2), decimal(9, 4), 15_000n],
  ['a decimal does not shrink', 150n, decimal(5, 2), decimal(5, 1), undefined],
  ['a decimal that overflows is unknown', 99_999n, decimal(5, 0), decimal(5, 2), undefined],
  ['a day becomes milliseconds', 1n, day, dateMs, 86_400_000n],
  ['milliseconds become the day before', -1n, dateMs, day, -1n],
  ['a day becomes a timestamp', 1n, day, micros, 86_400_000_000n],
  ['nanoseconds round down', -1n, nanos, dateMs, -1n],
  ['microseconds as Athena sees them', 1_999n, micros, dateMs, 1n],
  ['a unit that overflows is unknown', 2n ** 62n, micros, nanos, undefined],
  ['an instant is packed by its milliseconds', 1_999n, zoned, packed, 1n],
  ['a reading is no instant', 1n, micros, packed, undefined],
  ['an instant is no reading', 1n, zoned, dateMs, undefined],
  ['text in any layout', bytes, { kind: 'large_utf8' }, utf8, bytes],
  ['text in a dictionary', bytes, coded, utf8, bytes],
  [
    'fixed bytes become bytes',
    bytes,
    { kind: 'fixed_size_binary', byteWidth: 2 },
    { kind: 'binary' },
    bytes,
  ],
  ['bytes are no text', bytes, { kind: 'binary' }, utf8, undefined],
  ['numbers are no text', 5n, int(32), utf8, undefined],
  ['text is no number', bytes, utf8, int(32), undefined],
  ['a boolean stays', true, { kind: 'bool' }, { kind: 'bool' }, true],
  ['a boolean is no number', true, { kind: 'bool' }, int(32), undefined],
]

t.test('casts where the order is kept, else knows nothing', async (t) => {
  for (const [what, value, from, to, expected] of cases) {
    t.strictSame(castValue(value, from, to), expected, what)
  }
})

t.test('keeps the order of what it casts', async (t) => {
  const pairs: readonly (readonly [ArrowType, ArrowType])[] = [
    [micros, dateMs],
    [nanos, micros],
    [zoned, packed],
    [dateMs, day],
    [int(64, false), decimal(20, 0)],
  ]
  const values = [-86_400_001n, -1_000n, -999n, -1n, 0n, 1n, 999n, 1_000n, 86_399_999n, 86_400_000n]
  for (const [from, to] of pairs) {
    const cast = values.map((value) => castValue(value, from, to) ?? Number.NaN)
    const sorted = cast.toSorted(compareValues)
    t.strictSame(cast, sorted)
  }
})

t.test('compares as Parquet does', async (t) => {
  t.ok(compareValues(Buffer.from('\uE000'), Buffer.from('\u{10000}')) < 0, 'bytes, not UTF-16')
  t.ok(compareValues(Buffer.of(0x7f), Buffer.of(0x80)) < 0, 'unsigned')
  t.equal(compareValues(-0, 0), 0)
  t.ok(compareValues(Infinity, Number.NaN) < 0)
  t.equal(compareValues(Number.NaN, Number.NaN), 0)
  t.equal(compareValues(Infinity, Infinity), 0)
  t.ok(compareValues(false, true) < 0)
})
