// Snappy's raw format: format_description.txt of google/snappy.

import { copyBytes, copyMatch } from './copy'
import { INPUT_ENDS, MALFORMED, OUTPUT_ENDS, WRONG_COUNT } from './fault'
import { readCount, varintEnd } from './varint'

/** Fills `out` to `outEnd` exactly. */
export function snappy(src: usize, end: usize, out: usize, outEnd: usize): i32 {
  if (readCount(src, end) != outEnd - out) return WRONG_COUNT
  if (varintEnd == 0) return MALFORMED
  let p = varintEnd
  let o = out
  while (p < end) {
    const tag = <u32>load<u8>(p++)
    let length: u32
    if ((tag & 3) == 0) {
      length = (tag >>> 2) + 1
      if (length <= 16 && end - p >= 16 && outEnd - o >= 16) {
        v128.store(o, v128.load(p))
        p += length
        o += length
        continue
      }
      if (length > 60) {
        const size = length - 60
        if (size > end - p) return INPUT_ENDS
        length = wideLength(p, size)
        p += size
      }
      // A length of 2^32 wraps to 0.
      if (length == 0 || length > end - p) return INPUT_ENDS
      if (length > outEnd - o) return OUTPUT_ENDS
      copyBytes(o, p, length, outEnd, end)
      p += length
    } else {
      let distance: u32
      if ((tag & 3) == 1) {
        if (p >= end) return INPUT_ENDS
        length = ((tag >>> 2) & 7) + 4
        distance = ((tag >>> 5) << 8) | <u32>load<u8>(p++)
      } else if ((tag & 3) == 2) {
        if (end - p < 2) return INPUT_ENDS
        length = (tag >>> 2) + 1
        distance = <u32>load<u16>(p)
        p += 2
      } else {
        if (end - p < 4) return INPUT_ENDS
        length = (tag >>> 2) + 1
        distance = load<u32>(p)
        p += 4
      }
      if (distance - 1 >= o - out) return MALFORMED
      if (length > outEnd - o) return OUTPUT_ENDS
      copyMatch(o, distance, length, outEnd)
    }
    o += length
  }
  return o == outEnd ? <i32>(o - out) : WRONG_COUNT
}

function wideLength(p: usize, size: u32): u32 {
  let length: u32 = 0
  for (let i: u32 = 0; i < size; i++) length |= (<u32>load<u8>(p + i)) << (8 * i)
  return length + 1
}
