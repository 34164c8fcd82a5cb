// PLAIN values of a physical type as values of another width or order of bytes.

import { INPUT_ENDS, OUTPUT_ENDS, OUTSIDE_TYPE } from './fault'

/** 1970-01-01 as a Julian day. */
const EPOCH_DAY: i64 = 2440588
const DAY_NS: i64 = 86_400_000_000_000

/** Fixed-width values as they are. */
export function plainFixed(
  src: usize,
  end: usize,
  count: u32,
  width: u32,
  out: usize,
  outEnd: usize,
): i32 {
  if (<u64>count * width > end - src) return INPUT_ENDS
  if (<u64>count * width > outEnd - out) return OUTPUT_ENDS
  memory.copy(out, src, <usize>count * width)
  return <i32>count
}

/** INT96, nanoseconds of the day and a Julian day, as nanoseconds since the epoch; they wrap as parquet-rs's do. */
export function int96(src: usize, end: usize, count: u32, out: usize, outEnd: usize): i32 {
  if (<u64>count * 12 > end - src) return INPUT_ENDS
  if ((<u64>count) << 3 > outEnd - out) return OUTPUT_ENDS
  for (let i: usize = 0; i < <usize>count; i++) {
    const p = src + i * 12
    const day = <i64>load<u32>(p, 8) - EPOCH_DAY
    store<i64>(out + (i << 3), day * DAY_NS + load<i64>(p))
  }
  return <i32>count
}

/** int32 as 8 or 16 bits, signed or not. A value that does not fit is a fault: it must not change in silence. */
export function narrow(
  src: usize,
  end: usize,
  count: u32,
  width: u32,
  signed: u32,
  out: usize,
  outEnd: usize,
): i32 {
  if ((<u64>count) << 2 > end - src) return INPUT_ENDS
  if (<u64>count * width > outEnd - out) return OUTPUT_ENDS
  const bits = width << 3
  const least: i32 = signed ? -(1 << (bits - 1)) : 0
  const span: u32 = ((<u32>1) << bits) - 1
  for (let i: usize = 0; i < <usize>count; i++) {
    const value = load<i32>(src + (i << 2))
    if (<u32>(value - least) > span) return OUTSIDE_TYPE
    if (width == 1) store<u8>(out + i, <u8>value)
    else store<u16>(out + (i << 1), <u16>value)
  }
  return <i32>count
}

/** Signed integers of 4 or 8 bytes as wider ones of 8, 16 or 32. */
export function widen(
  src: usize,
  end: usize,
  count: u32,
  width: u32,
  out: usize,
  outWidth: u32,
  outEnd: usize,
): i32 {
  if (<u64>count * width > end - src) return INPUT_ENDS
  if (<u64>count * outWidth > outEnd - out) return OUTPUT_ENDS
  for (let i: usize = 0; i < <usize>count; i++) {
    const value = width == 4 ? <i64>load<i32>(src + (i << 2)) : load<i64>(src + (i << 3))
    const o = out + i * outWidth
    store<i64>(o, value)
    for (let word: u32 = 8; word < outWidth; word += 8) store<i64>(o + word, value >> 63)
  }
  return <i32>count
}

/** One big-endian two's complement number as a little-endian one; what does not fit is a fault. */
function reverse(p: usize, length: u32, o: usize, outWidth: u32): bool {
  if (length == 0) {
    memory.fill(o, 0, outWidth)
    return true
  }
  const sign: u8 = load<i8>(p) < 0 ? 0xff : 0
  let surplus: u32 = 0
  if (length > outWidth) {
    surplus = length - outWidth
    for (let i: u32 = 0; i < surplus; i++) if (load<u8>(p + i) != sign) return false
    if (<u8>(load<i8>(p + surplus) < 0 ? 0xff : 0) != sign) return false
  }
  const kept = length - surplus
  for (let i: u32 = 0; i < kept; i++) store<u8>(o + i, load<u8>(p + length - 1 - i))
  memory.fill(o + kept, sign, outWidth - kept)
  return true
}

/** Decimals of fixed_len_byte_array. */
export function reverseFixed(
  src: usize,
  end: usize,
  count: u32,
  width: u32,
  out: usize,
  outWidth: u32,
  outEnd: usize,
): i32 {
  if (<u64>count * width > end - src) return INPUT_ENDS
  if (<u64>count * outWidth > outEnd - out) return OUTPUT_ENDS
  if (width != 0 && width <= 16 && outWidth == 16) {
    reverseTo16(src, end, count, width, out)
    return <i32>count
  }
  for (let i: usize = 0; i < <usize>count; i++)
    if (!reverse(src + i * width, width, out + i * outWidth, outWidth)) return OUTSIDE_TYPE
  return <i32>count
}

/** The usual case: up to 16 bytes to 128 bits, by two words instead of byte by byte. */
function reverseTo16(src: usize, end: usize, count: u32, width: u32, out: usize): void {
  const highBytes: u32 = width > 8 ? width - 8 : 0
  for (let i: usize = 0; i < <usize>count; i++) {
    const p = src + i * width
    const sign = <i64>load<i8>(p) >> 63
    const low = bigEndian(p + highBytes, width - highBytes, sign)
    store<i64>(out + (i << 4), low)
    store<i64>(out + (i << 4), highBytes == 0 ? sign : bigEndian(p, highBytes, sign), 8)
  }
}

function bigEndian(p: usize, length: u32, sign: i64): i64 {
  if (length == 8) return bswap<i64>(load<i64>(p))
  let word = sign
  for (let i: u32 = 0; i < length; i++) word = (word << 8) | <i64>load<u8>(p + i)
  return word
}

/** Decimals of byte_array, PLAIN. */
export function reverseBytes(
  src: usize,
  end: usize,
  count: u32,
  out: usize,
  outWidth: u32,
  outEnd: usize,
): i32 {
  if (<u64>count * outWidth > outEnd - out) return OUTPUT_ENDS
  let p = src
  for (let i: usize = 0; i < <usize>count; i++) {
    if (end - p < 4) return INPUT_ENDS
    const length = load<u32>(p)
    p += 4
    if (length > end - p) return INPUT_ENDS
    if (!reverse(p, length, out + i * outWidth, outWidth)) return OUTSIDE_TYPE
    p += length
  }
  return <i32>count
}

/** Decimals of byte_array whose bytes are decoded already: values `offsets[i]` to `offsets[i + 1]` of `data`. */
export function reverseSlices(
  offsets: usize,
  count: u32,
  data: usize,
  out: usize,
  outWidth: u32,
  outEnd: usize,
): i32 {
  if (<u64>count * outWidth > outEnd - out) return OUTPUT_ENDS
  for (let i: usize = 0; i < <usize>count; i++) {
    const start = load<u32>(offsets + (i << 2))
    const length = load<u32>(offsets + (i << 2), 4) - start
    if (!reverse(data + start, length, out + i * outWidth, outWidth)) return OUTSIDE_TYPE
  }
  return <i32>count
}

/** Whether each value between the offsets has `width` bytes. */
export function evenSlices(offsets: usize, count: u32, width: u32): i32 {
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = offsets + (i << 2)
    if (load<u32>(at, 4) - load<u32>(at) != width) return OUTSIDE_TYPE
  }
  return <i32>count
}
