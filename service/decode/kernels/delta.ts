// DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY: Encodings.md of apache/parquet-format.

import { copyBytes } from './copy'
import { INPUT_ENDS, MALFORMED, OUTPUT_ENDS, WRONG_COUNT } from './fault'
import { readCount, readZigzag, varintEnd } from './varint'

/** One past the encoded integers that were read last. */
let deltasEnd: usize = 0

/** Miniblocks as the format allows them: whole groups of 32 values. The first bound keeps products below 2^32. */
const BLOCK_MAX: u32 = 1 << 20

function packedAt(p: usize, end: usize, bit: u32, width: u32): u64 {
  const at = p + (bit >>> 3)
  const shift = <u64>(bit & 7)
  let low: u64 = 0
  let high: u64 = 0
  if (at < end && end - at >= 9) {
    low = load<u64>(at)
    high = <u64>load<u8>(at, 8)
  } else {
    for (let i: usize = 0; i < 8 && at + i < end; i++) low |= (<u64>load<u8>(at + i)) << (i << 3)
    if (at < end && end - at > 8) high = <u64>load<u8>(at, 8)
  }
  let value = low >> shift
  if (shift != 0) value |= high << (64 - shift)
  return width == 64 ? value : value & (((<u64>1) << width) - 1)
}

function deltas<T>(src: usize, end: usize, count: u32, out: usize, outEnd: usize): i32 {
  if (<u64>count * sizeof<T>() > outEnd - out) return OUTPUT_ENDS
  deltasEnd = src
  // A page of nulls has no header to speak of.
  if (count == 0 && src == end) return 0
  const blockSize = readCount(src, end)
  if (varintEnd == 0) return INPUT_ENDS
  const miniblocks = readCount(varintEnd, end)
  if (varintEnd == 0) return INPUT_ENDS
  const total = readCount(varintEnd, end)
  if (varintEnd == 0) return INPUT_ENDS
  let value = readZigzag(varintEnd, end)
  if (varintEnd == 0) return INPUT_ENDS
  if (total != count) return WRONG_COUNT
  if (blockSize == 0 || blockSize > BLOCK_MAX || miniblocks == 0) return MALFORMED
  const perMiniblock = blockSize / miniblocks
  if (perMiniblock * miniblocks != blockSize || (perMiniblock & 31) != 0) return MALFORMED
  let p = varintEnd
  deltasEnd = p
  if (count == 0) return 0
  store<T>(out, <T>value)
  let o = out + sizeof<T>()
  let left = count - 1
  while (left != 0) {
    const least = readZigzag(p, end)
    if (varintEnd == 0 || miniblocks > end - varintEnd) return INPUT_ENDS
    const widths = varintEnd
    p = widths + miniblocks
    for (let m: u32 = 0; m < miniblocks && left != 0; m++) {
      const width = <u32>load<u8>(widths + m)
      if (width > 64) return MALFORMED
      const taken = min(perMiniblock, left)
      if (<usize>((<u64>taken * width + 7) >> 3) > end - p) return INPUT_ENDS
      const stop = o + <usize>taken * sizeof<T>()
      for (let bit: u32 = 0; o < stop; o += sizeof<T>(), bit += width) {
        value += least + <i64>packedAt(p, end, bit, width)
        store<T>(o, <T>value)
      }
      left -= taken
      // The last miniblock may lack its padding.
      p += min<usize>((perMiniblock * width) >>> 3, end - p)
    }
  }
  deltasEnd = p
  return <i32>count
}

/** Fills `count` integers of 4 or 8 bytes; they wrap, as the format wants. */
export function deltaIntegers(
  src: usize,
  end: usize,
  count: u32,
  width: u32,
  out: usize,
  outEnd: usize,
): i32 {
  return width == 8
    ? deltas<i64>(src, end, count, out, outEnd)
    : deltas<i32>(src, end, count, out, outEnd)
}

/** As plainBytes: all lengths first, then all bytes. */
export function deltaLengthBytes(
  src: usize,
  end: usize,
  count: u32,
  offsets: usize,
  offsetsEnd: usize,
  data: usize,
  at: u32,
  dataEnd: usize,
): i32 {
  if ((<u64>count + 1) << 2 > offsetsEnd - offsets || at > dataEnd - data) return OUTPUT_ENDS
  const fault = deltas<i32>(src, end, count, offsets + 4, offsetsEnd)
  if (fault < 0) return fault
  store<u32>(offsets, at)
  const held = <u32>(end - deltasEnd)
  let length: u32 = 0
  for (let i: u32 = 1; i <= count; i++) {
    const more = load<u32>(offsets + ((<usize>i) << 2))
    // Also catches negative lengths.
    if (more > held - length) return INPUT_ENDS
    length += more
    store<u32>(offsets + ((<usize>i) << 2), at + length)
  }
  if (length > dataEnd - data - at) return OUTPUT_ENDS
  memory.copy(data + at, deltasEnd, length)
  return <i32>(at + length)
}

/**
 * The first of two passes of DELTA_BYTE_ARRAY: notes in `room` (8 bytes for each value, and 4 more) the lengths of
 * the shared beginnings, of the rests, and where the rests begin. Answers the bytes of all values.
 */
export function deltaBytesLength(
  src: usize,
  end: usize,
  count: u32,
  room: usize,
  roomEnd: usize,
): f64 {
  if (((<u64>count) << 3) + 4 > roomEnd - room) return <f64>OUTPUT_ENDS
  const rests = room + ((<usize>count) << 2)
  let fault = deltas<i32>(src, end, count, room, roomEnd)
  if (fault < 0) return <f64>fault
  fault = deltas<i32>(deltasEnd, end, count, rests, roomEnd)
  if (fault < 0) return <f64>fault
  store<u32>(rests + ((<usize>count) << 2), <u32>deltasEnd)
  let held = <u32>(end - deltasEnd)
  let before: u32 = 0
  let total: u64 = 0
  for (let i: usize = 0; i < <usize>count; i++) {
    const shared = load<u32>(room + (i << 2))
    const rest = load<u32>(rests + (i << 2))
    if (shared > before) return <f64>MALFORMED
    if (rest > held) return <f64>INPUT_ENDS
    held -= rest
    before = shared + rest
    total += before
  }
  return <f64>total
}

/** The second pass, with the notes of the first: as plainBytes. */
export function deltaBytes(
  room: usize,
  count: u32,
  end: usize,
  offsets: usize,
  offsetsEnd: usize,
  data: usize,
  at: u32,
  dataEnd: usize,
): i32 {
  if ((<u64>count + 1) << 2 > offsetsEnd - offsets || at > dataEnd - data) return OUTPUT_ENDS
  const rests = room + ((<usize>count) << 2)
  let p = <usize>load<u32>(rests + ((<usize>count) << 2))
  let d = data + at
  let before = d
  store<u32>(offsets, at)
  for (let i: usize = 0; i < <usize>count; i++) {
    const shared = load<u32>(room + (i << 2))
    const rest = load<u32>(rests + (i << 2))
    if (<u64>shared + rest > dataEnd - d) return OUTPUT_ENDS
    // The value before ends where this one begins: the copies never overlap.
    copyBytes(d, before, shared, dataEnd, d)
    copyBytes(d + shared, p, rest, dataEnd, end)
    before = d
    d += shared + rest
    p += rest
    store<u32>(offsets + ((i + 1) << 2), <u32>(d - data))
  }
  return <i32>(d - data)
}
