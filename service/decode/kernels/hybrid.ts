// The RLE/bit-packed hybrid: Encodings.md of apache/parquet-format. A reader's place is kept in 32 bytes of memory,
// so that a page can be read in pieces and many pages side by side.

import { appendBits, appendRun } from './bits'
import { INPUT_ENDS, MALFORMED, OUTPUT_ENDS, OUTSIDE_DICTIONARY } from './fault'
import { largest, unpack } from './unpack'
import { readCount, varintEnd } from './varint'

/** Next byte; in a packed run the group in which the next value lies. */
const POSITION: usize = 0
const END: usize = 4
const WIDTH: usize = 8
/** Values left in the run. */
const LEFT: usize = 12
const PACKED: usize = 16
/** The value that a run repeats. */
const VALUE: usize = 20
/** Values of the group at POSITION that are read already. */
const SKIP: usize = 24

function start(state: usize, src: usize, end: usize, width: u32): void {
  memory.fill(state, 0, 32)
  store<u32>(state, <u32>src, POSITION)
  store<u32>(state, <u32>end, END)
  store<u32>(state, width, WIDTH)
}

/** Begins a page of dictionary indices: their width in bits is its first byte. */
export function startIndices(state: usize, src: usize, end: usize): i32 {
  if (src >= end) return INPUT_ENDS
  const width = <u32>load<u8>(src)
  if (width > 32) return MALFORMED
  start(state, src + 1, end, width)
  return <i32>width
}

/** Reads a run's header. Runs of nothing are legal; they take a byte each, so the loop of the callers ends. */
function nextRun(state: usize): i32 {
  const end = <usize>load<u32>(state, END)
  const width = load<u32>(state, WIDTH)
  const header = readCount(load<u32>(state, POSITION), end)
  let p = varintEnd
  if (p == 0) return INPUT_ENDS
  const count = header >>> 1
  if (header & 1) {
    // The last group may be cut short: what is there counts, and asking for more is an error.
    const held: u64 = width == 0 ? (<u64>count) << 3 : ((<u64>(end - p)) << 3) / width
    store<u32>(state, <u32>min<u64>(min<u64>((<u64>count) << 3, held), i32.MAX_VALUE), LEFT)
  } else {
    const bytes = (width + 7) >>> 3
    if (bytes > end - p) return INPUT_ENDS
    let value: u32 = 0
    for (let i: u32 = 0; i < bytes; i++) value |= (<u32>load<u8>(p++)) << (i << 3)
    store<u32>(state, value, VALUE)
    store<u32>(state, count, LEFT)
  }
  store<u32>(state, <u32>p, POSITION)
  store<u32>(state, header & 1, PACKED)
  store<u32>(state, 0, SKIP)
  return 0
}

/** Steps over `count` values of a packed run; behind its last group the next header follows. */
function advance(state: usize, count: u32): void {
  const width = load<u32>(state, WIDTH)
  const values = load<u32>(state, SKIP) + count
  const left = load<u32>(state, LEFT) - count
  const groups = left == 0 ? (values + 7) >>> 3 : values >>> 3
  const position = <u64>load<u32>(state, POSITION) + <u64>groups * width
  store<u32>(state, <u32>min<u64>(position, load<u32>(state, END)), POSITION)
  store<u32>(state, values & 7, SKIP)
  store<u32>(state, left, LEFT)
}

/** Reads `count` values below `limit` as u32. */
export function readIndices(state: usize, count: u32, limit: u32, out: usize, outEnd: usize): i32 {
  if (count > <u32>(outEnd - out) >>> 2) return OUTPUT_ENDS
  let o = out
  let left = count
  while (left != 0) {
    const inRun = load<u32>(state, LEFT)
    if (inRun == 0) {
      const fault = nextRun(state)
      if (fault < 0) return fault
      continue
    }
    const taken = min(inRun, left)
    if (load<u32>(state, PACKED)) {
      unpackRun(state, taken, o)
      if (largest >= limit) return OUTSIDE_DICTIONARY
      advance(state, taken)
    } else {
      const value = load<u32>(state, VALUE)
      if (value >= limit) return OUTSIDE_DICTIONARY
      fillWords(o, taken, value)
      store<u32>(state, inRun - taken, LEFT)
    }
    o += (<usize>taken) << 2
    left -= taken
  }
  return <i32>count
}

function unpackRun(state: usize, count: u32, out: usize): void {
  unpack(
    load<u32>(state, POSITION),
    load<u32>(state, END),
    load<u32>(state, WIDTH),
    load<u32>(state, SKIP),
    count,
    out,
  )
}

function fillWords(out: usize, count: u32, value: u32): void {
  const stop = out + ((<usize>count) << 2)
  const four = i32x4.splat(value)
  let o = out
  for (; stop - o >= 16; o += 16) v128.store(o, four)
  for (; o < stop; o += 4) store<u32>(o, value)
}

/**
 * Reads `count` values of one bit each and appends them to a bitmap of `toBit` bits: definition levels of a column
 * that is not nested, or booleans. Answers how many are set. Runs are short where nulls are rare, so that this keeps
 * its place in locals.
 */
export function readBits(
  src: usize,
  end: usize,
  count: u32,
  to: usize,
  toBit: u32,
  toEnd: usize,
): i32 {
  let p = src
  let set: i32 = 0
  let done: u32 = 0
  while (done < count) {
    let header: u32 = 0
    if (p < end && load<i8>(p) >= 0) header = <u32>load<u8>(p++)
    else {
      header = readCount(p, end)
      p = varintEnd
      if (p == 0) return INPUT_ENDS
    }
    let more: i32
    let taken = header >>> 1
    if (header & 1) {
      const bytes = min(taken, <u32>(end - p))
      taken = min(min(bytes, u32.MAX_VALUE >>> 4) << 3, count - done)
      // Groups that the input does not have: the next header is missing, which is an error.
      more = appendBits(p, end, 0, taken, to, toBit + done, toEnd)
      p += bytes
    } else {
      if (p >= end) return INPUT_ENDS
      const level = <u32>load<u8>(p++)
      if (level > 1) return MALFORMED
      taken = min(taken, count - done)
      more = appendRun(level, taken, to, toBit + done, toEnd)
    }
    if (more < 0) return more
    set += more
    done += taken
  }
  return set
}
