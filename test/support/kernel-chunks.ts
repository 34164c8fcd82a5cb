import zlib from 'node:zlib'

import { valueBytes } from '../../service/arrow/type-width.ts'
import type { Column } from '../../service/arrow/column.ts'
import { type ChunkPlan, valueForm } from '../../service/decode/chunk-plan.ts'
import type { Codec } from '../../service/footers/footer.ts'
import { randomNumbers } from './columns-random.ts'
import { type ColumnKind, columnKinds, directEncodings } from './parquet-columns.ts'
import type { RunStyle } from './parquet-encodings.ts'
import { type ChunkSpec, type EncodingName, writeChunk } from './parquet-pages.ts'

/** Column chunks for the kernels, by number: the same number makes the same chunk. */
export interface GeneratedChunk {
  readonly kind: ColumnKind
  readonly spec: ChunkSpec
  readonly bytes: Uint8Array
}

export const codecsHere: readonly Codec[] = [
  'uncompressed',
  'snappy',
  'lz4_raw',
  'gzip',
  'brotli',
  ...('zstdCompressSync' in zlib ? (['zstd'] as const) : []),
]

/** Rows around the sizes of bytes, vectors, miniblocks and batches. */
const rowCounts = [0, 1, 2, 7, 8, 9, 15, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130, 257, 700]
const manyRows = [4095, 4096, 4097, 9000]
const runStyles: readonly RunStyle[] = ['runs', 'packed', 'mixed']

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

export function generateChunk(seed: number): GeneratedChunk {
  const random = randomNumbers(seed)
  const kind = columnKinds[seed % columnKinds.length] as ColumnKind
  const rowCount = pick(random, random() < 0.02 ? manyRows : rowCounts)
  const isOptional = random() < 0.75
  const spec: ChunkSpec = {
    physicalType: kind.physicalType,
    values: makeValues(kind, rowCount, isOptional, random),
    isOptional,
    codec: pick(random, codecsHere),
    version: random() < 0.5 ? 1 : 2,
    pageRows: makePageRows(rowCount, random),
    encodings: makeEncodings(kind, random),
    levelStyle: pick(random, runStyles),
    indexStyle: pick(random, runStyles),
    spareBits: random() < 0.5 ? 0 : Math.floor(random() * 33),
    random,
  }
  return { kind, spec, bytes: writeChunk(spec) }
}

function makeValues(
  kind: ColumnKind,
  rowCount: number,
  isOptional: boolean,
  random: () => number,
): (Uint8Array | null)[] {
  const distinct = pick(random, [1, 2, 3, 5, 17, 300, rowCount + 1])
  const pool = Array.from({ length: Math.min(distinct, rowCount + 1) }, () => kind.make(random))
  const isNull = isOptional ? pick(random, nullPatterns) : () => false
  let last = pool[0] as Uint8Array
  return Array.from({ length: rowCount }, (_, row) => {
    // Some columns repeat themselves, so that there are runs.
    if (random() < 0.6) last = pick(random, pool)
    return isNull(row, random, rowCount) ? null : last
  })
}

const nullPatterns: readonly ((row: number, random: () => number, rowCount: number) => boolean)[] =
  [
    () => false,
    () => true,
    (row) => row === 0,
    (row, _, rowCount) => row === rowCount - 1,
    (row) => row % 2 === 0,
    (row) => (row >> 3) % 2 === 0,
    (row) => row > 20,
    (_, random) => random() < 0.02,
    (_, random) => random() < 0.5,
    (_, random) => random() < 0.95,
  ]

function makePageRows(rowCount: number, random: () => number): number[] {
  const whole = Math.max(1, rowCount)
  if (rowCount > 1000) return [pick(random, [whole, 1024, 4096])]
  return pick(random, [[whole], [whole], [1], [7], [8], [9, 1, 0], [64], [3, 40]])
}

function makeEncodings(kind: ColumnKind, random: () => number): EncodingName[] {
  const direct = pick(random, directEncodings(kind.physicalType))
  if (kind.physicalType === 'boolean' || random() < 0.4) return [direct]
  const dictionary = random() < 0.7 ? 'rle_dictionary' : 'plain_dictionary'
  // A writer gives its dictionary up when it grows too large.
  return random() < 0.7 ? [dictionary] : [dictionary, direct]
}

/** The plan of a chunk whose bytes begin at `start` of the buffer. */
export function planOf({ kind, spec, bytes }: GeneratedChunk, start: number): ChunkPlan {
  const form = valueForm(kind, kind.type)
  if (form === undefined) throw new Error(`${kind.physicalType} as ${kind.type.kind} has no form`)
  return {
    name: 'generated',
    physicalType: kind.physicalType,
    type: kind.type,
    form,
    codec: spec.codec,
    isOptional: spec.isOptional,
    start,
    end: start + bytes.length,
    valueCount: spec.values.length,
  }
}

/** The buffers that must come out, in one string each: validity (or none), offsets (or none), values. */
export function expectedBuffers({ kind, spec }: GeneratedChunk): readonly (Buffer | null)[] {
  const { values } = spec
  const { type } = kind
  const bitmap = (isSet: (row: number) => boolean): Buffer => {
    const bits = Buffer.alloc(Math.ceil(values.length / 8))
    values.forEach((_, row) => {
      if (isSet(row)) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
    })
    return bits
  }
  const validity = values.includes(null) ? bitmap((row) => values[row] !== null) : null
  if (type.kind === 'bool') return [validity, null, bitmap((row) => values[row]?.[0] === 1)]
  if (valueBytes(type) > 0) {
    const zeros = Buffer.alloc(valueBytes(type))
    const parts = values.map((value) => (value === null ? zeros : kind.arrow(value)))
    return [validity, null, Buffer.concat(parts)]
  }
  const offsetBytes = type.kind.startsWith('large_') ? 8 : 4
  const offsets = Buffer.alloc((values.length + 1) * offsetBytes)
  let at = 0
  values.forEach((value, row) => {
    at += value?.length ?? 0
    offsets.writeUInt32LE(at, (row + 1) * offsetBytes)
  })
  return [validity, offsets, Buffer.concat(values.filter((value) => value !== null))]
}

/** Empty when the column has exactly the expected buffers, else what differs. */
export function difference(chunk: GeneratedChunk, column: Column | undefined): string {
  if (column === undefined) return 'no column'
  const nulls = chunk.spec.values.filter((value) => value === null).length
  if (column.rowCount !== chunk.spec.values.length) return `${column.rowCount} rows`
  if (column.nullCount !== nulls) return `${column.nullCount} nulls, not ${nulls}`
  const actual = [column.validity, column.offsets, column.values]
  const names = ['validity', 'offsets', 'values']
  const wrong = expectedBuffers(chunk).findIndex((expected, index) => {
    const bytes = actual[index] ?? null
    return bytes === null || expected === null ? bytes !== expected : !expected.equals(bytes)
  })
  return names[wrong] ?? ''
}

/** One line that says what the chunk is like. */
export function describeChunk({ kind, spec }: GeneratedChunk): string {
  const { codec, version, encodings, isOptional, values, pageRows } = spec
  return [
    `${kind.physicalType}(${kind.typeLength}) as ${JSON.stringify(kind.type)}`,
    `${codec} v${version} ${encodings.join('+')} ${isOptional ? 'optional' : 'required'}`,
    `${values.length} rows in pages of ${pageRows.join()}`,
  ].join(', ')
}
