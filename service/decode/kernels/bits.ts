// Bitmaps, least significant bit first: Arrow's validity and booleans.

import { INPUT_ENDS, OUTPUT_ENDS } from './fault'

export function bytesOfBits(count: u32): u32 {
  return (count >>> 3) + <u32>((count & 7) != 0)
}

/** `width` (at most 56) bits at bit `bit` behind `p`; bits behind `end` are 0. */
export function bitsAt(p: usize, end: usize, bit: u32, width: u32): u64 {
  const at = p + (bit >>> 3)
  const mask = ((<u64>1) << width) - 1
  if (end - at >= 8 && at < end) return (load<u64>(at) >> (bit & 7)) & mask
  let word: u64 = 0
  for (let i: usize = 0; i < 8 && at + i < end; i++) word |= (<u64>load<u8>(at + i)) << (i << 3)
  return (word >> (bit & 7)) & mask
}

/**
 * Appends bits `fromBit` to `fromBit + count` of `from` to the `toBit` bits of `to`; answers how many are set.
 * The rest of the last byte becomes 0, so that a bitmap never shows what lay there before.
 */
export function appendBits(
  from: usize,
  fromEnd: usize,
  fromBit: u32,
  count: u32,
  to: usize,
  toBit: u32,
  toEnd: usize,
): i32 {
  if (bytesOfBits(fromBit + count) > fromEnd - from) return INPUT_ENDS
  if (bytesOfBits(toBit + count) > toEnd - to) return OUTPUT_ENDS
  let set: i32 = 0
  let read = fromBit
  let left = count
  let o = to + (toBit >>> 3)
  const used = toBit & 7
  if (used != 0 && left != 0) {
    const taken = min<u32>(8 - used, left)
    const bits = <u32>bitsAt(from, fromEnd, read, taken)
    store<u8>(o, <u8>((<u32>load<u8>(o) & ((1 << used) - 1)) | (bits << used)))
    set += <i32>popcnt(bits)
    o++
    read += taken
    left -= taken
  }
  for (; left >= 32; left -= 32, read += 32, o += 4) {
    const bits = <u32>bitsAt(from, fromEnd, read, 32)
    store<u32>(o, bits)
    set += <i32>popcnt(bits)
  }
  while (left != 0) {
    const taken = min<u32>(8, left)
    const bits = <u32>bitsAt(from, fromEnd, read, taken)
    store<u8>(o++, <u8>bits)
    set += <i32>popcnt(bits)
    read += taken
    left -= taken
  }
  return set
}

/** Appends `count` times the same bit. */
export function appendRun(bit: u32, count: u32, to: usize, toBit: u32, toEnd: usize): i32 {
  if (bytesOfBits(toBit + count) > toEnd - to) return OUTPUT_ENDS
  const fill: u32 = bit ? 0xff : 0
  let left = count
  let o = to + (toBit >>> 3)
  const used = toBit & 7
  if (used != 0 && left != 0) {
    const taken = min<u32>(8 - used, left)
    const bits = fill & ((1 << taken) - 1)
    store<u8>(o, <u8>((<u32>load<u8>(o) & ((1 << used) - 1)) | (bits << used)))
    o++
    left -= taken
  }
  memory.fill(o, <u8>fill, left >>> 3)
  o += left >>> 3
  if (left & 7) store<u8>(o, <u8>(fill & ((1 << (left & 7)) - 1)))
  return bit ? <i32>count : 0
}

/**
 * Appends `count` bits: those of `from`, one after the other from bit `fromBit` on, where a row is present, 0 where it
 * is null. `from` has as many bits as there are rows present.
 */
export function spreadBits(
  from: usize,
  fromEnd: usize,
  fromBit: u32,
  validity: usize,
  validityEnd: usize,
  first: u32,
  count: u32,
  to: usize,
  toEnd: usize,
): i32 {
  if (bytesOfBits(first + count) > toEnd - to) return OUTPUT_ENDS
  if (bytesOfBits(first + count) > validityEnd - validity) return INPUT_ENDS
  let read = fromBit
  for (let row = first; row < first + count;) {
    const used = row & 7
    const taken = min<u32>(8 - used, first + count - row)
    const valid = <u32>bitsAt(validity, validityEnd, row, taken)
    const present = <u32>popcnt(valid)
    if (bytesOfBits(read + present) > fromEnd - from) return INPUT_ENDS
    let values = <u32>bitsAt(from, fromEnd, read, present)
    let bits: u32 = 0
    for (let i: u32 = 0; i < taken; i++) {
      const bit = (valid >>> i) & 1
      bits |= (values & bit) << i
      values >>>= bit
    }
    const o = to + (row >>> 3)
    const kept = used == 0 ? 0 : <u32>load<u8>(o) & ((1 << used) - 1)
    store<u8>(o, <u8>(kept | (bits << used)))
    read += present
    row += taken
  }
  return <i32>(read - fromBit)
}

/** How many of `count` bits from bit `first` on are set. */
export function countBits(bits: usize, end: usize, first: u32, count: u32): i32 {
  if (bytesOfBits(first + count) > end - bits) return INPUT_ENDS
  let set: i32 = 0
  let left = count
  let at = first
  for (; left >= 56; left -= 56, at += 56) set += <i32>popcnt(bitsAt(bits, end, at, 56))
  return set + <i32>popcnt(bitsAt(bits, end, at, left))
}
