// Repetition and definition levels of nested columns, a byte each: what Dremel's shredding says of lists and nulls,
// sixteen values at a time. Levels are read in vectors: behind the last there is room for another one.

import { bitsAt, bytesOfBits } from './bits'
import { INPUT_ENDS, MALFORMED, OUTPUT_ENDS } from './fault'
import { readCount, varintEnd } from './varint'

/** Reads `count` levels of at most `most` from the RLE/bit-packed hybrid; answers how many bytes they took. */
export function readLevels(
  src: usize,
  end: usize,
  count: u32,
  most: u32,
  out: usize,
  outEnd: usize,
): i32 {
  if (count > <u32>(outEnd - out)) return OUTPUT_ENDS
  const width = 32 - <u32>clz(most)
  lanes = byteLanes(width)
  factors = laneFactors(width)
  let p = src
  let o = out
  const stop = out + count
  while (o < stop) {
    let header: u32 = 0
    if (p < end && load<i8>(p) >= 0) header = <u32>load<u8>(p++)
    else {
      header = readCount(p, end)
      p = varintEnd
      if (p == 0) return INPUT_ENDS
    }
    const size = header >>> 1
    if (header & 1) {
      // Of the last group a writer may leave out the bytes that hold no level.
      const taken = <u32>min<u64>((<u64>size) << 3, stop - o)
      if ((<u64>taken * width + 7) >>> 3 > <u64>(end - p)) return INPUT_ENDS
      if (unpackBytes(p, end, width, taken, o, outEnd) > most) return MALFORMED
      p += <usize>min<u64>(<u64>size * width, end - p)
      o += taken
    } else {
      if (p >= end) return INPUT_ENDS
      const level = <u32>load<u8>(p++)
      if (level > most) return MALFORMED
      const taken = min(size, <u32>(stop - o))
      fillBytes(o, level, taken, outEnd)
      o += taken
    }
  }
  return <i32>(p - src)
}

/** Short runs are as many as long ones, and a call into the engine costs as much as ten vectors. */
function fillBytes(out: usize, level: u32, count: u32, outEnd: usize): void {
  if (count > 128 || outEnd - out < 128) {
    memory.fill(out, <u8>level, count)
    return
  }
  const sixteen = i8x16.splat(<i8>level)
  for (let at: usize = 0; at < count; at += 16) v128.store(out + at, sixteen)
}

/** What unpacking values of a width takes: made once, because runs are short. */
let lanes: v128 = i64x2.splat(0)
let factors: v128 = i64x2.splat(0)

/** Unpacks values of `width` (at most 7) bits to bytes; answers the largest. */
function unpackBytes(
  src: usize,
  end: usize,
  width: u32,
  count: u32,
  out: usize,
  outEnd: usize,
): u32 {
  let p = src
  let o = out
  let left = count
  const wide = i16x8.splat(<i16>(((<u32>1) << width) - 1))
  let most = i64x2.splat(0)
  for (; left >= 8 && end - p >= 16 && outEnd - o >= 8; left -= 8, o += 8, p += width) {
    const moved = i16x8.mul(i8x16.swizzle(v128.load(p), lanes), factors)
    const values = v128.and(i16x8.shr_u(moved, 8), wide)
    most = i16x8.max_u(most, values)
    v128.store64_lane(o, i8x16.narrow_i16x8_u(values, values), 0)
  }
  let top = largestLane(most)
  const mask = (1 << width) - 1
  for (; left != 0; p += width) {
    let bits = bitsAt(p, end, 0, width << 3)
    const some = min<u32>(8, left)
    for (let i: u32 = 0; i < some; i++, bits >>= width) {
      const level = <u32>bits & mask
      top = max(top, level)
      store<u8>(o++, <u8>level)
    }
    left -= some
  }
  return top
}

/** For each of eight values the two bytes that hold it, the first in the low half. */
function byteLanes(width: u32): v128 {
  let bytes = i16x8.splat(0x0100)
  bytes = i16x8.replace_lane(bytes, 1, laneOf(width))
  bytes = i16x8.replace_lane(bytes, 2, laneOf(2 * width))
  bytes = i16x8.replace_lane(bytes, 3, laneOf(3 * width))
  bytes = i16x8.replace_lane(bytes, 4, laneOf(4 * width))
  bytes = i16x8.replace_lane(bytes, 5, laneOf(5 * width))
  bytes = i16x8.replace_lane(bytes, 6, laneOf(6 * width))
  return i16x8.replace_lane(bytes, 7, laneOf(7 * width))
}

function laneOf(bit: u32): i16 {
  return <i16>((bit >>> 3) * 0x0101 + 0x0100)
}

/** Factors that move each lane's value to bit 8. */
function laneFactors(width: u32): v128 {
  let moves = i16x8.splat(256)
  moves = i16x8.replace_lane(moves, 1, factorOf(width))
  moves = i16x8.replace_lane(moves, 2, factorOf(2 * width))
  moves = i16x8.replace_lane(moves, 3, factorOf(3 * width))
  moves = i16x8.replace_lane(moves, 4, factorOf(4 * width))
  moves = i16x8.replace_lane(moves, 5, factorOf(5 * width))
  moves = i16x8.replace_lane(moves, 6, factorOf(6 * width))
  return i16x8.replace_lane(moves, 7, factorOf(7 * width))
}

function factorOf(bit: u32): i16 {
  return <i16>(<u32>256 >>> (bit & 7))
}

function largestLane(lanes: v128): u32 {
  let most = i16x8.max_u(lanes, i64x2.shr_u(lanes, 32))
  most = i16x8.max_u(most, i64x2.shr_u(most, 16))
  return max<u32>(<u32>i16x8.extract_lane_u(most, 0), <u32>i16x8.extract_lane_u(most, 4))
}

/** As bits, which of the sixteen levels behind `p` are at least `least`; of the last ones only `left` count. */
function atLeast(p: usize, least: v128, left: u32): u32 {
  const bits = <u32>i8x16.bitmask(i8x16.ge_u(v128.load(p), least))
  return left < 16 ? bits & ((1 << left) - 1) : bits
}

/**
 * Whether every value that goes on in a list of the repetition level `level` is an element of it, and so is the one
 * before: an element's definition level is at least `element`. `before` is the definition level of the value before
 * the first.
 */
export function checkRepeats(
  repetitions: usize,
  definitions: usize,
  count: u32,
  level: u32,
  element: u32,
  before: u32,
): i32 {
  if (count == 0) return 0
  if (load<u8>(repetitions) >= level && min(before, <u32>load<u8>(definitions)) < element)
    return MALFORMED
  const levels = i8x16.splat(<i8>level)
  const elements = i8x16.splat(<i8>element)
  for (let at: u32 = 1; at < count; at += 16) {
    const left = count - at
    const repeated = atLeast(repetitions + at, levels, left)
    if (repeated == 0) continue
    const here = atLeast(definitions + at, elements, left)
    const there = atLeast(definitions + at - 1, elements, left)
    if (repeated & ~(here & there)) return MALFORMED
  }
  return 0
}

/** How many values have a repetition level of at most `repetition` and a definition level of at least `definition`. */
export function countSlots(
  repetitions: usize,
  definitions: usize,
  count: u32,
  repetition: u32,
  definition: u32,
): i32 {
  const above = i8x16.splat(<i8>(repetition + 1))
  const least = i8x16.splat(<i8>definition)
  let slots: i32 = 0
  for (let at: u32 = 0; at < count; at += 16) {
    const left = count - at
    slots += popcnt(
      atLeast(definitions + at, least, left) & ~atLeast(repetitions + at, above, left),
    )
  }
  return slots
}

/** How many values come before the one that begins the row behind `rows` others; all, if none does. */
export function rowsEnd(repetitions: usize, count: u32, rows: u32): i32 {
  const one = i8x16.splat(1)
  let left = rows
  for (let at: u32 = 0; at < count; at += 16) {
    const values = count - at
    const all = values < 16 ? (1 << values) - 1 : 0xffff
    let starts = all & ~atLeast(repetitions + at, one, values)
    const found = <u32>popcnt(starts)
    if (found <= left) {
      left -= found
      continue
    }
    for (; left != 0; left--) starts &= starts - 1
    return <i32>(at + <u32>ctz(starts))
  }
  return <i32>count
}

/**
 * Appends to the `toBit` bits of a bitmap one for each slot (countSlots): whether its definition level is at least
 * `present`. Answers how many are.
 */
export function slotBits(
  repetitions: usize,
  definitions: usize,
  count: u32,
  repetition: u32,
  definition: u32,
  present: u32,
  to: usize,
  toBit: u32,
  toEnd: usize,
): i32 {
  if (bytesOfBits(toBit) > toEnd - to) return OUTPUT_ENDS
  const above = i8x16.splat(<i8>(repetition + 1))
  const least = i8x16.splat(<i8>definition)
  const full = i8x16.splat(<i8>present)
  let o = to + (toBit >>> 3)
  let held = toBit & 7
  let bits = held == 0 ? <u64>0 : <u64>load<u8>(o) & ((1 << held) - 1)
  let set: i32 = 0
  for (let at: u32 = 0; at < count; at += 16) {
    const left = count - at
    const slots = atLeast(definitions + at, least, left) & ~atLeast(repetitions + at, above, left)
    const valid = atLeast(definitions + at, full, left) & slots
    const taken = <u32>popcnt(slots)
    set += popcnt(valid)
    bits |= (<u64>packed(valid, slots, taken)) << held
    held += taken
    if (held >= 32) {
      if (toEnd - o < 4) return OUTPUT_ENDS
      store<u32>(o, <u32>bits)
      o += 4
      bits >>= 32
      held -= 32
    }
  }
  if (bytesOfBits(held) > toEnd - o) return OUTPUT_ENDS
  for (; held != 0; held -= min<u32>(8, held), bits >>= 8) store<u8>(o++, <u8>bits)
  return set
}

/** The bits of `valid` at the places of `slots`, side by side. */
function packed(valid: u32, slots: u32, count: u32): u32 {
  if (valid == slots) return (1 << count) - 1
  if (slots == 0xffff || valid == 0) return valid
  let bits: u32 = 0
  let at: u32 = 0
  for (let rest = slots; rest != 0; rest &= rest - 1) bits |= ((valid >>> ctz(rest)) & 1) << at++
  return bits
}

/**
 * Appends the offsets of lists behind the `first` that are there, of which the last says how many elements there are:
 * a list is a slot (countSlots), its elements are the values of at most the next repetition level and at least the
 * definition level `element`. Answers how many lists it appends; the offset behind the last one is written.
 */
export function listOffsets(
  repetitions: usize,
  definitions: usize,
  count: u32,
  repetition: u32,
  definition: u32,
  element: u32,
  offsets: usize,
  first: u32,
  offsetsEnd: usize,
): i32 {
  if ((<u64>first + 1) << 2 > offsetsEnd - offsets) return OUTPUT_ENDS
  const above = i8x16.splat(<i8>(repetition + 1))
  const beyond = i8x16.splat(<i8>(repetition + 2))
  const least = i8x16.splat(<i8>definition)
  const elements = i8x16.splat(<i8>element)
  const start = offsets + ((<usize>first) << 2)
  let o = start
  let total = load<u32>(o)
  for (let at: u32 = 0; at < count; at += 16) {
    const left = count - at
    const rep = repetitions + at
    const def = definitions + at
    const held = atLeast(def, elements, left) & ~atLeast(rep, beyond, left)
    const lists = atLeast(def, least, left) & ~atLeast(rep, above, left)
    if ((<usize>popcnt(lists) + 1) << 2 > offsetsEnd - o) return OUTPUT_ENDS
    for (let rest = lists; rest != 0; rest &= rest - 1, o += 4)
      store<u32>(o, total + <u32>popcnt(held & ((rest & (0 - rest)) - 1)))
    total += <u32>popcnt(held)
  }
  store<u32>(o, total)
  return <i32>((o - start) >>> 2)
}
