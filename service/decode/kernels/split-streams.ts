// BYTE_STREAM_SPLIT: first bytes of all values, then all second bytes, and so on.

import { INPUT_ENDS, OUTPUT_ENDS } from './fault'

export function joinStreams(
  src: usize,
  end: usize,
  count: u32,
  width: u32,
  out: usize,
  outEnd: usize,
): i32 {
  if (<u64>count * width > end - src) return INPUT_ENDS
  if (<u64>count * width > outEnd - out) return OUTPUT_ENDS
  let first: u32 = 0
  if (width == 4) first = join4(src, count, out)
  else if (width == 8) first = join8(src, count, out)
  for (let stream: u32 = 0; stream < width; stream++) {
    let p = src + <usize>stream * count + first
    const stop = src + <usize>stream * count + count
    for (let o = out + <usize>first * width + stream; p < stop; o += width)
      store<u8>(o, load<u8>(p++))
  }
  return <i32>count
}

/** Sixteen values at a time by interleaving vectors; answers how many are done. */
function join4(src: usize, count: u32, out: usize): u32 {
  const whole = count & ~15
  for (let i: usize = 0; i < <usize>whole; i += 16) {
    const a = v128.load(src + i)
    const b = v128.load(src + count + i)
    const c = v128.load(src + 2 * <usize>count + i)
    const d = v128.load(src + 3 * <usize>count + i)
    const o = out + (i << 2)
    storeQuads(lowBytes(a, b), lowBytes(c, d), o)
    storeQuads(highBytes(a, b), highBytes(c, d), o + 32)
  }
  return whole
}

function storeQuads(first: v128, second: v128, o: usize): void {
  v128.store(o, i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11))
  v128.store(o, i16x8.shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15), 16)
}

function join8(src: usize, count: u32, out: usize): u32 {
  const whole = count & ~15
  const n = <usize>count
  for (let i: usize = 0; i < <usize>whole; i += 16) {
    const p = src + i
    const a = v128.load(p)
    const b = v128.load(p + n)
    const c = v128.load(p + 2 * n)
    const d = v128.load(p + 3 * n)
    const e = v128.load(p + 4 * n)
    const f = v128.load(p + 5 * n)
    const g = v128.load(p + 6 * n)
    const h = v128.load(p + 7 * n)
    const o = out + (i << 3)
    storeOctets(lowBytes(a, b), lowBytes(c, d), lowBytes(e, f), lowBytes(g, h), o)
    storeOctets(highBytes(a, b), highBytes(c, d), highBytes(e, f), highBytes(g, h), o + 64)
  }
  return whole
}

function storeOctets(ab: v128, cd: v128, ef: v128, gh: v128, o: usize): void {
  const low = i16x8.shuffle(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11)
  const high = i16x8.shuffle(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15)
  const low2 = i16x8.shuffle(ef, gh, 0, 8, 1, 9, 2, 10, 3, 11)
  const high2 = i16x8.shuffle(ef, gh, 4, 12, 5, 13, 6, 14, 7, 15)
  v128.store(o, i32x4.shuffle(low, low2, 0, 4, 1, 5))
  v128.store(o, i32x4.shuffle(low, low2, 2, 6, 3, 7), 16)
  v128.store(o, i32x4.shuffle(high, high2, 0, 4, 1, 5), 32)
  v128.store(o, i32x4.shuffle(high, high2, 2, 6, 3, 7), 48)
}

function lowBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

function highBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}
