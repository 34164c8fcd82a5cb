import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { PhysicalType, RawStatistics } from '../../../service/footers/footer.ts'
import { chunkFacts, constantFacts } from '../../../service/planning/column-facts.ts'
import { fakeLeaf, int32Bytes, int64Bytes } from '../../support/fake-footer.ts'

const int = (bitWidth: 8 | 16 | 32 | 64, signed = true): ArrowType => ({
  kind: 'int',
  bitWidth,
  signed,
})
const decimal: ArrowType = { kind: 'decimal', precision: 9, scale: 2, bitWidth: 128 }
const micros: ArrowType = { kind: 'timestamp', unit: 'microsecond', timezone: null }
const utf8: ArrowType = { kind: 'utf8' }
const binary: ArrowType = { kind: 'binary' }
const double = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

interface Case {
  readonly type: ArrowType
  readonly physicalType: PhysicalType
  readonly typeLength?: number
  readonly raw: Partial<RawStatistics>
  readonly target?: ArrowType
  readonly nullable?: boolean
}

function facts({ type, physicalType, typeLength = 0, raw, target = type, nullable = true }: Case) {
  const leaf = fakeLeaf({ name: 'a', type, physicalType, typeLength, nullable }, 0)
  const statistics = { minExact: true, maxExact: true, deprecated: false, ...raw }
  return chunkFacts({ leaf, type, rowCount: 10, raw: statistics }, target)
}

const bounds = (min: Uint8Array, max: Uint8Array) => ({ min, max })
const none = { rowCount: 10 }

t.test('reads bounds as the type of the column', async (t) => {
  const read = (one: Case) => facts(one)
  t.strictSame(
    read({ type: int(32), physicalType: 'int32', raw: bounds(int32Bytes(-5), int32Bytes(7)) }),
    { rowCount: 10, min: -5n, max: 7n },
  )
  t.strictSame(
    read({
      type: int(32, false),
      physicalType: 'int32',
      raw: bounds(int32Bytes(1), int32Bytes(-1)),
    }),
    { rowCount: 10, min: 1n, max: 4_294_967_295n },
    'unsigned',
  )
  t.strictSame(
    read({
      type: int(64, false),
      physicalType: 'int64',
      raw: bounds(int64Bytes(1n), int64Bytes(-1n)),
    }),
    { rowCount: 10, min: 1n, max: 2n ** 64n - 1n },
  )
  t.strictSame(
    read({
      type: { kind: 'bool' },
      physicalType: 'boolean',
      raw: bounds(Buffer.of(0), Buffer.of(1)),
    }),
    { rowCount: 10, min: false, max: true },
  )
  t.strictSame(
    read({
      type: { kind: 'float', bitWidth: 64 },
      physicalType: 'double',
      raw: bounds(double(-1.5), double(2)),
    }),
    { rowCount: 10, min: -1.5, max: 2 },
  )
  t.strictSame(
    read({
      type: utf8,
      physicalType: 'byte_array',
      raw: bounds(Buffer.from('a'), Buffer.from('ä')),
    }),
    { rowCount: 10, min: Buffer.from('a'), max: Buffer.from('ä') },
  )
  t.strictSame(
    read({
      type: micros,
      physicalType: 'int64',
      raw: { min: int64Bytes(-1n) },
      target: { kind: 'date', unit: 'millisecond' },
    }),
    { rowCount: 10, min: -1n },
    'as the door sees it',
  )
})

t.test('reads decimals in all four forms', async (t) => {
  const forms: readonly Pick<Case, 'physicalType' | 'typeLength' | 'raw'>[] = [
    { physicalType: 'int32', raw: bounds(int32Bytes(-5), int32Bytes(300)) },
    { physicalType: 'int64', raw: bounds(int64Bytes(-5n), int64Bytes(300n)) },
    {
      physicalType: 'fixed_len_byte_array',
      typeLength: 3,
      raw: bounds(Buffer.from('fffffb', 'hex'), Buffer.from('00012c', 'hex')),
    },
    {
      physicalType: 'byte_array',
      raw: bounds(Buffer.from('fb', 'hex'), Buffer.from('012c', 'hex')),
    },
  ]
  for (const form of forms) {
    t.strictSame(facts({ type: decimal, ...form }), { rowCount: 10, min: -5n, max: 300n })
  }
})

t.test('takes nothing that the format does not promise', async (t) => {
  const old = { deprecated: true }
  const five = bounds(int32Bytes(5), int32Bytes(5))
  const text = bounds(Buffer.from('a'), Buffer.from('b'))
  const cases: readonly (readonly [string, Case])[] = [
    [
      'INT96',
      { type: micros, physicalType: 'int96', raw: bounds(Buffer.alloc(12), Buffer.alloc(12)) },
    ],
    [
      'deprecated and unsigned',
      { type: int(32, false), physicalType: 'int32', raw: { ...five, ...old } },
    ],
    ['deprecated text', { type: utf8, physicalType: 'byte_array', raw: { ...text, ...old } }],
    [
      'too short',
      { type: int(32), physicalType: 'int32', raw: bounds(Buffer.of(1), Buffer.of(2)) },
    ],
    [
      'too long',
      { type: int(32), physicalType: 'int32', raw: bounds(int64Bytes(1n), int64Bytes(1n)) },
    ],
    [
      'not of the width',
      { type: int(8), physicalType: 'int32', raw: bounds(int32Bytes(200), int32Bytes(300)) },
    ],
    [
      'a cut decimal',
      {
        type: decimal,
        physicalType: 'byte_array',
        raw: { ...text, minExact: false, maxExact: false },
      },
    ],
    [
      'a decimal of other length',
      { type: decimal, physicalType: 'fixed_len_byte_array', typeLength: 4, raw: text },
    ],
    [
      'half floats',
      {
        type: { kind: 'float', bitWidth: 16 },
        physicalType: 'fixed_len_byte_array',
        typeLength: 2,
        raw: text,
      },
    ],
    ['another type at the door', { type: int(32), physicalType: 'int32', raw: five, target: utf8 }],
    [
      'too many bytes',
      {
        type: { kind: 'fixed_size_binary', byteWidth: 1 },
        physicalType: 'fixed_len_byte_array',
        typeLength: 1,
        raw: bounds(Buffer.alloc(2), Buffer.alloc(2)),
      },
    ],
    [
      'empty decimals',
      { type: decimal, physicalType: 'byte_array', raw: bounds(Buffer.of(), Buffer.of()) },
    ],
    [
      'nested types',
      {
        type: { kind: 'list', child: { name: 'item', type: utf8, nullable: true } },
        physicalType: 'byte_array',
        raw: text,
      },
    ],
  ]
  for (const [what, one] of cases) t.strictSame(facts(one), none, what)
})

t.test('takes deprecated bounds of signed values, and cut bounds of bytes', async (t) => {
  const five = { ...bounds(int32Bytes(5), int32Bytes(5)), deprecated: true }
  t.strictSame(facts({ type: int(32), physicalType: 'int32', raw: five }), {
    rowCount: 10,
    min: 5n,
    max: 5n,
  })
  const cut = { ...bounds(Buffer.from('a'), Buffer.from('b')), minExact: false, maxExact: false }
  t.match(facts({ type: binary, physicalType: 'byte_array', raw: cut }), { min: Buffer.from('a') })
})

t.test('knows nulls from the schema, the statistics or the type', async (t) => {
  const raw = { nullCount: 3 }
  t.strictSame(facts({ type: int(32), physicalType: 'int32', raw }), { rowCount: 10, nullCount: 3 })
  t.strictSame(facts({ type: int(32), physicalType: 'int32', raw: {}, nullable: false }), {
    rowCount: 10,
    nullCount: 0,
  })
  t.strictSame(facts({ type: { kind: 'null' }, physicalType: 'int32', raw: {} }), {
    rowCount: 10,
    nullCount: 10,
  })
  t.strictSame(constantFacts(null, 4), { rowCount: 4, nullCount: 4 })
  t.strictSame(constantFacts(5n, 4), { rowCount: 4, nullCount: 0, min: 5n, max: 5n })
})
