import t from 'tap'

import { encodeSchemaMessage } from '../../../service/arrow/schema-message.ts'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { GatewayError } from '../../../service/errors.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { goldenBytes, goldenNames } from '../../support/golden-files.ts'
import { type BuiltFile, emptyParquet, frameFooter } from '../../support/parquet-builder.ts'

const parse = (bytes: Uint8Array) =>
  parseFooter(bytes, { bucket: 'b', key: 'k.parquet', sizeBytes: bytes.length })

const typesOf = (file: BuiltFile): (ArrowType | undefined)[] =>
  parse(emptyParquet(file)).columns.map((column) => column.field.type)

const INT32 = 1
const INT64 = 2
const BYTE_ARRAY = 6
const FIXED = 7
const element = { name: 'element', repetition: 'optional', type: INT32 } as const
const int32: ArrowType = { kind: 'int', bitWidth: 32, signed: true }

t.test('damaged footers are typed errors or sound footers, in bounded memory', async (t) => {
  let state = 7
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const files = goldenNames()
    .map((name) => ({ name, whole: goldenBytes(name) }))
    .map(({ name, whole }) => ({ name, whole, footer: parse(whole) }))
  let refused = 0
  for (let round = 0; round < 2000; round++) {
    const file = files[random(files.length)]
    if (file === undefined) continue
    const bytes = Uint8Array.from(file.whole)
    const start = bytes.length - 8 - file.footer.bytes.length
    for (let change = random(4); change >= 0; change--) {
      bytes[start + random(bytes.length - start)] = random(3) === 0 ? 0xff : random(256)
    }
    try {
      const footer = parse(bytes)
      if (footer.heldBytes > 100 * bytes.length + 100_000)
        t.fail(`${file.name} holds ${footer.heldBytes} bytes`)
      for (let group = 0; group < footer.rowGroupCount; group++) {
        for (const leaf of footer.leaves.keys()) {
          const chunk = footer.chunk(group, leaf)
          if (chunk.start < 4 || chunk.end > bytes.length) t.fail(`${file.name}: a chunk outside`)
          footer.statistics(group, leaf)
        }
      }
    } catch (error) {
      refused++
      if (!(error instanceof GatewayError)) throw error
      if (error.code === 'internal' || !error.message.includes('b/k.parquet')) throw error
    }
  }
  t.ok(refused > 500, `${refused} of 2000 refused`)
})

t.test('what claims more than there is takes no memory', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  // A schema of 2^31 - 1 elements, an unknown list of as many, a map of 2^41 entries.
  for (const hex of ['150419fcffffffff07', '150479fcffffffff07', '15048bffffffffff3f88']) {
    const thrift = Buffer.from(hex, 'hex')
    t.throws(
      () => parse(frameFooter(thrift)),
      { code: 'unreadable_file', message: /more than there/ },
      hex,
    )
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
})

t.test('deep nesting is refused', async (t) => {
  const nest = (depth: number): BuiltFile['columns'][number] =>
    depth === 0
      ? { name: 'x', repetition: 'optional', type: INT32 }
      : { name: 'g', repetition: 'optional', children: [nest(depth - 1)] }
  t.equal(parse(emptyParquet({ columns: [nest(60)] })).leaves.length, 1)
  t.throws(() => parse(emptyParquet({ columns: [nest(70)] })), { code: 'unreadable_file' })
  const structs = Buffer.alloc(3000, 0x1c)
  t.throws(() => parse(frameFooter(structs)), { code: 'unreadable_file' })
})

t.test('numbers above 2^53 are refused', async (t) => {
  const thrift = Buffer.from('150426ffffffffffffffffff0100', 'hex')
  t.throws(() => parse(frameFooter(thrift)), { code: 'unreadable_file', message: /too large/ })
})

t.test('legacy lists and maps are read by the format’s rules', async (t) => {
  const list = (name: string, child: BuiltFile['columns'][number]) =>
    ({ name, repetition: 'optional', converted: 3, children: [child] }) as const
  const group = (name: string, children: BuiltFile['columns']) =>
    ({ name, repetition: 'repeated', children }) as const
  const shapes = typesOf({
    columns: [
      list('three', group('list', [element])),
      list('two', { name: 'array', repetition: 'repeated', type: INT32 }),
      list('pairs', group('element', [element, { ...element, name: 'other' }])),
      list('tuple', group('tuple_tuple', [element])),
      list('other', group('tuple_tuple', [element])),
      list('array', group('array', [element])),
      { name: 'bare', repetition: 'repeated', type: INT32 },
      {
        name: 'map',
        repetition: 'optional',
        converted: 2,
        children: [
          group('map', [
            { name: 'k', repetition: 'required', type: BYTE_ARRAY, converted: 0 },
            { name: 'v', repetition: 'optional', type: INT32 },
          ]),
        ],
      },
    ],
  })
  const struct = (name: string, names: string[]): ArrowType => ({
    kind: 'list',
    child: {
      name,
      nullable: false,
      type: {
        kind: 'struct',
        children: names.map((each) => ({ name: each, type: int32, nullable: true })),
      },
    },
  })
  t.strictSame(shapes, [
    { kind: 'list', child: { name: 'element', type: int32, nullable: true } },
    { kind: 'list', child: { name: 'array', type: int32, nullable: false } },
    struct('element', ['element', 'other']),
    struct('tuple_tuple', ['element']),
    // Only the name of the list itself before `_tuple` makes a struct.
    { kind: 'list', child: { name: 'element', type: int32, nullable: true } },
    struct('array', ['element']),
    { kind: 'list', child: { name: 'bare', type: int32, nullable: false } },
    {
      kind: 'map',
      keysSorted: false,
      entries: {
        name: 'entries',
        nullable: false,
        type: {
          kind: 'struct',
          children: [
            { name: 'key', type: { kind: 'utf8' }, nullable: false },
            { name: 'value', type: int32, nullable: true },
          ],
        },
      },
    },
  ])
})

t.test(
  'annotations give types, those that mean nothing are ignored, wrong decimals are refused',
  async (t) => {
    const leaf = (type: number, converted: number, more: object = {}) =>
      ({ name: 'c', repetition: 'optional', type, converted, ...more }) as const
    t.strictSame(
      typesOf({
        columns: [
          leaf(INT32, 11),
          leaf(INT64, 9),
          leaf(INT64, 6),
          leaf(FIXED, 21, { typeLength: 12 }),
          leaf(FIXED, 5, { typeLength: 20, precision: 40, scale: 2 }),
          leaf(BYTE_ARRAY, 20),
        ],
      }),
      [
        { kind: 'int', bitWidth: 8, signed: false },
        { kind: 'timestamp', unit: 'millisecond', timezone: null },
        { kind: 'int', bitWidth: 64, signed: true },
        { kind: 'fixed_size_binary', byteWidth: 12 },
        { kind: 'decimal', precision: 40, scale: 2, bitWidth: 256 },
        { kind: 'binary' },
      ],
    )
    t.throws(() => typesOf({ columns: [leaf(INT32, 5, { precision: 10, scale: 2 })] }), {
      code: 'unreadable_file',
      message: /decimal\(10, 2\)/,
    })
  },
)

t.test('ARROW:schema adds what Parquet cannot say, and nothing else', async (t) => {
  const hinted = (
    type: ArrowType,
    column: Partial<BuiltFile['columns'][number]>,
  ): ArrowType | undefined => {
    const message = encodeSchemaMessage({ fields: [{ name: 'c', type, nullable: true }] })
    const [read] = typesOf({
      columns: [{ name: 'c', repetition: 'optional', ...column }],
      keyValues: { 'ARROW:schema': Buffer.from(message).toString('base64') },
    })
    return read
  }
  const duration: ArrowType = { kind: 'duration', unit: 'second' }
  t.strictSame(hinted(duration, { type: INT64 }), duration)
  t.strictSame(hinted(duration, { type: INT32 }), int32)
  t.strictSame(hinted({ kind: 'large_utf8' }, { type: BYTE_ARRAY, converted: 0 }), {
    kind: 'large_utf8',
  })
  t.strictSame(hinted({ kind: 'utf8_view' }, { type: BYTE_ARRAY, converted: 0 }), { kind: 'utf8' })
  t.strictSame(hinted({ kind: 'bool' }, { type: INT64 }), {
    kind: 'int',
    bitWidth: 64,
    signed: true,
  })
  const dictionary = (value: ArrowType): ArrowType => ({
    kind: 'dictionary',
    index: { kind: 'int', bitWidth: 8, signed: false },
    value,
    ordered: true,
  })
  t.strictSame(hinted(dictionary({ kind: 'utf8' }), { type: BYTE_ARRAY, converted: 0 }), {
    kind: 'dictionary',
    index: int32,
    value: { kind: 'utf8' },
    ordered: true,
  })
  t.strictSame(hinted(dictionary(int32), { type: INT32 }), int32)
  const junk = { 'ARROW:schema': 'bm8gc2NoZW1h' }
  t.strictSame(
    typesOf({ columns: [{ name: 'c', repetition: 'optional', type: INT32 }], keyValues: junk }),
    [int32],
  )
})
