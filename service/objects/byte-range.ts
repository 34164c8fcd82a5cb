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
