import zlib from 'node:zlib'

import type { Codec, PhysicalType } from '../../service/footers/footer.ts'
import {
  deltaLengths,
  deltaPrefixes,
  deltas,
  hybrid,
  joined,
  lz4Compress,
  pack,
  type RunStyle,
  snappyCompress,
  splitStreams,
  word,
  zigzag,
} from './parquet-encodings.ts'

/** The encodings of values, by the names of the format. */
export const encodingNumbers = {
  plain: 0,
  plain_dictionary: 2,
  rle: 3,
  delta_binary_packed: 5,
  delta_length_byte_array: 6,
  delta_byte_array: 7,
  rle_dictionary: 8,
  byte_stream_split: 9,
} as const
export type EncodingName = keyof typeof encodingNumbers

/** Levels of a nested column's values. */
export interface SpecLevels {
  readonly repetitions: readonly number[]
  readonly definitions: readonly number[]
  readonly repetitionMax: number
  readonly definitionMax: number
}

/** A chunk to be written. */
export interface ChunkSpec {
  readonly physicalType: PhysicalType
  /** Rows: the bytes of PLAIN (of byte arrays without their length; one byte, 0 or 1, for booleans), or null. */
  readonly values: readonly (Uint8Array | null)[]
  readonly isOptional: boolean
  readonly codec: Codec
  readonly version: 1 | 2
  /** Rows of each page, in a circle. */
  readonly pageRows: readonly number[]
  /** Encoding of each page, in a circle. */
  readonly encodings: readonly EncodingName[]
  readonly levelStyle: RunStyle
  readonly indexStyle: RunStyle
  /** Bits of dictionary indices beyond those needed. */
  readonly spareBits: number
  readonly random: () => number
  /** Absent: the column is flat. Pages of version 2 then begin with a row, wherever `pageRows` has them end. */
  readonly levels?: SpecLevels
}

/** The bytes of a column chunk: pages with their headers. */
export function writeChunk(spec: ChunkSpec): Uint8Array {
  const { values, pageRows, encodings } = spec
  const entries = encodings.some(isDictionary) ? distinct(values) : undefined
  const parts: Uint8Array[] = []
  if (entries !== undefined) {
    const body = plain([...entries.values()], spec.physicalType)
    const stored = compress(body, spec.codec, spec.random)
    const part = struct([number(1, entries.size), number(2, 0)])
    parts.push(
      struct([number(1, 2), number(2, body.length), number(3, stored.length), nested(7, part)]),
    )
    parts.push(stored)
  }
  const codes = new Map([...(entries?.keys() ?? [])].map((key, index) => [key, index]))
  for (let at = 0, page = 0; at < values.length; page++) {
    const wanted = Math.min(pageRows[page % pageRows.length] ?? 1, values.length - at)
    const rows = pageEnd(spec, at + wanted) - at
    const encoding = encodings[page % encodings.length] ?? 'plain'
    const levels = encodeLevels(spec, at, at + rows)
    parts.push(...writePage(spec, values.slice(at, at + rows), { encoding, codes, levels }))
    at += rows
  }
  return joined(parts)
}

function pageEnd({ values, version, levels }: ChunkSpec, wanted: number): number {
  let end = wanted
  if (version === 1 || levels === undefined) return end
  while (end < values.length && (levels.repetitions[end] ?? 0) > 0) end++
  return end
}

interface EncodedLevels {
  /** Undefined: there are none. */
  readonly repetitions: Uint8Array | undefined
  readonly definitions: Uint8Array | undefined
  readonly rowCount: number
}

function encodeLevels(spec: ChunkSpec, start: number, end: number): EncodedLevels {
  const { values, levels, levelStyle, random } = spec
  const coded = (all: readonly number[], most: number): Uint8Array | undefined =>
    most === 0 ? undefined : hybrid(all.slice(start, end), bitWidth(most), levelStyle, random)
  const bits = spec.isOptional ? values.map((value) => Number(value !== null)) : []
  return {
    repetitions: coded(levels?.repetitions ?? [], levels?.repetitionMax ?? 0),
    definitions: coded(
      levels?.definitions ?? bits,
      levels?.definitionMax ?? Number(spec.isOptional),
    ),
    rowCount: levels
      ? levels.repetitions.slice(start, end).filter((level) => level === 0).length
      : end - start,
  }
}

function isDictionary(name: EncodingName): boolean {
  return name === 'rle_dictionary' || name === 'plain_dictionary'
}

function keyOf(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1')
}

function distinct(values: readonly (Uint8Array | null)[]): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>()
  for (const value of values) if (value !== null) entries.set(keyOf(value), value)
  return entries
}

function writePage(
  spec: ChunkSpec,
  rows: readonly (Uint8Array | null)[],
  {
    encoding,
    codes,
    levels: { repetitions, definitions, rowCount },
  }: {
    readonly encoding: EncodingName
    readonly codes: ReadonlyMap<string, number>
    readonly levels: EncodedLevels
  },
): Uint8Array[] {
  const { random, codec, version } = spec
  const present = rows.filter((value) => value !== null)
  const body = encode(spec, present, encoding, codes)
  const levels = [repetitions, definitions].filter((part) => part !== undefined)
  const encodingNumber = encodingNumbers[encoding]
  if (version === 1) {
    const whole = joined([...levels.flatMap((part) => [word(part.length), part]), body])
    const stored = compress(whole, codec, random)
    const part = struct([
      number(1, rows.length),
      number(2, encodingNumber),
      number(3, 3),
      number(4, 3),
    ])
    const sizes = [number(1, 0), number(2, whole.length), number(3, stored.length)]
    return [struct([...sizes, nested(5, part)]), stored]
  }
  const isCompressed = codec !== 'uncompressed' && random() < 0.8
  const stored = isCompressed && body.length > 0 ? compress(body, codec, random) : body
  const part = struct([
    number(1, rows.length),
    number(2, rows.length - present.length),
    number(3, rowCount),
    number(4, encodingNumber),
    number(5, definitions?.length ?? 0),
    number(6, repetitions?.length ?? 0),
    flag(7, isCompressed),
  ])
  const levelBytes = joined(levels)
  const sizes = [
    number(1, 3),
    number(2, levelBytes.length + body.length),
    number(3, levelBytes.length + stored.length),
  ]
  return [struct([...sizes, nested(8, part)]), levelBytes, stored]
}

function encode(
  spec: ChunkSpec,
  values: readonly Uint8Array[],
  encoding: EncodingName,
  codes: ReadonlyMap<string, number>,
): Uint8Array {
  const { physicalType, random } = spec
  switch (encoding) {
    case 'plain':
      return plain(values, physicalType)
    case 'rle': {
      const runs = hybrid(
        values.map((value) => value[0] ?? 0),
        1,
        spec.indexStyle,
        random,
      )
      return joined([word(runs.length), runs])
    }
    case 'rle_dictionary':
    case 'plain_dictionary': {
      const width = Math.min(32, bitWidth(codes.size - 1) + spec.spareBits)
      const indices = values.map((value) => codes.get(keyOf(value)) ?? 0)
      return joined([[width], hybrid(indices, width, spec.indexStyle, random)])
    }
    case 'delta_binary_packed': {
      const bits = physicalType === 'int32' ? 32 : 64
      return deltas(
        values.map((value) => signed(value)),
        bits,
        random() < 0.5 ? 128 : 256,
      )
    }
    case 'delta_length_byte_array':
      return deltaLengths(values)
    case 'delta_byte_array':
      return deltaPrefixes(values)
    case 'byte_stream_split':
      return splitStreams(values, values[0]?.length ?? 0)
  }
}

function plain(values: readonly Uint8Array[], physicalType: PhysicalType): Uint8Array {
  if (physicalType === 'boolean')
    return pack(
      values.map((value) => BigInt(value[0] ?? 0)),
      1,
    )
  if (physicalType !== 'byte_array') return joined(values)
  return joined(values.flatMap((value) => [word(value.length), value]))
}

/** A little-endian two's complement number. */
export function signed(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return BigInt.asIntN(bytes.length * 8, value)
}

function bitWidth(value: number): number {
  return value <= 0 ? 0 : Math.floor(Math.log2(value)) + 1
}

type Compress = (bytes: Uint8Array) => Uint8Array

/** Compresses as the codec's writers would. */
export function compress(bytes: Uint8Array, codec: Codec, random: () => number): Uint8Array {
  switch (codec) {
    case 'uncompressed':
      return bytes
    case 'snappy':
      return snappyCompress(bytes, random)
    case 'lz4_raw':
      return lz4Compress(bytes)
    case 'gzip':
      return zlib.gzipSync(bytes, { level: 1 })
    case 'brotli':
      return zlib.brotliCompressSync(bytes, {
        params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
      })
    case 'zstd': {
      const { zstdCompressSync } = zlib as { zstdCompressSync?: Compress }
      if (zstdCompressSync === undefined) throw new Error('this Node has no zstd')
      return zstdCompressSync(bytes)
    }
    default:
      throw new Error(`no pages of ${codec} here`)
  }
}

/** A field of thrift's compact protocol; ids ascend by less than 16, so that each header is one byte. */
type ThriftField = (previous: number) => { readonly id: number; readonly bytes: Uint8Array }

function number(id: number, value: number): ThriftField {
  return (previous) => ({ id, bytes: joined([[((id - previous) << 4) | 5], zigzag(value)]) })
}

function flag(id: number, value: boolean): ThriftField {
  return (previous) => ({ id, bytes: Uint8Array.of(((id - previous) << 4) | (value ? 1 : 2)) })
}

function nested(id: number, value: Uint8Array): ThriftField {
  return (previous) => ({ id, bytes: joined([[((id - previous) << 4) | 12], value]) })
}

function struct(fields: readonly ThriftField[]): Uint8Array {
  let previous = 0
  const parts: (Uint8Array | number[])[] = []
  for (const make of fields) {
    const { id, bytes } = make(previous)
    parts.push(bytes)
    previous = id
  }
  return joined([...parts, [0]])
}
