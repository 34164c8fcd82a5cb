import {
  DateDay,
  DateMillisecond,
  Decimal,
  Field,
  Float32,
  Float64,
  Int64,
  List,
  Schema,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import t from 'tap'
import { decodeBlock, decodeRecords, encodeBlock } from '../../../service/athena/arrow-blocks.ts'
import { encodeBatch, encodeSchema } from '../../../service/athena/arrow-messages.ts'
import { brokenRule } from '../../../service/athena/broken-rule.ts'
import { columnData, recordBatch } from '../../../service/athena/column-data.ts'
import { cellReader, formatter } from '../../../service/athena/rows.ts'
import type { Value } from '../../../service/athena/rows.ts'
import { packUtc, zoneName } from '../../../service/athena/time-zones.ts'

/** What the values look like after a journey through a block. */
function printed(type: DataType, values: readonly Value[]): string {
  const schema = new Schema([new Field('a', type, true)])
  const block = decodeBlock(
    encodeBlock(
      schema,
      values.map((value) => [value]),
      'legacy',
    ),
    'the block',
  )
  const cells = block.columns.map(cellReader)
  return values.map((_, row) => cells.map((cell) => formatter(type)(cell(row)))).join(' ')
}

const dayMs = 86_400_000n

const formats: readonly [string, DataType, readonly Value[], string][] = [
  [
    '64-bit integers keep all digits',
    new Int64(),
    [2n ** 63n - 1n, -(2n ** 63n)],
    '9223372036854775807 -9223372036854775808',
  ],
  [
    'singles print their shortest form',
    new Float32(),
    [0.1, 16_777_216, 3.4028234663852886e38, -0],
    '0.1 16777216 3.4028235e+38 -0',
  ],
  [
    'doubles print as JavaScript does',
    new Float64(),
    [0.1, 1e21, 5e-324, 1e-7],
    '0.1 1e+21 5e-324 1e-7',
  ],
  [
    'minus zero keeps its sign, odd ones are texts',
    new Float64(),
    [-0, NaN, Infinity, -Infinity],
    '-0 "NaN" "Infinity" "-Infinity"',
  ],
  [
    'decimals keep the digits of their scale',
    new Decimal(2, 38, 128),
    ['-1.25', '0.05', '-0.05', `${'9'.repeat(36)}.99`],
    `"-1.25" "0.05" "-0.05" "${'9'.repeat(36)}.99"`,
  ],
  [
    'decimals without a fraction',
    new Decimal(0, 20, 128),
    ['-18446744073709551616', '0'],
    '"-18446744073709551616" "0"',
  ],
  [
    'dates, also before the epoch and beyond four digits',
    new DateDay(),
    [0, -1, -719_529, 2_932_897, -719_528],
    '"1970-01-01" "1969-12-31" "-0001-12-31" "+10000-01-01" "0000-01-01"',
  ],
  [
    'timestamps always have milliseconds',
    new DateMillisecond(),
    [-1n, 0n, 253_402_300_800_000n],
    '"1969-12-31T23:59:59.999" "1970-01-01T00:00:00.000" "+10000-01-01T00:00:00.000"',
  ],
  [
    'packed timestamps beyond 2^53',
    new TimestampMillisecond('UTC'),
    [packUtc(4_102_444_800_123n), packUtc(-1n)],
    '"2100-01-01T00:00:00.123Z UTC" "1969-12-31T23:59:59.999Z UTC"',
  ],
  [
    'packed timestamps carry their own zone',
    new TimestampMillisecond('UTC'),
    [packUtc(0n) | 1680n, packUtc(0n) | 1n, packUtc(0n) | 2054n],
    '"1970-01-01T00:00:00.000Z +14:00" "1970-01-01T00:00:00.000Z -14:00" "1970-01-01T00:00:00.000Z zone 2054"',
  ],
  [
    'texts are escaped as JSON',
    new Utf8(),
    ['"\\\n\u0001é😀', '', null, '\ufeffx'],
    '"\\"\\\\\\n\\u0001é😀" "" null "\ufeffx"',
  ],
  [
    'lists of lists, empty and null',
    new List(new Field('item', new List(new Field('item', new Utf8(), true)), true)),
    [[['a', null], [], null], [], null],
    '[["a",null],[],null] [] null',
  ],
]

for (const [name, type, values, expected] of formats)
  t.test(name, async (t) => {
    t.equal(printed(type, values), expected)
  })

t.test('int32 dates reach far', async (t) => {
  const days = 2 ** 31 - 1
  t.equal(printed(new DateDay(), [days, -days]), '"+5881580-07-11" "-5877641-06-24"')
  t.equal(printed(new DateMillisecond(), [BigInt(days) * dayMs]), '"+5881580-07-11T00:00:00.000"')
})

t.test('zone keys follow the formula', async (t) => {
  t.strictSame([0, 1, 840, 841, 1680, 1681, 2228].map(zoneName), [
    'UTC',
    '-14:00',
    '-00:01',
    '+00:01',
    '+14:00',
    'zone 1681',
    'zone 2228',
  ])
  t.strictSame([2040, 2180, 2186, 2196, 2229, 4095].map(zoneName), Array(6).fill(undefined))
})

t.test('a zone key that does not exist is told apart from plain milliseconds', async (t) => {
  const format = formatter(new TimestampMillisecond('UTC'))
  t.throws(() => format(4095n), { message: /were plain milliseconds sent/ })
})

t.test('bytes that are not UTF-8 are refused', async (t) => {
  const data = columnData(new Utf8(), ['abc'])
  data.values.set([0xff], 1)
  t.equal(brokenRule(t.throws(() => cellReader(data)(0))), 'values')
})

const schema = new Schema([new Field('a', new Utf8(), true)])

function record(values: readonly Value[]): Buffer {
  return encodeBatch(
    recordBatch(
      schema,
      values.map((value) => [value]),
    ),
    'modern',
  )
}

t.test('offsets that go back or beyond the data are refused', async (t) => {
  for (const offsets of [
    [0, 3, 1],
    [0, 3, 99],
    [-1, 3, 6],
  ]) {
    const bytes = record(['abc', 'def'])
    const at = bytes.indexOf(Buffer.from(new Int32Array([0, 3, 6]).buffer))
    t.ok(at > 0)
    Buffer.from(new Int32Array(offsets).buffer).copy(bytes, at)
    const error = t.throws(() => decodeRecords(schema, bytes, 'the block'))
    t.equal(brokenRule(error), 'arrow')
  }
})

t.test('every truncation of a block is refused, none crashes', async (t) => {
  const bytes = record(['abc', null, 'def'])
  for (let size = 1; size < bytes.byteLength; size += 1)
    t.equal(
      brokenRule(t.throws(() => decodeRecords(schema, bytes.subarray(0, size), 'the block'))),
      'arrow',
    )
})

t.test('a list child without any name loses the whole message', async (t) => {
  const nameless = new Schema([new Field('a', new List(new Field('', new Utf8(), true)), true)])
  const bare = {
    aId: 'a',
    schema: encodeSchema(nameless, 'modern').toString('base64'),
    records: '',
  }
  t.equal(brokenRule(t.throws(() => decodeBlock(bare, 'the block'))), 'arrow')
  t.equal(decodeBlock(encodeBlock(nameless, [[['x']]], 'modern'), 'the block').rowCount, 1)
})
