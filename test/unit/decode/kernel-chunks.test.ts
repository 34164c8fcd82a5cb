import t from 'tap'

import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { loadKernels } from '../../../service/decode/kernel-module.ts'
import { GatewayError } from '../../../service/errors.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import {
  describeChunk,
  difference,
  generateChunk,
  type GeneratedChunk,
  planOf,
} from '../../support/kernel-chunks.ts'
import { columnKinds } from '../../support/parquet-columns.ts'
import type { RunStyle } from '../../support/parquet-encodings.ts'
import { type ChunkSpec, writeChunk } from '../../support/parquet-pages.ts'

const CHUNKS = 5000
const decoder = kernelDecoder({ module: await loadKernels() })

/** Decodes from the middle of a buffer of junk; empty when all is as it was written. */
function differenceOf(chunk: GeneratedChunk): string {
  const buffer = new Uint8Array(chunk.bytes.length + 50).fill(0xa5)
  buffer.set(chunk.bytes, 13)
  const plan = { source: 'test', rowCount: chunk.spec.values.length, chunks: [planOf(chunk, 13)] }
  try {
    const decoded = decoder.decode(plan, buffer)
    decoded.release()
    return difference(chunk, decoded.columns[0])
  } catch (error) {
    return error instanceof GatewayError ? `${error.code}: ${error.message}` : String(error)
  }
}

t.test(`${CHUNKS} generated chunks come out as they were written`, async (t) => {
  const tried = new Set<string>()
  let wrong = 0
  for (let seed = 0; seed < CHUNKS; seed++) {
    const chunk = generateChunk(seed)
    const found = differenceOf(chunk)
    const { codec, version, encodings } = chunk.spec
    for (const encoding of encodings) {
      tried.add(`${chunk.kind.physicalType} ${encoding} ${codec} v${version}`)
    }
    if (found !== '' && wrong++ < 5) t.fail(`${seed}: ${found} (${describeChunk(chunk)})`)
  }
  t.equal(wrong, 0)
  t.comment(`${tried.size} pairs of type, encoding, codec and page version`)
})

const int64 = columnKinds.find(({ physicalType }) => physicalType === 'int64')
const binary = columnKinds.find(({ type }) => type.kind === 'binary')

/** A chunk of one dictionary-coded page. */
function dictionaryChunk(
  kind: typeof int64,
  values: ChunkSpec['values'],
  more: Partial<ChunkSpec> = {},
): GeneratedChunk {
  if (kind === undefined) throw new Error('no such type')
  const spec: ChunkSpec = {
    physicalType: kind.physicalType,
    values,
    isOptional: false,
    codec: 'uncompressed',
    version: 1,
    pageRows: [values.length],
    encodings: ['rle_dictionary'],
    levelStyle: 'mixed',
    indexStyle: 'packed',
    spareBits: 0,
    random: randomNumbers(1),
    ...more,
  }
  return { kind, spec, bytes: writeChunk(spec) }
}

function number64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return bytes
}

t.test('indices of every width from 0 to 32 bits are read, as runs and packed', async (t) => {
  for (const indexStyle of ['packed', 'runs', 'mixed'] satisfies RunStyle[]) {
    for (let width = 0; width <= 32; width++) {
      const entries = 2 ** Math.min(width, 11)
      const random = randomNumbers(width)
      const values = Array.from({ length: entries * 2 + 77 }, (_, row) =>
        number64(row < entries ? row : Math.floor(random() * entries)),
      )
      const spareBits = width - Math.min(width, 11)
      const chunk = dictionaryChunk(int64, values, { indexStyle, spareBits })
      t.equal(differenceOf(chunk), '', `${width} bits, ${indexStyle}`)
    }
  }
})

t.test('dictionaries of 2^20 numbers and 2^16 texts are read', async (t) => {
  const numbers = Array.from({ length: 2 ** 20 }, (_, row) => number64(row * 7))
  t.equal(differenceOf(dictionaryChunk(int64, numbers)), '')
  const texts = Array.from({ length: 2 ** 16 }, (_, row) => Buffer.from(row.toString(36)))
  t.equal(differenceOf(dictionaryChunk(binary, texts)), '')
})

t.test('an index outside the dictionary is refused', async (t) => {
  const chunk = dictionaryChunk(int64, [5, 6, 7].map(number64), { spareBits: 6 })
  // The last byte of indices: packed, 8 bits each, padded to eight values.
  chunk.bytes[chunk.bytes.length - 6] = 3
  t.match(differenceOf(chunk), /unreadable_file: test, column "generated" is damaged: .*dictionary/)
})

t.test('text that is not UTF-8 is refused, wherever it stands', async (t) => {
  const utf8 = columnKinds.find(({ type }) => type.kind === 'utf8')
  const bad = ['ff', 'c080', 'eda080', 'f4908080', 'e282', '80', 'f0808080', 'c3']
  const encodings = [
    'plain',
    'rle_dictionary',
    'delta_length_byte_array',
    'delta_byte_array',
  ] as const
  for (const encoding of encodings) {
    for (const hex of bad) {
      const values = ['Grüße', 'x'.repeat(40)].map((text) => Buffer.from(text))
      const chunk = dictionaryChunk(utf8, [...values, Buffer.from(hex, 'hex'), ...values], {
        encodings: [encoding],
      })
      t.match(differenceOf(chunk), /unreadable_file: .*UTF-8/, `${hex} ${encoding}`)
    }
    // Whole, but cut inside a character.
    const halves = [Buffer.from([0xc3]), Buffer.from([0xa9])]
    const cut = dictionaryChunk(utf8, halves, { encodings: [encoding] })
    t.match(differenceOf(cut), /unreadable_file: .*UTF-8/, `halves ${encoding}`)
  }
})

t.test('a value outside its narrow type is refused', async (t) => {
  const int8 = columnKinds.find(({ type }) => type.kind === 'int' && type.bitWidth === 8)
  const chunk = dictionaryChunk(int8, [Uint8Array.of(200, 0, 0, 0)], { encodings: ['plain'] })
  t.match(differenceOf(chunk), /unreadable_file: .*outside its type/)
})
