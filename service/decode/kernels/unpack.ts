// Bit-packed unsigned integers: eight of `width` bits take `width` bytes.

import { bitsAt } from './bits'

/** The largest of the values unpacked last: one comparison per batch keeps every index inside its dictionary. */
export let largest: u32 = 0

/** Four values of at most 25 bits shift into place by one multiplication: 25 + 7 bits of a lane. */
const VECTOR_WIDTH_MAX: u32 = 25

/** Eight values of at most 8 bits fit the lanes of one vector: 8 + 7 bits of 16. Half the work of wider ones. */
const NARROW_WIDTH_MAX: u32 = 8

/**
 * Unpacks `count` values behind the first `skip` (0 to 7) of the group at `p`. Bits behind `end` are taken as 0:
 * the caller knows that all it asks for are there.
 */
export function unpack(p: usize, end: usize, width: u32, skip: u32, count: u32, out: usize): void {
  let group = p
  let o = out
  let left = count
  largest = 0
  if (skip != 0) {
    const head = min<u32>(8 - skip, left)
    unpackScalar(group, end, width, skip * width, head, o)
    o += head << 2
    left -= head
    group += width
  }
  if (left >= 32 && width != 0 && width <= VECTOR_WIDTH_MAX) {
    const groups = vectorGroups(group, end, width, left)
    if (width <= NARROW_WIDTH_MAX) unpackNarrow(group, width, groups, o)
    else unpackVector(group, width, groups, o)
    group += groups * width
    o += groups << 5
    left -= groups << 3
  }
  while (left != 0) {
    const some = min<u32>(8, left)
    unpackScalar(group, end, width, 0, some, o)
    o += some << 2
    left -= some
    group += width
  }
}

/** Groups of eight that can be read in vectors of 16 bytes without passing `end`. */
function vectorGroups(p: usize, end: usize, width: u32, left: u32): u32 {
  const lastRead = (width >>> 1) + 16
  const bytes = <u32>(end - p)
  return bytes < lastRead ? 0 : min((bytes - lastRead) / width + 1, left >>> 3)
}

function unpackScalar(
  p: usize,
  end: usize,
  width: u32,
  firstBit: u32,
  count: u32,
  out: usize,
): void {
  let bit = firstBit
  let top = largest
  for (let i: u32 = 0; i < count; i++, bit += width) {
    const value = <u32>bitsAt(p, end, bit, width)
    top = max(top, value)
    store<u32>(out + (i << 2), value)
  }
  largest = top
}

/** Bytes to bring into each lane, for four values from bit `bit` on. */
function lanes(bit: u32, width: u32): v128 {
  let bytes = i32x4.splat((bit >>> 3) * 0x01010101)
  bytes = i32x4.replace_lane(bytes, 1, ((bit + width) >>> 3) * 0x01010101)
  bytes = i32x4.replace_lane(bytes, 2, ((bit + 2 * width) >>> 3) * 0x01010101)
  bytes = i32x4.replace_lane(bytes, 3, ((bit + 3 * width) >>> 3) * 0x01010101)
  return i32x4.add(bytes, i32x4.splat(0x03020100))
}

/** Factors that move each lane's value to bit 7. */
function shifts(bit: u32, width: u32): v128 {
  let factors = i32x4.splat(128 >>> (bit & 7))
  factors = i32x4.replace_lane(factors, 1, 128 >>> ((bit + width) & 7))
  factors = i32x4.replace_lane(factors, 2, 128 >>> ((bit + 2 * width) & 7))
  return i32x4.replace_lane(factors, 3, 128 >>> ((bit + 3 * width) & 7))
}

function unpackVector(p: usize, width: u32, groups: u32, out: usize): void {
  const mask = i32x4.splat((1 << width) - 1)
  const half = width >>> 1
  const rest = (width & 1) << 2
  const lowLanes = lanes(0, width)
  const lowShifts = shifts(0, width)
  const highLanes = lanes(rest, width)
  const highShifts = shifts(rest, width)
  let top = i32x4.splat(largest)
  let group = p
  const stop = out + (groups << 5)
  for (let o = out; o < stop; o += 32, group += width) {
    let low = i32x4.mul(i8x16.swizzle(v128.load(group), lowLanes), lowShifts)
    low = v128.and(i32x4.shr_u(low, 7), mask)
    let high = i32x4.mul(i8x16.swizzle(v128.load(group + half), highLanes), highShifts)
    high = v128.and(i32x4.shr_u(high, 7), mask)
    v128.store(o, low)
    v128.store(o, high, 16)
    top = i32x4.max_u(top, i32x4.max_u(low, high))
  }
  largest = largestLane(top)
}

function unpackNarrow(p: usize, width: u32, groups: u32, out: usize): void {
  const mask = i16x8.splat(<i16>(((<u32>1) << width) - 1))
  let bytes = i16x8.splat(0)
  let factors = i16x8.splat(256)
  bytes = i16x8.replace_lane(bytes, 1, narrowLane(width))
  bytes = i16x8.replace_lane(bytes, 2, narrowLane(2 * width))
  bytes = i16x8.replace_lane(bytes, 3, narrowLane(3 * width))
  bytes = i16x8.replace_lane(bytes, 4, narrowLane(4 * width))
  bytes = i16x8.replace_lane(bytes, 5, narrowLane(5 * width))
  bytes = i16x8.replace_lane(bytes, 6, narrowLane(6 * width))
  bytes = i16x8.replace_lane(bytes, 7, narrowLane(7 * width))
  bytes = i16x8.add(bytes, i16x8.splat(0x0100))
  factors = i16x8.replace_lane(factors, 1, narrowFactor(width))
  factors = i16x8.replace_lane(factors, 2, narrowFactor(2 * width))
  factors = i16x8.replace_lane(factors, 3, narrowFactor(3 * width))
  factors = i16x8.replace_lane(factors, 4, narrowFactor(4 * width))
  factors = i16x8.replace_lane(factors, 5, narrowFactor(5 * width))
  factors = i16x8.replace_lane(factors, 6, narrowFactor(6 * width))
  factors = i16x8.replace_lane(factors, 7, narrowFactor(7 * width))
  let top = i16x8.splat(0)
  let group = p
  const stop = out + (groups << 5)
  for (let o = out; o < stop; o += 32, group += width) {
    const moved = i16x8.mul(i8x16.swizzle(v128.load(group), bytes), factors)
    const values = v128.and(i16x8.shr_u(moved, 8), mask)
    v128.store(o, i32x4.extend_low_i16x8_u(values))
    v128.store(o, i32x4.extend_high_i16x8_u(values), 16)
    top = i16x8.max_u(top, values)
  }
  top = i32x4.max_u(i32x4.extend_low_i16x8_u(top), i32x4.extend_high_i16x8_u(top))
  largest = max(largest, largestLane(top))
}

/** The two bytes that hold bit `bit` and those behind it, the first in both places. */
function narrowLane(bit: u32): i16 {
  return <i16>((bit >>> 3) * 0x0101)
}

/** Moves the value at bit `bit` to the upper byte of its lane. */
function narrowFactor(bit: u32): i16 {
  return <i16>(<u32>256 >>> (bit & 7))
}

function largestLane(lanes: v128): u32 {
  return max(
    max<u32>(i32x4.extract_lane(lanes, 0), i32x4.extract_lane(lanes, 1)),
    max<u32>(i32x4.extract_lane(lanes, 2), i32x4.extract_lane(lanes, 3)),
  )
}
