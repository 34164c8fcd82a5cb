import { GatewayError } from '../errors.ts'
import type { ArrowType, IntType } from './arrow-type.ts'
import type { Column } from './column.ts'
import { formatType } from './format-type.ts'
import { type Cast, isPresent, valuesOf, withValues } from './rebuild-column.ts'
import {
  float32View,
  float64View,
  int16View,
  int32View,
  int64View,
  int8View,
  uint16View,
  uint32View,
  uint64View,
} from './typed-views.ts'

type Int32OrLess = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

/**
 * Integers to other integers and to floats that hold them, floats to other floats. What is narrower takes the values
 * that are the same there, and fails at any other. 64-bit integers to float64 are rounded.
 */
export function numberCast(from: ArrowType, to: ArrowType): Cast | undefined {
  if (from.kind === 'int' && to.kind === 'int' && isWider(from, to)) {
    return (column) => withValues(column, to, widenInts(column, from, to))
  }
  if (from.kind === 'int' && to.kind === 'int') {
    return (column) => withValues(column, to, narrowInts(column, from, to))
  }
  if (from.kind === 'int' && to.kind === 'float' && holdsInts(to.bitWidth, from)) {
    return (column) => withValues(column, to, intsToFloats(column, from, to.bitWidth))
  }
  if (from.kind === 'float' && to.kind === 'float' && to.bitWidth > from.bitWidth) {
    return (column) => {
      const floats = readFloats(column, from.bitWidth)
      return withValues(column, to, to.bitWidth === 64 ? new Float64Array(floats) : floats)
    }
  }
  if (from.kind === 'float' && to.kind === 'float' && to.bitWidth === 32) {
    return (column) => withValues(column, to, narrowFloats(column))
  }
  return undefined
}

function isWider(from: IntType, to: IntType): boolean {
  return to.bitWidth > from.bitWidth && (from.signed === to.signed || to.signed)
}

function holdsInts(floatWidth: 16 | 32 | 64, from: IntType): boolean {
  return floatWidth === 64 || (floatWidth === 32 && from.bitWidth <= 16)
}

/** Integers of up to 32 bits, first row first. */
export function readInts(column: Column, type: IntType): Int32OrLess {
  const bytes = valuesOf(column, type.bitWidth / 8)
  if (type.bitWidth === 8) return type.signed ? int8View(bytes) : bytes
  if (type.bitWidth === 16) return type.signed ? int16View(bytes) : uint16View(bytes)
  return type.signed ? int32View(bytes) : uint32View(bytes)
}

function widenInts(column: Column, from: IntType, to: IntType): ArrayBufferView {
  const ints = readInts(column, from)
  if (to.bitWidth === 16) return to.signed ? new Int16Array(ints) : new Uint16Array(ints)
  if (to.bitWidth === 32) return to.signed ? new Int32Array(ints) : new Uint32Array(ints)
  const words = new Int32Array(column.rowCount * 2)
  for (let row = 0; row < column.rowCount; row++) {
    const value = ints[row] ?? 0
    words[row * 2] = value
    words[row * 2 + 1] = value < 0 ? -1 : 0
  }
  return words
}

/** @throws {GatewayError} `unsupported` a value that is none of the narrower type. */
function narrowInts(column: Column, from: IntType, to: IntType): ArrayBufferView {
  const values = from.bitWidth === 64 ? readLongs(column, from) : readInts(column, from)
  const most = 2n ** BigInt(to.signed ? to.bitWidth - 1 : to.bitWidth) - 1n
  const least = to.signed ? -most - 1n : 0n
  const fitting = (row: number): number | bigint => {
    const value = values[row] ?? 0
    if (value >= least && value <= most) return value
    if (isPresent(column, row)) throw misfit(value, to)
    return 0
  }
  if (to.bitWidth === 64) {
    return BigInt64Array.from({ length: column.rowCount }, (_, row) =>
      BigInt.asIntN(64, BigInt(fitting(row))),
    )
  }
  const target = intsOf(to, column.rowCount)
  for (let row = 0; row < target.length; row++) target[row] = Number(fitting(row))
  return target
}

function readLongs(column: Column, { signed }: IntType): BigInt64Array | BigUint64Array {
  const bytes = valuesOf(column, 8)
  return signed ? int64View(bytes) : uint64View(bytes)
}

function intsOf({ bitWidth, signed }: IntType, count: number): Int32OrLess {
  if (bitWidth === 8) return signed ? new Int8Array(count) : new Uint8Array(count)
  if (bitWidth === 16) return signed ? new Int16Array(count) : new Uint16Array(count)
  return signed ? new Int32Array(count) : new Uint32Array(count)
}

/** @throws {GatewayError} `unsupported` a value that 32 bits do not hold exactly. */
function narrowFloats(column: Column): Float32Array {
  const values = float64View(valuesOf(column, 8))
  const target = Float32Array.from(values)
  for (const [row, value] of values.entries()) {
    const isSame = target[row] === value || Number.isNaN(value)
    if (!isSame && isPresent(column, row)) throw misfit(value, { kind: 'float', bitWidth: 32 })
  }
  return target
}

function misfit(value: number | bigint, to: ArrowType): GatewayError {
  return new GatewayError('unsupported', `the value ${value} does not fit ${formatType(to)}`)
}

function intsToFloats(column: Column, from: IntType, bitWidth: 16 | 32 | 64): ArrayBufferView {
  if (from.bitWidth !== 64) {
    const ints = readInts(column, from)
    return bitWidth === 64 ? new Float64Array(ints) : new Float32Array(ints)
  }
  const low = uint32View(valuesOf(column, 8))
  const high = from.signed ? int32View(valuesOf(column, 8)) : low
  const floats = new Float64Array(column.rowCount)
  for (let row = 0; row < floats.length; row++) {
    floats[row] = (high[row * 2 + 1] ?? 0) * 2 ** 32 + (low[row * 2] ?? 0)
  }
  return floats
}

function readFloats(column: Column, bitWidth: 16 | 32 | 64): Float32Array {
  if (bitWidth !== 16) return float32View(valuesOf(column, 4))
  return Float32Array.from(uint16View(valuesOf(column, 2)), floatOfHalf)
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
function floatOfHalf(half: number): number {
  const sign = half >>> 15 === 1 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
