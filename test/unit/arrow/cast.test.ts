import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { formatType } from '../../../service/arrow/format-type.ts'
import { castColumn } from '../../../service/arrow/cast.ts'
import {
  castCases,
  dateMillis,
  day,
  decimal,
  float,
  packed,
  time,
  timestamp,
} from '../../support/columns-cast.ts'
import { columnOf, int, readColumn, utf8 } from '../../support/columns.ts'

t.test('integers widen', (t) =>
  castCases(t, [
    { from: int(8), to: int(16), values: [-128, 127], expected: [-128, 127] },
    { from: int(8), to: int(64), values: [-128, 127], expected: [-128, 127] },
    { from: int(16), to: int(32), values: [-32768, 32767], expected: [-32768, 32767] },
    { from: int(32), to: int(64), values: [-(2 ** 31), 5], expected: [-(2 ** 31), 5] },
    { from: int(8, false), to: int(16), values: [0, 255], expected: [0, 255] },
    { from: int(16, false), to: int(32), values: [0, 65535], expected: [0, 65535] },
    { from: int(32, false), to: int(64), values: [0, 2 ** 32 - 1], expected: [0, 2 ** 32 - 1] },
    { from: int(32, false), to: int(64, false), values: [2 ** 32 - 1], expected: [2 ** 32 - 1] },
    { from: int(8, false), to: int(32, false), values: [255], expected: [255] },
  ]),
)

t.test('integers become floats and decimals', (t) =>
  castCases(t, [
    { from: int(16), to: float(32), values: [-32768], expected: [-32768] },
    { from: int(32), to: float(64), values: [-(2 ** 31)], expected: [-(2 ** 31)] },
    {
      from: int(64),
      to: float(64),
      values: [-1, 2n ** 53n + 1n, -(2n ** 63n)],
      expected: [-1, 2 ** 53, -(2 ** 63)],
    },
    { from: int(64, false), to: float(64), values: [2n ** 64n - 1n], expected: [2 ** 64] },
    {
      from: int(64, false),
      to: decimal(20, 0),
      values: [0, 1, 2n ** 64n - 1n],
      expected: [0, 1, 2n ** 64n - 1n],
    },
    { from: int(64), to: decimal(19, 0), values: [-(2n ** 63n)], expected: [-(2n ** 63n)] },
    { from: int(8), to: decimal(3, 0), values: [-128], expected: [-128] },
    { from: int(32, false), to: decimal(10, 0), values: [2 ** 32 - 1], expected: [2 ** 32 - 1] },
    { from: int(32), to: decimal(12, 2), values: [-7, 0], expected: [-700, 0] },
    { from: int(64), to: decimal(5, 0), values: [-99999], expected: [-99999] },
  ]),
)

t.test('floats widen', (t) =>
  castCases(t, [
    {
      from: float(16),
      to: float(32),
      values: [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000],
      expected: [1, -2, 2 ** -24, 65504, Infinity, -Infinity, NaN, -0],
    },
    { from: float(16), to: float(64), values: [0x3555], expected: [0.333251953125] },
    { from: float(32), to: float(64), values: [0.1], expected: [Math.fround(0.1)] },
  ]),
)

t.test('decimals grow', (t) =>
  castCases(t, [
    { from: decimal(9, 2, 32), to: decimal(9, 2), values: [-150, 1], expected: [-150, 1] },
    { from: decimal(18, 2, 64), to: decimal(20, 2), values: [-150], expected: [-150] },
    {
      from: decimal(38, 2, 256),
      to: decimal(38, 2),
      values: [-(10n ** 37n), 10n ** 37n],
      expected: [-(10n ** 37n), 10n ** 37n],
    },
    { from: decimal(10, 2), to: decimal(14, 4), values: [-150], expected: [-15000] },
    { from: decimal(38, 0), to: decimal(76, 3, 256), values: [-5n], expected: [-5000] },
    {
      from: decimal(76, 3, 256),
      to: utf8,
      values: [-5, 0, 10n ** 70n],
      expected: ['-0.005', '0.000', `1${'0'.repeat(67)}.000`],
    },
    { from: decimal(40, 0, 256), to: utf8, values: [-12], expected: ['-12'] },
    { from: decimal(5, -2), to: utf8, values: [-12, 0], expected: ['-1200', '0'] },
  ]),
)

t.test('narrower numbers take the values that are the same there', (t) =>
  castCases(t, [
    {
      from: int(64),
      to: int(32),
      values: [-(2n ** 31n), 2n ** 31n - 1n, null],
      expected: [-(2 ** 31), 2 ** 31 - 1, null],
    },
    { from: int(32), to: int(8), values: [-128, 127, null], expected: [-128, 127, null] },
    {
      from: int(64, false),
      to: int(64),
      values: [0n, 2n ** 63n - 1n],
      expected: [0, 2n ** 63n - 1n],
    },
    { from: int(8), to: int(64, false), values: [0, 127], expected: [0, 127] },
    { from: int(16), to: int(16, false), values: [0, 32_767], expected: [0, 32_767] },
    {
      from: float(64),
      to: float(32),
      values: [0.5, -0, NaN, -Infinity, null],
      expected: [0.5, -0, NaN, -Infinity, null],
    },
  ]),
)

t.test(
  'a number that the narrower type does not have is unsupported, behind a null it does not matter',
  async (t) => {
    const misfits: [ArrowType, ArrowType, number | bigint][] = [
      [int(64), int(32), 2n ** 31n],
      [int(64), int(32), -(2n ** 31n) - 1n],
      [int(64), int(8), 128n],
      [int(32), int(16), -40_000],
      [int(8), int(64, false), -1],
      [int(64, false), int(64), 2n ** 63n],
      [int(64), int(64, false), -1n],
      [float(64), float(32), 0.1],
      [float(64), float(32), 1e300],
    ]
    for (const [from, to, value] of misfits) {
      const column = columnOf(from, [1, value])
      const said = {
        code: 'unsupported',
        message: `the value ${value} does not fit ${formatType(to)}`,
      }
      t.throws(() => castColumn(column, to), said)
      const hidden = { ...column, validity: Buffer.of(1), nullCount: 1 }
      t.doesNotThrow(() => castColumn(hidden, to))
    }
  },
)

t.test('a decimal that does not fit is unsupported, naming both types', async (t) => {
  const wide = columnOf(decimal(76, 0, 256), [2n ** 127n])
  t.throws(() => castColumn(wide, decimal(76, 0, 128)), {
    code: 'unsupported',
    message: 'a value of decimal256(76, 0) does not fit decimal(76, 0)',
  })
  t.throws(() => castColumn(columnOf(int(64), [100]), decimal(2, 0)), { code: 'unsupported' })
  t.throws(() => castColumn(columnOf(decimal(4, 0), [-9999]), decimal(5, 2)), {
    code: 'unsupported',
  })
})

t.test('dates and timestamps change their unit, rounding down', (t) =>
  castCases(t, [
    {
      from: day,
      to: dateMillis,
      values: [-1, 0, 19_000, 2 ** 31 - 1],
      expected: [-86_400_000, 0, 19_000 * 86_400_000, (2n ** 31n - 1n) * 86_400_000n],
    },
    { from: dateMillis, to: day, values: [-1, 86_399_999, 86_400_000], expected: [-1, 0, 1] },
    { from: day, to: timestamp('microsecond'), values: [-1], expected: [-86_400_000_000] },
    {
      from: day,
      to: timestamp('nanosecond'),
      values: [106_751],
      expected: [106_751n * 86400n * 10n ** 9n],
    },
    {
      from: timestamp('second'),
      to: dateMillis,
      values: [-1, 253_402_300_799],
      expected: [-1000, 253_402_300_799_000],
    },
    {
      from: timestamp('microsecond'),
      to: dateMillis,
      values: [-1, 999, 1000, -1000, -1001, 2n ** 63n - 1n, -(2n ** 63n)],
      expected: [-1, 0, 1, -1, -2, 9223372036854775n, -9223372036854776n],
    },
    {
      from: timestamp('nanosecond'),
      to: timestamp('millisecond'),
      values: [-1, 999_999, 1_000_000, 1_709_210_096_789_123_456n],
      expected: [-1, 0, 1, 1_709_210_096_789],
    },
    {
      from: timestamp('nanosecond'),
      to: timestamp('second'),
      values: [-1, 1_999_999_999, -(2n ** 63n)],
      expected: [-1, 1, -9_223_372_037],
    },
    {
      from: timestamp('second', 'UTC'),
      to: timestamp('nanosecond', '+01:00'),
      values: [-9_223_372_036, 1],
      expected: [-9_223_372_036n * 10n ** 9n, 1_000_000_000],
    },
    {
      from: timestamp('millisecond'),
      to: timestamp('microsecond'),
      values: [-7],
      expected: [-7000],
    },
  ]),
)

t.test('an instant is packed with its zone', (t) =>
  castCases(t, [
    {
      from: timestamp('millisecond', 'UTC'),
      to: packed(0),
      values: [1_709_210_096_789, -1, 0, 2n ** 51n - 1n, -(2n ** 51n)],
      expected: [7_000_924_556_447_744, -4096, 0, (2n ** 51n - 1n) << 12n, -(2n ** 63n)],
    },
    {
      from: timestamp('nanosecond', 'Europe/Berlin'),
      to: packed(2054),
      values: [1_709_206_496_789_999_999n],
      expected: [7_000_909_810_849_798],
    },
    { from: timestamp('microsecond', 'UTC'), to: packed(1), values: [-1], expected: [-4095] },
  ]),
)

t.test('an instant too far away is unsupported, behind a null it does not matter', async (t) => {
  t.throws(() => castColumn(columnOf(timestamp('millisecond', 'UTC'), [2n ** 51n]), packed(0)), {
    code: 'unsupported',
  })
  t.throws(() => castColumn(columnOf(timestamp('second'), [2n ** 40n]), timestamp('nanosecond')), {
    code: 'unsupported',
  })
  t.throws(() => castColumn(columnOf(dateMillis, [2n ** 62n]), day), { code: 'unsupported' })
  const values = columnOf(timestamp('millisecond', 'UTC'), [1, 2n ** 51n])
  const column = { ...values, nullCount: 1, validity: new Uint8Array([1]) }
  t.strictSame(readColumn(castColumn(column, packed(0))), [4096, null])
})

t.test('nulls among many values are found wherever the column begins', async (t) => {
  const from = timestamp('second')
  const to = timestamp('nanosecond')
  for (let offset = 0; offset < 20; offset++) {
    for (const nullAt of [offset, offset + 7, offset + 8, offset + 30]) {
      const all = Array.from({ length: 51 }, (_, row) => (row === nullAt ? 2n ** 40n : BigInt(row)))
      const validity = new Uint8Array(7).fill(0xff)
      validity[nullAt >>> 3] = 0xff & ~(1 << (nullAt & 7))
      const column = { ...columnOf(from, all), nullCount: 1, validity }
      const cast = castColumn({ ...column, offset, rowCount: 51 - offset }, to)
      const expected = all.map((one, row) => (row === nullAt ? null : one * 1_000_000_000n))
      t.strictSame(readColumn(cast), readColumn(columnOf(to, expected.slice(offset))))
    }
  }
})

t.test('times, durations and intervals have their text', (t) =>
  castCases(t, [
    { from: time('second', 32), to: utf8, values: [0, 86_399], expected: ['00:00:00', '23:59:59'] },
    { from: time('millisecond', 32), to: utf8, values: [1], expected: ['00:00:00.001'] },
    {
      from: time('microsecond', 64),
      to: utf8,
      values: [45_296_000_001],
      expected: ['12:34:56.000001'],
    },
    {
      from: time('nanosecond', 64),
      to: utf8,
      values: [86_399_999_999_999],
      expected: ['23:59:59.999999999'],
    },
    { from: { kind: 'duration', unit: 'second' }, to: int(64), values: [-5], expected: [-5] },
    {
      from: { kind: 'interval', unit: 'year_month' },
      to: utf8,
      values: [-14],
      expected: ['P-14M'],
    },
    {
      from: { kind: 'interval', unit: 'day_time' },
      to: utf8,
      values: [(-1500n << 32n) | 3n],
      expected: ['P3DT-1.500S'],
    },
    {
      from: { kind: 'interval', unit: 'month_day_nano' },
      to: utf8,
      values: [(4n << 64n) | (2n << 32n) | 1n],
      expected: ['P1M2DT0.000000004S'],
    },
  ]),
)

t.test('a time outside the day is unreadable', async (t) => {
  t.throws(() => castColumn(columnOf(time('second', 32), [86_400]), utf8), {
    code: 'unreadable_file',
  })
  t.throws(() => castColumn(columnOf(time('nanosecond', 64), [-1]), utf8), {
    code: 'unreadable_file',
  })
})

t.test('buffers need not be aligned', async (t) => {
  const shifted = (bytes: Uint8Array | null) => {
    const memory = Buffer.alloc((bytes?.length ?? 0) + 1)
    memory.set(bytes ?? [], 1)
    return memory.subarray(1)
  }
  const column = columnOf(timestamp('microsecond'), [1_000, null, -1])
  const odd = { ...column, values: shifted(column.values), validity: shifted(column.validity) }
  t.strictSame(readColumn(castColumn(odd, dateMillis)), [1, null, -1])
  const wide = columnOf(int(64, false), [2n ** 63n])
  const result = castColumn({ ...wide, values: shifted(wide.values) }, decimal(22, 2))
  t.strictSame(readColumn(result), [100n * 2n ** 63n])
})
