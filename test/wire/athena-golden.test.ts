import { readFile } from 'node:fs/promises'
import t from 'tap'
import { decodeBlock, decodeSchema } from '../../service/athena/arrow-blocks.ts'
import type { Block } from '../../service/athena/arrow-blocks.ts'
import { brokenRule } from '../../service/athena/broken-rule.ts'
import type { Rule } from '../../service/athena/broken-rule.ts'
import {
  readGetSplits,
  readGetTable,
  readGetTableLayout,
  readListTables,
  readReadRecords,
} from '../../service/athena/responses.ts'
import { cellReader, rowFormatter } from '../../service/athena/rows.ts'
import { decodeSpilledBlock } from '../../service/athena/spilled-blocks.ts'
import { assertSupported, athenaType, checkColumns } from '../../service/athena/supported-types.ts'

const golden = new URL('../golden/athena/', import.meta.url)
const bytes = (name: string) => readFile(new URL(name, golden))
const json = async (name: string) => JSON.parse((await bytes(name)).toString()) as unknown

function lines(block: Block): string[] {
  const format = rowFormatter(block.schema.fields)
  const cells = block.columns.map(cellReader)
  return Array.from({ length: block.rowCount }, (_, row) => format(cells.map((cell) => cell(row))))
}

/** An inline answer, judged as the engine would, but for the projection that only a query knows. */
async function inlineBlock(name: string): Promise<Block> {
  const { value } = readReadRecords(await json(name))
  if (value.kind !== 'inline') throw new Error(`${name} is no inline answer`)
  const block = decodeBlock(value.records, name)
  if (block.schema.fields.length > 0) checkColumns(block.schema, [])
  return block
}

const javaRows = [
  '{"c_bit":true,"c_tiny":-1,"c_small":-300,"c_int":100000,"c_big":9007199254740993,"c_f4":1.5,"c_f8":2.25,"c_dec":"-12345678901234567890.123456789","c_day":"2024-02-29","c_milli":"2024-02-29T12:34:56.789","c_tstz":"2024-02-29T12:34:56.789Z UTC","c_str":"héllo0","c_bin":"AP8A","c_list":["a0","b"],"c_struct":{"x":7,"y":"yy0"},"c_map":[["k0",0],["z",null]]}',
  '{"c_bit":null,"c_tiny":null,"c_small":null,"c_int":null,"c_big":null,"c_f4":null,"c_f8":null,"c_dec":null,"c_day":null,"c_milli":null,"c_tstz":null,"c_str":null,"c_bin":null,"c_list":null,"c_struct":null,"c_map":null}',
  '{"c_bit":false,"c_tiny":-3,"c_small":-302,"c_int":100002,"c_big":9007199254740995,"c_f4":3.5,"c_f8":4.25,"c_dec":"-12345678901234567888.123456789","c_day":"2024-03-02","c_milli":"2024-03-02T12:34:56.789","c_tstz":"2024-02-29T11:34:56.789Z zone 2054","c_str":"héllo2","c_bin":"AP8C","c_list":["a2","b"],"c_struct":{"x":9,"y":"yy2"},"c_map":[["k2",2],["z",null]]}',
]

const javaTypes = [
  ['c_bit', 'boolean'],
  ['c_tiny', 'tinyint'],
  ['c_small', 'smallint'],
  ['c_int', 'integer'],
  ['c_big', 'bigint'],
  ['c_f4', 'real'],
  ['c_f8', 'double'],
  ['c_dec', 'decimal(38,9)'],
  ['c_day', 'date'],
  ['c_milli', 'timestamp(3)'],
  ['c_tstz', 'timestamp(3) with time zone'],
  ['c_str', 'varchar'],
  ['c_bin', 'varbinary'],
  ['c_list', 'array(varchar)'],
  ['c_struct', 'row(x integer,y varchar)'],
  ['c_map', 'map(varchar,integer)'],
]

const framings = [
  ['java_rr_v2', 'legacy', 4],
  ['java_rr_v3', 'modern', 5],
  ['java_rr_v4', 'modern', 5],
  ['java_rr_v5', 'modern', 5],
  ['java_rr_v6', 'modern', 5],
  ['mixed', 'modern', 5],
  ['py_style', 'legacy', 5],
] as const

for (const [name, framing, metadataVersion] of framings)
  t.test(`reads ${name}: ${framing} framing, metadata V${metadataVersion}`, async (t) => {
    const block = await inlineBlock(`${name}.json`)
    t.strictSame(lines(block), javaRows)
    t.match(block, { framing, metadataVersion, trailingBytes: 0 })
  })

t.test('reads a block without rows', async (t) => {
  const block = await inlineBlock('java_rr_empty_v6.json')
  t.equal(block.rowCount, 0)
  t.strictSame(lines(block), [])
  t.equal(block.schema.fields.length, javaTypes.length)
})

for (const name of ['js_modern', 'js_legacy_v4', 'js_legacy_v5'])
  t.test(`reads ${name}, written from JavaScript`, async (t) => {
    const block = await inlineBlock(`${name}.json`)
    t.equal(block.rowCount, 3)
    t.match(lines(block)[0], /"c_dec":"-12345678901234567890.123456789"/)
    t.match(lines(block)[0], /"c_map":\[\["k",1\],\["z",null\]\]/)
  })

const accepted: readonly (readonly [string, string])[] = [
  ['js_eos', '{"a":1} {"a":2} {"a":3}'],
  ['js_zero_cols8', '{} {} {} {} {}'],
  ['t_map_names', '{"a":[["k",1]]}'],
  ['t_notnull', '{"a":1}'],
]

for (const [name, rows] of accepted)
  t.test(`reads ${name}`, async (t) => {
    t.equal(lines(await inlineBlock(`${name}.json`)).join(' '), rows)
  })

t.test('tells of bytes after the message, and of microseconds that cannot be packed', async (t) => {
  t.equal((await inlineBlock('js_eos.json')).trailingBytes, 8)
  const { schema } = await inlineBlock('t_tsmicrotz.json')
  t.match(checkColumns(schema, []), [/cannot carry a packed zone/])
})

const refused: Readonly<Record<string, Rule>> = {
  js_stream_in_records: 'arrow',
  js_zero_cols: 'arrow',
  t_dict: 'arrow',
  t_null: 'arrow',
  t_map_nullablekey: 'arrow',
  t_fsb: 'supported_types',
  t_largeutf8: 'supported_types',
  t_time: 'supported_types',
  t_tsmicro: 'supported_types',
  t_tsmilli: 'supported_types',
  t_u32: 'supported_types',
  t_upper: 'names',
}

for (const [name, rule] of Object.entries(refused))
  t.test(`refuses ${name}`, async (t) => {
    const outcome = await inlineBlock(`${name}.json`).catch((error: unknown) => error)
    t.equal(brokenRule(outcome), rule, String(outcome))
  })

t.test('reads the other answers of the reference', async (t) => {
  const table = readGetTable(await json('java_gettable_v6.json')).value
  const schema = decodeSchema(table.schema, 'the schema')
  t.strictSame(
    schema.fields.map((field) => [field.name, athenaType(field.type)]),
    javaTypes,
  )
  for (const field of schema.fields) assertSupported(field, field.name)
  t.strictSame(readListTables(await json('java_listtables_v6.json')).value.tables, [
    { schemaName: 's', tableName: 't' },
  ])
  const layout = readGetTableLayout(await json('java_layout_default_v6.json')).value
  t.strictSame(lines(decodeBlock(layout.partitions, 'the partitions')), ['{"partitionId":1}'])
  t.strictSame(readGetSplits(await json('java_splits_v6.json')).value, {
    catalogName: 'cat',
    splits: [
      {
        spillLocation: { bucket: 'bkt', key: 'pre/q/split', directory: true },
        encryptionKey: null,
        properties: { p: '1' },
      },
    ],
    continuationToken: null,
  })
})

t.test('the schema object of version 1 is refused', async (t) => {
  const outcome = await json('java_gettable_v1.json')
  t.throws(() => readGetTable(outcome), { message: /tableName: nothing may follow/ })
})

const goldenKey = {
  key: Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64'),
  nonce: Buffer.from(Array.from({ length: 12 }, (_, index) => 0xa0 + index)).toString('base64'),
}

t.test("opens what the reference spilled, by the answer's own schema and key", async (t) => {
  for (const [answer, object, key] of [
    ['java_rrr_v6.json', 'java_spill_enc.bin', goldenKey],
    ['java_rrr_noenc_v6.json', 'java_spill_plain.bin', null],
  ] as const) {
    const { value } = readReadRecords(await json(answer))
    if (value.kind !== 'spilled') throw new Error(`${answer} is no spilled answer`)
    t.strictSame(value.encryptionKey, key)
    const schema = decodeSchema(value.schema, 'the schema')
    const block = decodeSpilledBlock(await bytes(object), value.encryptionKey, schema, object)
    t.strictSame(lines(block), javaRows)
    t.match(block, { framing: 'legacy', metadataVersion: 4, trailingBytes: 0 })
  }
})

t.test('opens what JavaScript spilled, and notices modern framing', async (t) => {
  const schema = decodeSchema((await bytes('js_schema.b64')).toString().trim(), 'the schema')
  const open = async (name: string, key: typeof goldenKey | null) =>
    decodeSpilledBlock(await bytes(name), key, schema, name)
  const encrypted = await open('js_spill_enc.bin', goldenKey)
  const plain = await open('js_spill_plain.bin', null)
  const modern = await open('js_spill_plain_modern.bin', null)
  t.strictSame(lines(encrypted), lines(plain))
  t.strictSame(lines(modern), lines(plain))
  t.match(plain, { rowCount: 3, framing: 'legacy', metadataVersion: 4 })
  t.match(modern, { framing: 'modern', metadataVersion: 5 })
})

t.test('a flipped bit, another key or a missing tag never opens', async (t) => {
  const { value } = readReadRecords(await json('java_rrr_v6.json'))
  if (value.kind !== 'spilled') throw new Error('no spilled answer')
  const schema = decodeSchema(value.schema, 'the schema')
  const object = await bytes('java_spill_enc.bin')
  const flipped = Buffer.from(object)
  flipped.writeUInt8(flipped.readUInt8(100) ^ 1, 100)
  for (const bad of [flipped, object.subarray(0, -1), object.subarray(0, 10)])
    t.equal(
      brokenRule(t.throws(() => decodeSpilledBlock(bad, goldenKey, schema, 'the object'))),
      'spill_object',
    )
})
