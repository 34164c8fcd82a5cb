import assert from 'node:assert'
import { bitAt } from '../arrow/bitmap.ts'
import type { Column } from '../arrow/column.ts'
import { isPresent, valuesOf } from '../arrow/rebuild-column.ts'
import { float32View, int32View, uint32View } from '../arrow/typed-views.ts'
import { offsetBytes, valueBytes } from '../arrow/type-width.ts'
import type { Value } from './value.ts'

/** Bits of the zone below the milliseconds in a packed timestamp. */
export const PACKED_ZONE_BITS = 12

/** Reads single values of a column of an ordered type, the slow and general way. Not for dictionaries and views. */
export function valueReader(column: Column): (row: number) => Value | null {
  const read = presentReader(column)
  return (row) => (isPresent(column, row) ? read(row) : null)
}

function presentReader(column: Column): (row: number) => Value {
  const { type } = column
  switch (type.kind) {
    case 'bool': {
      const bits = column.values ?? new Uint8Array(0)
      return (row) => bitAt(bits, column.offset + row)
    }
    case 'float':
      return floatReader(column, type.bitWidth)
    case 'int':
      return integerReader(column, type.signed)
    case 'date':
    case 'time':
    case 'decimal':
      return integerReader(column, true)
    case 'timestamp': {
      const read = integerReader(column, true)
      if (type.packedZoneKey === undefined) return read
      return (row) => read(row) >> BigInt(PACKED_ZONE_BITS)
    }
    case 'fixed_size_binary': {
      const { byteWidth } = type
      const values = valuesOf(column, byteWidth)
      return (row) => values.subarray(row * byteWidth, (row + 1) * byteWidth)
    }
    default: {
      const spanOf = byteSpans(column)
      const bytes = column.values ?? new Uint8Array(0)
      return (row) => bytes.subarray(spanOf(row), spanOf(row + 1))
    }
  }
}

/** Where the bytes of each row of a text or binary column begin; those of the row before end there. */
export function byteSpans({ type, offsets, offset }: Column): (row: number) => number {
  const width = offsetBytes(type)
  assert(offsets !== null && width !== 0, `no single values of ${type.kind}`)
  if (width === 4) {
    const starts = int32View(offsets)
    return (row) => starts[offset + row] ?? 0
  }
  const words = uint32View(offsets)
  return (row) => (words[(offset + row) * 2] ?? 0) + (words[(offset + row) * 2 + 1] ?? 0) * 2 ** 32
}

/** The values of a float column, first row first. */
export function floatsOf(column: Column, bitWidth: number): Float32Array | Float64Array {
  const bytes = valuesOf(column, bitWidth / 8)
  if (bitWidth === 32) return float32View(bytes)
  const source = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
  return new Float64Array(source.buffer, source.byteOffset, source.byteLength >>> 3)
}

function floatReader(column: Column, bitWidth: number): (row: number) => number {
  assert(bitWidth === 32 || bitWidth === 64, `no single values of float${bitWidth}`)
  const values = floatsOf(column, bitWidth)
  return (row) => values[row] ?? 0
}

/** Little-endian integers of any width. */
function integerReader(column: Column, isSigned: boolean): (row: number) => bigint {
  const width = valueBytes(column.type)
  const bytes = valuesOf(column, width)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (row) => {
    let value = 0n
    for (let at = width; at > 0;) {
      const step = at >= 4 ? 4 : 1
      at -= step
      const place = row * width + at
      const part = step === 4 ? view.getUint32(place, true) : view.getUint8(place)
      value = (value << BigInt(step * 8)) | BigInt(part)
    }
    return isSigned ? BigInt.asIntN(width * 8, value) : value
  }
}
