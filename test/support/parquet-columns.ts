import type { ArrowType } from '../../service/arrow/arrow-type.ts'
import type { PhysicalType } from '../../service/footers/footer.ts'
import { type EncodingName, signed } from './parquet-pages.ts'

/** A column's type in the file and in Arrow, with values made by chance and what Arrow makes of them. */
export interface ColumnKind {
  readonly physicalType: PhysicalType
  readonly typeLength: number
  readonly type: ArrowType
  /** The bytes of a value in the file. */
  make(random: () => number): Uint8Array
  /** The bytes of the same value in Arrow. */
  arrow(raw: Uint8Array): Uint8Array
}

const same = (raw: Uint8Array): Uint8Array => raw

/** Every pairing of types that the kernels know. */
export const columnKinds: readonly ColumnKind[] = [
  {
    physicalType: 'boolean',
    typeLength: 0,
    type: { kind: 'bool' },
    make: (random) => Uint8Array.of(Number(random() < 0.5)),
    arrow: same,
  },
  ...[8, 16, 32].flatMap((bits) => [true, false].map((isSigned) => integer(bits as 8, isSigned))),
  fixed('int32', 4, { kind: 'date', unit: 'day' }),
  fixed('int32', 4, { kind: 'time', unit: 'millisecond', bitWidth: 32 }),
  fixed('int64', 8, { kind: 'int', bitWidth: 64, signed: true }),
  fixed('int64', 8, { kind: 'int', bitWidth: 64, signed: false }),
  fixed('int64', 8, { kind: 'timestamp', unit: 'microsecond', timezone: null }),
  fixed('int64', 8, { kind: 'duration', unit: 'nanosecond' }),
  fixed('float', 4, { kind: 'float', bitWidth: 32 }),
  fixed('double', 8, { kind: 'float', bitWidth: 64 }),
  { ...fixed('int32', 4, decimal(128)), arrow: (raw) => wide(signed(raw), 16) },
  { ...fixed('int64', 8, decimal(128)), arrow: (raw) => wide(signed(raw), 16) },
  {
    ...fixed('int96', 12, { kind: 'timestamp', unit: 'nanosecond', timezone: null }),
    arrow: (raw) => {
      const view = new DataView(raw.buffer, raw.byteOffset)
      const days = BigInt(view.getUint32(8, true)) - 2_440_588n
      return wide(days * 86_400_000_000_000n + view.getBigInt64(0, true), 8)
    },
  },
  fixed('fixed_len_byte_array', 2, { kind: 'float', bitWidth: 16 }),
  ...[1, 2, 3, 4, 5, 8, 12, 16, 20, 33].map((byteWidth) =>
    fixed('fixed_len_byte_array', byteWidth, { kind: 'fixed_size_binary', byteWidth }),
  ),
  ...[1, 4, 7, 8, 9, 15, 16].map((length) => bigEndian(length, 128)),
  ...[17, 24, 31, 32].map((length) => bigEndian(length, 256)),
  ...([128, 256] as const).map((bitWidth): ColumnKind => ({
    ...bigEndian(0, bitWidth),
    physicalType: 'byte_array',
    make: (random) => bytesOf(random, Math.floor(random() * (bitWidth / 8 + 1))),
  })),
  ...(['utf8', 'large_utf8'] as const).map((kind) => bytes(kind, text)),
  ...(['binary', 'large_binary'] as const).map((kind) =>
    bytes(kind, (random) => bytesOf(random, Math.floor(random() ** 3 * 90))),
  ),
]

/** What Encodings.md allows for the type, dictionaries aside. */
export function directEncodings(physicalType: PhysicalType): readonly EncodingName[] {
  switch (physicalType) {
    case 'boolean':
      return ['plain', 'rle']
    case 'int32':
    case 'int64':
      return ['plain', 'delta_binary_packed', 'byte_stream_split']
    case 'float':
    case 'double':
      return ['plain', 'byte_stream_split']
    case 'byte_array':
      return ['plain', 'delta_length_byte_array', 'delta_byte_array']
    case 'fixed_len_byte_array':
      return ['plain', 'delta_byte_array', 'byte_stream_split']
    case 'int96':
      return ['plain']
  }
}

function decimal(bitWidth: 128 | 256): ArrowType {
  return { kind: 'decimal', precision: bitWidth === 128 ? 38 : 76, scale: 2, bitWidth }
}

function fixed(physicalType: PhysicalType, width: number, type: ArrowType): ColumnKind {
  const typeLength = physicalType === 'fixed_len_byte_array' ? width : 0
  return { physicalType, typeLength, type, make: (random) => bytesOf(random, width), arrow: same }
}

function bytes(
  kind: 'utf8' | 'large_utf8' | 'binary' | 'large_binary',
  make: ColumnKind['make'],
): ColumnKind {
  return { physicalType: 'byte_array', typeLength: 0, type: { kind }, make, arrow: same }
}

function integer(bitWidth: 8 | 16 | 32, isSigned: boolean): ColumnKind {
  return {
    ...fixed('int32', 4, { kind: 'int', bitWidth, signed: isSigned }),
    make: (random) => {
      const value = BigInt(Math.floor(random() * 2 ** bitWidth))
      return wide(isSigned ? BigInt.asIntN(bitWidth, value) : value, 4)
    },
    arrow: (raw) => raw.slice(0, bitWidth / 8),
  }
}

function bigEndian(length: number, bitWidth: 128 | 256): ColumnKind {
  return {
    ...fixed('fixed_len_byte_array', length, decimal(bitWidth)),
    arrow: (raw) => wide(signed(raw.toReversed()), bitWidth / 8),
  }
}

function wide(value: bigint, width: number): Uint8Array {
  let rest = BigInt.asUintN(width * 8, value)
  return Uint8Array.from({ length: width }, () => {
    const byte = Number(rest & 255n)
    rest >>= 8n
    return byte
  })
}

function bytesOf(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256))
}

const characters = ['a', 'e', ' ', '0', 'é', 'ß', '€', '한', '𝄞', '\0', '\u{7f}', '\u{10ffff}']

function text(random: () => number): Uint8Array {
  const length = Math.floor(random() ** 3 * 70)
  const isAscii = random() < 0.7
  const choices = isAscii ? 4 : characters.length
  const letters = Array.from({ length }, () => characters[Math.floor(random() * choices)])
  return Buffer.from(letters.join(''))
}
