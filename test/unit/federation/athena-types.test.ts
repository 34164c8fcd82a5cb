import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import {
  athenaField,
  athenaFields,
  packedFields,
} from '../../../service/federation/athena-types.ts'

const utf8: ArrowType = { kind: 'utf8' }
const int32: ArrowType = { kind: 'int', bitWidth: 32, signed: true }

function athena(type: ArrowType, metadata?: Record<string, string>): ArrowType {
  return athenaField({ name: 'C', type, nullable: false, ...(metadata && { metadata }) }).type
}

t.test('keeps what Athena takes', async (t) => {
  const kept: ArrowType[] = [
    { kind: 'bool' },
    int32,
    { kind: 'int', bitWidth: 64, signed: true },
    { kind: 'float', bitWidth: 64 },
    { kind: 'decimal', precision: 38, scale: 10, bitWidth: 128 },
    utf8,
    { kind: 'binary' },
    { kind: 'date', unit: 'day' },
  ]
  for (const type of kept) t.strictSame(athena(type), type)
})

t.test('maps what Athena does not take to what keeps its meaning', async (t) => {
  const signed = (bitWidth: 16 | 32 | 64): ArrowType => ({ kind: 'int', bitWidth, signed: true })
  const unsigned = (bitWidth: 8 | 16 | 32 | 64): ArrowType => ({
    kind: 'int',
    bitWidth,
    signed: false,
  })
  t.strictSame(athena(unsigned(8)), signed(16))
  t.strictSame(athena(unsigned(16)), signed(32))
  t.strictSame(athena(unsigned(32)), signed(64))
  t.strictSame(athena(unsigned(64)), { kind: 'decimal', precision: 20, scale: 0, bitWidth: 128 })
  t.strictSame(athena({ kind: 'decimal', precision: 76, scale: 3, bitWidth: 256 }), utf8)
  t.strictSame(athena({ kind: 'float', bitWidth: 16 }), { kind: 'float', bitWidth: 32 })
  t.strictSame(athena({ kind: 'time', unit: 'microsecond', bitWidth: 64 }), utf8)
  t.strictSame(athena({ kind: 'null' }), utf8)
  t.strictSame(athena({ kind: 'fixed_size_binary', byteWidth: 7 }), { kind: 'binary' })
  t.strictSame(
    athena({ kind: 'fixed_size_binary', byteWidth: 16 }, { 'ARROW:extension:name': 'arrow.uuid' }),
    utf8,
  )
  t.strictSame(athena({ kind: 'timestamp', unit: 'nanosecond', timezone: null }), {
    kind: 'date',
    unit: 'millisecond',
  })
  const packed: ArrowType = {
    kind: 'timestamp',
    unit: 'millisecond',
    timezone: 'UTC',
    packedZoneKey: 0,
  }
  const berlin: ArrowType = { kind: 'timestamp', unit: 'microsecond', timezone: 'Europe/Berlin' }
  t.strictSame(athena(berlin), packed)
})

t.test('lower-cases names at every depth and makes everything nullable', async (t) => {
  const field: Field = {
    name: 'Outer',
    nullable: false,
    type: {
      kind: 'struct',
      children: [
        {
          name: 'Inner',
          nullable: false,
          type: { kind: 'list', child: { name: 'X', type: int32, nullable: false } },
        },
      ],
    },
  }
  t.strictSame(athenaField(field), {
    name: 'outer',
    nullable: true,
    type: {
      kind: 'struct',
      children: [
        {
          name: 'inner',
          nullable: true,
          type: { kind: 'list', child: { name: 'item', type: int32, nullable: true } },
        },
      ],
    },
  })
})

t.test('names both columns that differ only by case', async (t) => {
  const twins: Field[] = ['Id', 'ID'].map((name) => ({ name, type: int32, nullable: true }))
  t.throws(() => athenaFields(twins, 'a.b'), { code: 'unsupported', message: /"Id" and "ID"/ })
})

t.test('reads zoned timestamps of a request as packed, inside lists and structs too', async (t) => {
  const zoned: ArrowType = { kind: 'timestamp', unit: 'millisecond', timezone: 'UTC' }
  const [field] = packedFields([
    {
      name: 'l',
      nullable: true,
      type: { kind: 'list', child: { name: 'item', type: zoned, nullable: true } },
    },
  ])
  t.match(field?.type, { kind: 'list', child: { type: { packedZoneKey: 0 } } })
})
