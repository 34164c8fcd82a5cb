// PLAIN byte arrays: a length of 32 bits before each value.

import { copyBytes } from './copy'
import { INPUT_ENDS, OUTPUT_ENDS } from './fault'

/**
 * Appends `count` values to the `at` bytes of `data`, and `count` offsets behind the one that `offsets` begins with.
 * Answers the bytes of `data` then.
 */
export function plainBytes(
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
  let p = src
  let d = data + at
  let q = offsets
  store<u32>(q, at)
  for (let i: u32 = 0; i < count; i++) {
    if (end - p < 4) return INPUT_ENDS
    const length = load<u32>(p)
    p += 4
    if (length > end - p) return INPUT_ENDS
    if (length > dataEnd - d) return OUTPUT_ENDS
    copyBytes(d, p, length, dataEnd, end)
    p += length
    d += length
    q += 4
    store<u32>(q, <u32>(d - data))
  }
  return <i32>(d - data)
}

/** Steps over `count` values; answers the bytes they take. */
export function skipBytes(src: usize, end: usize, count: u32): i32 {
  let p = src
  for (let i: u32 = 0; i < count; i++) {
    if (end - p < 4) return INPUT_ENDS
    const length = load<u32>(p)
    p += 4
    if (length > end - p) return INPUT_ENDS
    p += length
  }
  return <i32>(p - src)
}

/** Notes address and length of `count` values, eight bytes each; answers the length of the longest. */
export function byteTable(src: usize, end: usize, count: u32, table: usize, tableEnd: usize): i32 {
  if ((<u64>count) << 3 > tableEnd - table) return OUTPUT_ENDS
  let p = src
  let longest: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    if (end - p < 4) return INPUT_ENDS
    const length = load<u32>(p)
    p += 4
    if (length > end - p) return INPUT_ENDS
    const entry = table + ((<usize>i) << 3)
    store<u32>(entry, <u32>p)
    store<u32>(entry, length, 4)
    longest = max(longest, length)
    p += length
  }
  return <i32>longest
}

/** Bytes of the values that the indices name. A float, because they may pass 2^31. */
export function gatherBytesLength(indices: usize, count: u32, table: usize): f64 {
  let total: u64 = 0
  const stop = indices + ((<usize>count) << 2)
  for (let p = indices; p < stop; p += 4)
    total += <u64>load<u32>(table + ((<usize>load<u32>(p)) << 3), 4)
  return <f64>total
}

/** Short entries are copied as so many bytes, whatever they have. */
const SHORT_BYTES: u32 = 16
/** Behind the last entry so much may be read, and written where all values are as long as the longest. */
const SLACK_BYTES: u64 = 64

/**
 * As plainBytes, for values of a dictionary; `dictionaryEnd` is where reading must stop, SLACK_BYTES behind the last
 * entry, and no entry has more than `longest` bytes.
 */
export function gatherBytes(
  indices: usize,
  count: u32,
  table: usize,
  longest: u32,
  dictionaryEnd: usize,
  offsets: usize,
  offsetsEnd: usize,
  data: usize,
  at: u32,
  dataEnd: usize,
): i32 {
  if ((<u64>count + 1) << 2 > offsetsEnd - offsets || at > dataEnd - data) return OUTPUT_ENDS
  let d = data + at
  let q = offsets
  store<u32>(q, at)
  const stop = indices + ((<usize>count) << 2)
  // Where the longest would fit that often, no value can pass the end: without checks and branches the loop takes half
  // the time.
  if (longest <= SHORT_BYTES && <u64>count * longest + SLACK_BYTES <= <u64>(dataEnd - d)) {
    for (let p = indices; p < stop; p += 4) {
      const entry = load<u64>(table + ((<usize>load<u32>(p)) << 3))
      v128.store(d, v128.load(<usize>(<u32>entry)))
      d += <usize>(entry >>> 32)
      q += 4
      store<u32>(q, <u32>(d - data))
    }
    return <i32>(d - data)
  }
  for (let p = indices; p < stop; p += 4) {
    const entry = table + ((<usize>load<u32>(p)) << 3)
    const length = load<u32>(entry, 4)
    if (length > dataEnd - d) return OUTPUT_ENDS
    copyBytes(d, load<u32>(entry), length, dataEnd, dictionaryEnd)
    d += length
    q += 4
    store<u32>(q, <u32>(d - data))
  }
  return <i32>(d - data)
}
