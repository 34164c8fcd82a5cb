// Copies of a few bytes. memory.copy is a call into the engine and costs as much as some ten vector moves, so short
// copies are whole vectors wherever both sides have room for the surplus, which later bytes overwrite.

/** Copies `length` bytes that the caller has checked against both ends. */
export function copyBytes(to: usize, from: usize, length: u32, toEnd: usize, fromEnd: usize): void {
  if (length > 64 || toEnd - to < 64 || fromEnd - from < 64) {
    memory.copy(to, from, length)
    return
  }
  v128.store(to, v128.load(from))
  if (length <= 16) return
  v128.store(to, v128.load(from, 16), 16)
  if (length <= 32) return
  v128.store(to, v128.load(from, 32), 32)
  v128.store(to, v128.load(from, 48), 48)
}

/**
 * Copies `length` bytes from `distance` bytes before `to`: the match of an LZ codec, which repeats a pattern when
 * the distance is smaller than the length. The caller has checked both.
 */
export function copyMatch(to: usize, distance: u32, length: u32, toEnd: usize): void {
  let o = to
  let from = to - distance
  const end = to + length
  if (toEnd - end < 16) {
    while (o < end) store<u8>(o++, load<u8>(from++))
    return
  }
  if (distance >= 16) {
    do {
      v128.store(o, v128.load(from))
      o += 16
      from += 16
    } while (o < end)
    return
  }
  copyPattern(to, from, end)
}

/** Repeats the bytes from `from` to `to` up to `end`; both are nearer than 16, and there is room for 16 bytes more. */
export function copyPattern(to: usize, pattern: usize, end: usize): void {
  let o = to
  let from = pattern
  // Each round doubles the stretch that holds the pattern, until it is as wide as a word.
  while (o - from < 8 && o < end) {
    store<u64>(o, load<u64>(from))
    o += o - from
  }
  while (o < end) {
    store<u64>(o, load<u64>(from))
    o += 8
    from += 8
  }
}
