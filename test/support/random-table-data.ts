import { DataType, makeData, Precision } from 'apache-arrow'
import type { Data } from 'apache-arrow'

/** A value as it is stored: integers of any kind as bigint, text and bytes as they are. */
export type Raw = boolean | bigint | number | string | Uint8Array

/** A column of apache-arrow's from stored values. */
export function dataOf(type: DataType, values: readonly (Raw | null)[]): Data {
  const nullCount = values.filter((value) => value === null).length
  const shared = {
    type: type as never,
    length: values.length,
    nullCount,
    ...(nullCount > 0 && { nullBitmap: bits(values.map((value) => value !== null)) }),
  }
  if (DataType.isBool(type)) return makeData({ ...shared, data: bits(values.map(Boolean)) })
  if (DataType.isFloat(type)) {
    const numbers = values.map((value) => Number(value ?? 0))
    const isSingle = type.precision === Precision.SINGLE
    return makeData({ ...shared, data: (isSingle ? Float32Array : Float64Array).from(numbers) })
  }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const parts = values.map((value) => Buffer.from((value ?? '') as string))
    return makeData({ ...shared, data: Buffer.concat(parts), valueOffsets: offsets(parts) })
  }
  if (DataType.isLargeUtf8(type)) {
    const parts = values.map((value) => Buffer.from((value ?? '') as string))
    const wide = BigInt64Array.from(offsets(parts), BigInt)
    return makeData({ ...shared, data: Buffer.concat(parts), valueOffsets: wide } as never)
  }
  if (DataType.isFixedSizeBinary(type)) {
    const empty = new Uint8Array(type.byteWidth)
    return makeData({
      ...shared,
      data: Buffer.concat(values.map((value) => (value ?? empty) as Uint8Array)),
    })
  }
  return makeData({ ...shared, data: integers(type, values) as never })
}

function integers(type: DataType, values: readonly (Raw | null)[]): ArrayBufferView {
  const width = DataType.isDecimal(type) ? 16 : widthOf(type)
  const bytes = new Uint8Array(values.length * width)
  values.forEach((value, row) => {
    let rest = BigInt((value ?? 0n) as bigint)
    for (let at = 0; at < width; at++, rest >>= 8n) bytes[row * width + at] = Number(rest & 255n)
  })
  if (DataType.isDecimal(type)) return new Uint32Array(bytes.buffer)
  const { ArrayType } = type as { ArrayType: new (buffer: ArrayBuffer) => ArrayBufferView }
  return new ArrayType(bytes.buffer)
}

function widthOf(type: DataType): number {
  const { ArrayType } = type as { ArrayType: { BYTES_PER_ELEMENT: number } }
  return ArrayType.BYTES_PER_ELEMENT
}

function bits(flags: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8))
  flags.forEach((flag, at) => {
    if (flag) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
  })
  return bytes
}

function offsets(parts: readonly Uint8Array[]): Int32Array {
  const ends = new Int32Array(parts.length + 1)
  parts.forEach((part, at) => {
    ends[at + 1] = (ends[at] ?? 0) + part.length
  })
  return ends
}
