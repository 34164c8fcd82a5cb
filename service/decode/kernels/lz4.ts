// LZ4's block format: lz4_Block_format.md of lz4/lz4. Parquet calls it LZ4_RAW.

import { copyBytes, copyMatch } from './copy'
import { INPUT_ENDS, MALFORMED, OUTPUT_ENDS, WRONG_COUNT } from './fault'

/** One past the bytes of a length that was read last, 0 when the input ended or no block is so long. */
let lengthEnd: usize = 0

/** Fills `out` to `outEnd` exactly. */
export function lz4(src: usize, end: usize, out: usize, outEnd: usize): i32 {
  let p = src
  let o = out
  while (p < end) {
    const token = <u32>load<u8>(p++)
    const literals = readLength(p, end, token >>> 4)
    p = lengthEnd
    if (p == 0 || literals > end - p) return INPUT_ENDS
    if (literals > outEnd - o) return OUTPUT_ENDS
    copyBytes(o, p, literals, outEnd, end)
    p += literals
    o += literals
    // The last sequence has no match.
    if (p == end) break
    if (end - p < 2) return INPUT_ENDS
    const distance = <u32>load<u16>(p)
    const length = readLength(p + 2, end, token & 15) + 4
    p = lengthEnd
    if (p == 0) return INPUT_ENDS
    if (distance - 1 >= o - out) return MALFORMED
    if (length > outEnd - o) return OUTPUT_ENDS
    copyMatch(o, distance, length, outEnd)
    o += length
  }
  return o == outEnd ? <i32>(o - out) : WRONG_COUNT
}

function readLength(from: usize, end: usize, nibble: u32): u32 {
  let p = from
  let length = nibble
  let byte: u32 = nibble == 15 ? 255 : 0
  while (byte == 255) {
    if (p >= end || length >> 30) {
      lengthEnd = 0
      return 0
    }
    byte = <u32>load<u8>(p++)
    length += byte
  }
  lengthEnd = p
  return length
}
