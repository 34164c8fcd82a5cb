import assert from 'node:assert'

/** Half-open range of bytes: `end` is exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export function rangeLength(range: ByteRange): number {
  assert(range.start >= 0 && range.start <= range.end, `bad range ${range.start}-${range.end}`)
  return range.end - range.start
}

/**
 * A copy whose address leaves the same rest by 8 as that of `bytes`: copies to and from shared memory go word by word
 * then, else byte by byte (measured on Node 20: 2 GB/s).
 */
export function alignedCopy(bytes: Uint8Array): Uint8Array {
  const rest = bytes.byteOffset % 8
  const copy = new Uint8Array(rest + bytes.length).subarray(rest)
  copy.set(bytes)
  return copy
}

/** A copy, in `into` when it is given, else in memory of its own. */
export function copyInto(bytes: Uint8Array, into?: Uint8Array): Uint8Array {
  // Not `slice`, which for a Buffer is a view on the same memory.
  if (into === undefined) return new Uint8Array(bytes)
  into.set(bytes)
  return into.subarray(0, bytes.length)
}
