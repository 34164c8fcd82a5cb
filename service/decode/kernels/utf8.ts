// Arrow promises its readers that utf8 columns hold UTF-8: what a file says must be checked before it is passed on.

import { NOT_UTF8 } from './fault'

/** True when the bytes are UTF-8: table 3-7 of the Unicode standard. */
function isUtf8(from: usize, end: usize): bool {
  let p = from
  while (p < end) {
    while (end - p >= 16 && !v128.any_true(v128.and(v128.load(p), i8x16.splat(<i8>0x80)))) p += 16
    if (p >= end) return true
    const lead = <u32>load<u8>(p)
    if (lead < 0x80) {
      p++
      continue
    }
    const more: u32 = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
    if (lead < 0xc2 || lead > 0xf4 || end - p <= <usize>more) return false
    const second = <u32>load<u8>(p, 1)
    const least: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80
    const most: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return false
    for (let i: usize = 2; i <= <usize>more; i++)
      if ((<u32>load<u8>(p + i) & 0xc0) != 0x80) return false
    p += more + 1
  }
  return true
}

/** Values `offsets[0]` to `offsets[count]` of `data`: the whole is UTF-8 and no value begins inside a character. */
export function checkUtf8(data: usize, offsets: usize, count: u32): i32 {
  const start = data + load<u32>(offsets)
  const end = data + load<u32>(offsets + ((<usize>count) << 2))
  if (!isUtf8(start, end)) return NOT_UTF8
  for (let i: usize = 1; i < <usize>count; i++) {
    const at = data + load<u32>(offsets + (i << 2))
    if (at < end && (<u32>load<u8>(at) & 0xc0) == 0x80) return NOT_UTF8
  }
  return <i32>count
}

/** The same of a table of byteTable. */
export function checkUtf8Table(table: usize, count: u32): i32 {
  for (let i: usize = 0; i < <usize>count; i++) {
    const from = <usize>load<u32>(table + (i << 3))
    if (!isUtf8(from, from + load<u32>(table + (i << 3), 4))) return NOT_UTF8
  }
  return <i32>count
}
