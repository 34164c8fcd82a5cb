// Snappy's raw format: format_description.txt of google/snappy. A hasty loop does nearly all of it, in whole vectors
// and with one check of both ends per element; a careful one does the last bytes.

import { copyBytes, copyMatch, copyPattern } from './copy'
import { INPUT_ENDS, MALFORMED, OUTPUT_ENDS, WRONG_COUNT } from './fault'
import { readCount, varintEnd } from './varint'

/** Where the hasty loop stopped. */
let nextIn: usize = 0
let nextOut: usize = 0

/** An element takes at most 61 bytes of input (longer literals are for the careful loop) and makes 64. */
const HASTY_BYTES: usize = 80

/** Fills `out` to `outEnd` exactly. */
export function snappy(src: usize, end: usize, out: usize, outEnd: usize): i32 {
  if (readCount(src, end) != outEnd - out) return WRONG_COUNT
  if (varintEnd == 0) return MALFORMED
  nextIn = varintEnd
  nextOut = out
  while (nextIn < end) {
    let fault = hasten(nextIn, end, out, nextOut, outEnd)
    if (fault == 0 && nextIn < end) fault = element(nextIn, end, out, nextOut, outEnd)
    if (fault != 0) return fault
  }
  return nextOut == outEnd ? <i32>(outEnd - out) : WRONG_COUNT
}

/** Goes on while both ends are far and literals are short. */
function hasten(src: usize, end: usize, out: usize, outAt: usize, outEnd: usize): i32 {
  let p = src
  let o = outAt
  while (end - p >= HASTY_BYTES && outEnd - o >= HASTY_BYTES) {
    const tag = <u32>load<u8>(p)
    const kind = tag & 3
    if (kind == 0) {
      const length = (tag >>> 2) + 1
      if (length > 60) break
      v128.store(o, v128.load(p, 1))
      if (length > 16) {
        v128.store(o, v128.load(p, 17), 16)
        v128.store(o, v128.load(p, 33), 32)
        v128.store(o, v128.load(p, 49), 48)
      }
      p += length + 1
      o += length
      continue
    }
    if (kind == 3) break
    const isNear = kind == 1
    const distance = isNear ? ((tag >>> 5) << 8) | <u32>load<u8>(p, 1) : <u32>load<u16>(p, 1)
    const length = isNear ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    p += kind + 1
    if (distance - 1 >= o - out) return MALFORMED
    const from = o - distance
    if (distance >= 16) {
      v128.store(o, v128.load(from))
      if (length > 16) {
        v128.store(o, v128.load(from, 16), 16)
        v128.store(o, v128.load(from, 32), 32)
        v128.store(o, v128.load(from, 48), 48)
      }
    } else if (distance >= 8 && length <= 16) {
      // Columns of 8-byte values repeat the upper bytes of the value before.
      store<u64>(o, load<u64>(from))
      store<u64>(o, load<u64>(from, 8), 8)
    } else copyPattern(o, from, o + length)
    o += length
  }
  nextIn = p
  nextOut = o
  return 0
}

/** One element of any kind, every byte checked. */
function element(src: usize, end: usize, out: usize, o: usize, outEnd: usize): i32 {
  let p = src + 1
  const tag = <u32>load<u8>(src)
  const kind = tag & 3
  let length = (tag >>> 2) + 1
  if (kind == 0) {
    if (length > 60) {
      const size = length - 60
      if (size > end - p) return INPUT_ENDS
      length = numberAt(p, size) + 1
      p += size
    }
    // A length of 2^32 wraps to 0.
    if (length == 0 || length > end - p) return INPUT_ENDS
    if (length > outEnd - o) return OUTPUT_ENDS
    copyBytes(o, p, length, outEnd, end)
    p += length
  } else {
    const size: u32 = kind == 3 ? 4 : kind
    if (size > end - p) return INPUT_ENDS
    let distance = numberAt(p, size)
    p += size
    if (kind == 1) {
      length = ((tag >>> 2) & 7) + 4
      distance |= (tag >>> 5) << 8
    }
    if (distance - 1 >= o - out) return MALFORMED
    if (length > outEnd - o) return OUTPUT_ENDS
    copyMatch(o, distance, length, outEnd)
  }
  nextIn = p
  nextOut = o + length
  return 0
}

function numberAt(p: usize, size: u32): u32 {
  let number: u32 = 0
  for (let i: u32 = 0; i < size; i++) number |= (<u32>load<u8>(p + i)) << (8 * i)
  return number
}
