import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Leaf, RawStatistics } from '../footers/footer.ts'
import { castValue } from '../predicate/cast-value.ts'
import type { Value } from '../predicate/value.ts'
import { hasOrder, isBytes, isText } from '../predicate/value.ts'
import type { ColumnFacts } from '../predicate/verdict.ts'

/** A column of a row group as its file tells of it. */
export interface ChunkStatistics {
  readonly leaf: Leaf
  /** The column's Arrow type in this file. */
  readonly type: ArrowType
  readonly rowCount: number
  readonly raw: RawStatistics | undefined
}

/** Bytes of the widest decimal, decimal256. */
const DECIMAL_BYTES_MAX = 32

/**
 * What statistics promise of a column, its values seen as `target`. Only what the format gives an order is
 * taken: never INT96, 16-bit floats, deprecated bounds of unsigned or byte values, or truncated decimals.
 */
export function chunkFacts(chunk: ChunkStatistics, target: ArrowType): ColumnFacts {
  const { leaf, rowCount, raw } = chunk
  if (chunk.type.kind === 'null') return allNull(rowCount)
  const facts: { -readonly [Member in keyof ColumnFacts]: ColumnFacts[Member] } = { rowCount }
  const nullCount = leaf.maxDefinitionLevel === 0 ? 0 : raw?.nullCount
  if (nullCount !== undefined) facts.nullCount = nullCount
  if (!raw || !hasOrder(chunk.type) || (raw.deprecated && !hasSignedOrder(chunk))) return facts
  const min = boundAs(target, chunk, { bytes: raw.min, isExact: raw.minExact })
  const max = boundAs(target, chunk, { bytes: raw.max, isExact: raw.maxExact })
  if (min !== undefined) facts.min = min
  if (max !== undefined) facts.max = max
  return facts
}

/** Facts of a column that the rows lack. */
export function allNull(rowCount: number): ColumnFacts {
  return { rowCount, nullCount: rowCount }
}

/** Facts of a column that has one value in all rows. */
export function constantFacts(value: Value | null, rowCount: number): ColumnFacts {
  return value === null ? allNull(rowCount) : { rowCount, nullCount: 0, min: value, max: value }
}

/** Deprecated bounds were compared as signed, whatever the type. */
function hasSignedOrder({ leaf, type }: ChunkStatistics): boolean {
  if (type.kind === 'int') return type.signed
  return leaf.physicalType !== 'byte_array' && leaf.physicalType !== 'fixed_len_byte_array'
}

interface RawBound {
  readonly bytes: Uint8Array | undefined
  readonly isExact: boolean
}

function boundAs(target: ArrowType, chunk: ChunkStatistics, bound: RawBound): Value | undefined {
  const { bytes } = bound
  if (bytes === undefined) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const value = readBound(view, chunk, bound.isExact)
  return value === undefined ? undefined : castValue(value, chunk.type, target)
}

/** A bound in the PLAIN encoding; undefined when its bytes are not a value of the type. */
function readBound(
  bytes: Buffer,
  { leaf, type }: Pick<ChunkStatistics, 'leaf' | 'type'>,
  isExact: boolean,
): Value | undefined {
  switch (type.kind) {
    case 'dictionary':
      return readBound(bytes, { leaf, type: type.value }, isExact)
    case 'bool':
      return leaf.physicalType === 'boolean' && bytes.length === 1 ? bytes[0] !== 0 : undefined
    case 'int':
      return readInt(bytes, leaf, type)
    case 'date':
    case 'time':
    case 'timestamp':
      return readSigned(bytes, leaf)
    case 'float':
      return readFloat(bytes, leaf)
    case 'decimal':
      return readDecimal(bytes, leaf, isExact)
    default:
      return isText(type) || isBytes(type) ? readBytes(bytes, leaf) : undefined
  }
}

function readInt(
  bytes: Buffer,
  leaf: Leaf,
  { bitWidth, signed }: Extract<ArrowType, { kind: 'int' }>,
): bigint | undefined {
  const value = readSigned(bytes, leaf)
  if (value === undefined) return undefined
  const read = signed ? value : BigInt.asUintN(leaf.physicalType === 'int64' ? 64 : 32, value)
  const cut = signed ? BigInt.asIntN(bitWidth, read) : BigInt.asUintN(bitWidth, read)
  return cut === read ? read : undefined
}

function readSigned(bytes: Buffer, { physicalType }: Leaf): bigint | undefined {
  if (physicalType === 'int32' && bytes.length === 4) return BigInt(bytes.readInt32LE())
  if (physicalType === 'int64' && bytes.length === 8) return bytes.readBigInt64LE()
  return undefined
}

function readFloat(bytes: Buffer, { physicalType }: Leaf): number | undefined {
  if (physicalType === 'float' && bytes.length === 4) return bytes.readFloatLE()
  if (physicalType === 'double' && bytes.length === 8) return bytes.readDoubleLE()
  return undefined
}

/** Two's complement, big-endian, where it is bytes: a cut one would be another number. */
function readDecimal(bytes: Buffer, leaf: Leaf, isExact: boolean): bigint | undefined {
  switch (leaf.physicalType) {
    case 'int32':
    case 'int64':
      return readSigned(bytes, leaf)
    case 'fixed_len_byte_array':
      return bytes.length === leaf.typeLength ? bigEndian(bytes) : undefined
    case 'byte_array':
      return isExact ? bigEndian(bytes) : undefined
    default:
      return undefined
  }
}

function bigEndian(bytes: Buffer): bigint | undefined {
  if (bytes.length === 0 || bytes.length > DECIMAL_BYTES_MAX) return undefined
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
}

/** A cut minimum is still no greater, and writers raise a cut maximum. */
function readBytes(bytes: Buffer, leaf: Leaf): Uint8Array | undefined {
  if (leaf.physicalType === 'byte_array') return bytes
  const fits = leaf.physicalType === 'fixed_len_byte_array' && bytes.length <= leaf.typeLength
  return fits ? bytes : undefined
}
