import { Buffer } from 'node:buffer'
import type { ArrowType } from '../arrow/arrow-type.ts'
import { sameType } from '../arrow/same-type.ts'
import type { Leaf } from '../footers/footer.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Value } from '../predicate/value.ts'
import { compareValues, isBytes, isText } from '../predicate/value.ts'
import type { FlatColumn } from './prune.ts'

/** Values that are looked up in one bloom filter; longer lists would find one of them anyhow. */
export const POINTS_MAX = 1_000

/**
 * The values of which the column must hold at least one for the predicate to be true of any row, as a file would hold
 * them: PLAIN bytes, those of byte arrays without their length. Undefined: there is no such list, or it cannot be told
 * how a file holds them.
 */
export function pointValues(
  predicate: Predicate,
  { leaf, type }: FlatColumn,
): readonly Uint8Array[] | undefined {
  if (predicate.kind !== 'in_domain' || predicate.domain.nullAllowed === true) return undefined
  const { ranges } = predicate.domain
  if (ranges.length > POINTS_MAX) return undefined
  const points: Uint8Array[] = []
  for (const { low, high } of ranges) {
    if (!low?.inclusive || !high?.inclusive || compareValues(low.value, high.value) !== 0) return
    const held = heldAs(low.value, predicate.type, { leaf, type })
    if (held === undefined) return undefined
    points.push(...held)
  }
  return points
}

type FileType = Pick<FlatColumn, 'leaf' | 'type'>

/** What in the file is seen as the value; nothing when no value of the file's type is. */
function heldAs(value: Value, seen: ArrowType, file: FileType): Uint8Array[] | undefined {
  const { leaf, type } = file
  if (type.kind === 'dictionary') return heldAs(value, seen, { leaf, type: type.value })
  if (seen.kind === 'dictionary') return heldAs(value, seen.value, file)
  if (value instanceof Uint8Array) return heldAsBytes(value, seen, file)
  if (typeof value === 'number') return heldAsFloat(value, seen, file)
  if (typeof value !== 'bigint') return undefined
  if (seen.kind === 'int' && type.kind === 'int') {
    const [fileBits, seenBits] = [type.bitWidth, seen.bitWidth]
    const isWidened = seenBits >= fileBits && (seen.signed || !type.signed)
    return isWidened ? heldAsInteger(value, leaf) : undefined
  }
  if (seen.kind === 'date' && type.kind === 'date' && seen.unit !== type.unit) {
    if (type.unit !== 'day') return undefined
    return value % MILLISECONDS_PER_DAY === 0n
      ? heldAsInteger(value / MILLISECONDS_PER_DAY, leaf)
      : []
  }
  if (!sameType(seen, type)) return undefined
  if (seen.kind === 'decimal' && leaf.physicalType === 'fixed_len_byte_array') {
    return heldAsBigEndian(value, leaf.typeLength)
  }
  return ['date', 'time', 'timestamp', 'decimal'].includes(seen.kind)
    ? heldAsInteger(value, leaf)
    : undefined
}

const MILLISECONDS_PER_DAY = 86_400_000n

function heldAsBytes(value: Uint8Array, seen: ArrowType, { leaf, type }: FileType) {
  const isSame = (isText(seen) && isText(type)) || (isBytes(seen) && isBytes(type))
  if (!isSame) return undefined
  if (leaf.physicalType === 'byte_array') return [value]
  if (leaf.physicalType !== 'fixed_len_byte_array') return undefined
  return value.length === leaf.typeLength ? [value] : []
}

/** Both zeros are equal, but not alike. */
function heldAsFloat(value: number, seen: ArrowType, { leaf, type }: FileType) {
  if (seen.kind !== 'float' || type.kind !== 'float' || seen.bitWidth < type.bitWidth) return
  if (Number.isNaN(value)) return undefined
  const values = value === 0 ? [0, -0] : [value]
  if (leaf.physicalType === 'double') return values.map((one) => bytesOf(new Float64Array([one])))
  if (leaf.physicalType !== 'float') return undefined
  if (Math.fround(value) !== value) return []
  return values.map((one) => bytesOf(new Float32Array([one])))
}

/** Unsigned integers are held in the bits of signed ones. */
function heldAsInteger(value: bigint, { physicalType }: Leaf): Uint8Array[] | undefined {
  if (physicalType === 'int64') {
    const isFitting = value >= -(2n ** 63n) && value < 2n ** 64n
    return isFitting ? [bytesOf(BigInt64Array.of(BigInt.asIntN(64, value)))] : []
  }
  if (physicalType !== 'int32') return undefined
  const isFitting = value >= -(2n ** 31n) && value < 2n ** 32n
  return isFitting ? [bytesOf(Int32Array.of(Number(BigInt.asIntN(32, value))))] : []
}

function heldAsBigEndian(value: bigint, lengthBytes: number): Uint8Array[] {
  if (BigInt.asIntN(lengthBytes * 8, value) !== value) return []
  const digits = BigInt.asUintN(lengthBytes * 8, value).toString(16)
  return [Buffer.from(digits.padStart(lengthBytes * 2, '0'), 'hex')]
}

/** Little-endian, as all machines are that Node runs on. */
function bytesOf({ buffer }: { readonly buffer: ArrayBuffer }): Uint8Array {
  return new Uint8Array(buffer)
}
