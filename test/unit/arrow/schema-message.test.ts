import { readFileSync } from 'node:fs'

import { tableFromIPC } from 'apache-arrow'
import t from 'tap'

import type { ArrowType, Field, Schema } from '../../../service/arrow/arrow-type.ts'
import { decodeSchemaMessage, encodeSchemaMessage } from '../../../service/arrow/schema-message.ts'
import { GatewayError } from '../../../service/errors.ts'

const golden = new URL('../../golden/athena/', import.meta.url)

const field = (name: string, type: ArrowType, nullable = true): Field => ({ name, type, nullable })
const int64: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
const int32 = { kind: 'int', bitWidth: 32, signed: true } as const
const dictionary = (value: ArrowType): ArrowType => ({
  kind: 'dictionary',
  index: int32,
  value,
  ordered: false,
})

/** Each type, and how apache-arrow prints it; null where it does not know the type. */
const types: readonly (readonly [ArrowType, string | null])[] = [
  [{ kind: 'null' }, 'Null'],
  [{ kind: 'bool' }, 'Bool'],
  [{ kind: 'int', bitWidth: 8, signed: false }, 'Uint8'],
  [int64, 'Int64'],
  [{ kind: 'float', bitWidth: 16 }, 'Float16'],
  [{ kind: 'float', bitWidth: 64 }, 'Float64'],
  [{ kind: 'decimal', precision: 38, scale: 7, bitWidth: 128 }, 'Decimal[38e+7]'],
  [{ kind: 'decimal', precision: 76, scale: 0, bitWidth: 256 }, 'Decimal[76e0]'],
  [{ kind: 'utf8' }, 'Utf8'],
  [{ kind: 'large_utf8' }, 'LargeUtf8'],
  [{ kind: 'utf8_view' }, null],
  [{ kind: 'binary' }, 'Binary'],
  [{ kind: 'large_binary' }, 'LargeBinary'],
  [{ kind: 'binary_view' }, null],
  [{ kind: 'fixed_size_binary', byteWidth: 16 }, 'FixedSizeBinary[16]'],
  [{ kind: 'date', unit: 'day' }, 'Date32<DAY>'],
  [{ kind: 'date', unit: 'millisecond' }, 'Date64<MILLISECOND>'],
  [{ kind: 'time', unit: 'second', bitWidth: 32 }, 'Time32<SECOND>'],
  [{ kind: 'time', unit: 'nanosecond', bitWidth: 64 }, 'Time64<NANOSECOND>'],
  [{ kind: 'timestamp', unit: 'second', timezone: null }, 'Timestamp<SECOND>'],
  [
    { kind: 'timestamp', unit: 'microsecond', timezone: 'Europe/Berlin' },
    'Timestamp<MICROSECOND, Europe/Berlin>',
  ],
  [{ kind: 'duration', unit: 'microsecond' }, 'Duration<MICROSECOND>'],
  [{ kind: 'interval', unit: 'day_time' }, 'Interval<DAY_TIME>'],
  [{ kind: 'list', child: field('element', int32) }, 'List<Int32>'],
  [{ kind: 'large_list', child: field('element', int32) }, null],
  [{ kind: 'fixed_size_list', size: 3, child: field('element', int32) }, 'FixedSizeList[3]<Int32>'],
  [
    { kind: 'struct', children: [field('x', int32), field('y', { kind: 'utf8' }, false)] },
    'Struct<{x:Int32, y:Utf8}>',
  ],
  [
    {
      kind: 'map',
      keysSorted: true,
      entries: field(
        'entries',
        {
          kind: 'struct',
          children: [field('key', { kind: 'utf8' }, false), field('value', int64)],
        },
        false,
      ),
    },
    'Map<{key:Utf8, value:Int64}>',
  ],
  [
    { kind: 'dictionary', index: int32, value: { kind: 'utf8' }, ordered: true },
    'Dictionary<Int32, Utf8>',
  ],
]

t.test('every type survives the way there and back', async (t) => {
  for (const [type] of types) {
    const schema: Schema = { fields: [field('c', type), field('d', type, false)] }
    t.strictSame(decodeSchemaMessage(encodeSchemaMessage(schema)), schema, type.kind)
  }
})

t.test('apache-arrow reads what is written', async (t) => {
  for (const [type, printed] of types) {
    if (printed === null) continue
    const schema: Schema = { fields: [{ ...field('c', type), metadata: { k: 'v' } }] }
    const bytes = encodeSchemaMessage(schema)
    t.equal(bytes.length % 8, 0)
    const read = tableFromIPC(bytes).schema.fields[0]
    t.equal(String(read?.type), printed)
    t.equal(read?.metadata.get('k'), 'v')
  }
})

t.test('metadata and odd names survive', async (t) => {
  const schema: Schema = {
    fields: [{ ...field('__proto__', int64), metadata: Object.fromEntries([['__proto__', 'x']]) }],
    metadata: { 'ñ"': '日本' },
  }
  t.strictSame(decodeSchemaMessage(encodeSchemaMessage(schema)), schema)
})

t.test('what strict readers refuse is not written', async (t) => {
  const entries: ArrowType = {
    kind: 'struct',
    children: [field('key', { kind: 'utf8' }), field('value', int64)],
  }
  const schema: Schema = {
    fields: [
      field('l', { kind: 'list', child: field('', int64) }),
      field('m', { kind: 'map', keysSorted: false, entries: field('entries', entries) }),
    ],
  }
  const [list, map] = decodeSchemaMessage(encodeSchemaMessage(schema)).fields
  t.equal(list?.type.kind === 'list' && list.type.child.name, 'item')
  const read = map?.type.kind === 'map' ? map.type.entries : undefined
  t.equal(read?.nullable, false)
  t.equal(read?.type.kind === 'struct' && read.type.children[0]?.nullable, false)
})

t.test('dictionaries are numbered in depth-first order', async (t) => {
  const inner = field('inner', dictionary({ kind: 'binary' }))
  const schema: Schema = {
    fields: [
      field('a', dictionary({ kind: 'struct', children: [inner] })),
      field('b', dictionary({ kind: 'utf8' })),
    ],
  }
  const read = tableFromIPC(encodeSchemaMessage(schema)).schema
  t.strictSame(
    [...read.dictionaries.keys()].toSorted((a, b) => a - b),
    [0, 1, 2],
  )
  t.match(read.fields[0]?.type, { id: 0 })
  t.match(read.fields[1]?.type, { id: 2 })
})

t.test('the reference vectors are read', async (t) => {
  const js = Buffer.from(readFileSync(new URL('js_schema.b64', golden), 'latin1'), 'base64')
  const names = decodeSchemaMessage(js).fields.map((each) => each.name)
  t.ok(names.length > 5)
  t.strictSame(
    names,
    tableFromIPC(js).schema.fields.map((each) => each.name),
  )
  for (const version of [1, 2, 3, 4, 5, 6]) {
    const text = readFileSync(new URL(`java_rr_v${version}.json`, golden), 'utf8')
    const base64 = /"schema":\s*"([^"]+)"/.exec(text)?.[1]
    if (base64 === undefined) {
      t.match(text, /"aId"/, `serde ${version} keeps its schema elsewhere`)
      continue
    }
    const schema = decodeSchemaMessage(Buffer.from(base64, 'base64'))
    t.ok(schema.fields.length > 5, `serde ${version}`)
    t.strictSame(
      decodeSchemaMessage(encodeSchemaMessage(schema)).fields.length,
      schema.fields.length,
    )
  }
})

t.test('damaged bytes are refused or read, never anything else', async (t) => {
  const whole = encodeSchemaMessage({ fields: types.map(([type]) => field('c', type)) })
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
  let refused = 0
  for (let round = 0; round < 3000; round++) {
    const bytes = whole.slice(0, round % 3 === 0 ? random(whole.length) : whole.length)
    for (let i = 0; i < 3 && bytes.length > 0; i++) bytes[random(bytes.length)] = random(256)
    try {
      decodeSchemaMessage(bytes)
    } catch (error) {
      refused++
      if (!(error instanceof GatewayError)) throw error
    }
  }
  t.ok(refused > 500)
})
