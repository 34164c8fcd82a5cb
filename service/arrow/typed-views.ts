// Typed views of a column's bytes. A decoder's buffers are aligned as a rule; the copy is for those that are not.

/** The bytes at an address that is a multiple of `width`. */
function aligned(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes)
}

/** Also the two words, low first, of each 64-bit value: no BigInt, no canonical NaN. */
export function int32View(bytes: Uint8Array): Int32Array {
  const source = aligned(bytes, 4)
  return new Int32Array(source.buffer, source.byteOffset, source.byteLength >>> 2)
}

export function uint32View(bytes: Uint8Array): Uint32Array {
  const source = aligned(bytes, 4)
  return new Uint32Array(source.buffer, source.byteOffset, source.byteLength >>> 2)
}

export function int16View(bytes: Uint8Array): Int16Array {
  const source = aligned(bytes, 2)
  return new Int16Array(source.buffer, source.byteOffset, source.byteLength >>> 1)
}

export function uint16View(bytes: Uint8Array): Uint16Array {
  const source = aligned(bytes, 2)
  return new Uint16Array(source.buffer, source.byteOffset, source.byteLength >>> 1)
}

export function int8View(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function float32View(bytes: Uint8Array): Float32Array {
  const source = aligned(bytes, 4)
  return new Float32Array(source.buffer, source.byteOffset, source.byteLength >>> 2)
}

export function float64View(bytes: Uint8Array): Float64Array {
  const source = aligned(bytes, 8)
  return new Float64Array(source.buffer, source.byteOffset, source.byteLength >>> 3)
}

export function int64View(bytes: Uint8Array): BigInt64Array {
  const source = aligned(bytes, 8)
  return new BigInt64Array(source.buffer, source.byteOffset, source.byteLength >>> 3)
}

export function uint64View(bytes: Uint8Array): BigUint64Array {
  const source = aligned(bytes, 8)
  return new BigUint64Array(source.buffer, source.byteOffset, source.byteLength >>> 3)
}

/** The bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
