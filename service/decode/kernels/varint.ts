// Little-endian base-128 numbers.

/** One past the number that was read last, 0 when there was none: the input ended, or it has too many bits. */
export let varintEnd: usize = 0

export function readVarint(from: usize, end: usize): u64 {
  let value: u64 = 0
  let shift: u64 = 0
  for (let p = from; p < end && shift < 64; shift += 7) {
    const byte = <u64>load<u8>(p++)
    value |= (byte & 127) << shift
    if (byte < 128) {
      varintEnd = p
      return value
    }
  }
  varintEnd = 0
  return 0
}

/** A number that must fit in 31 bits: whatever counts something. */
export function readCount(from: usize, end: usize): u32 {
  const value = readVarint(from, end)
  if (value >> 31) varintEnd = 0
  return <u32>value
}

export function readZigzag(from: usize, end: usize): i64 {
  const value = readVarint(from, end)
  return <i64>(value >> 1) ^ -(<i64>(value & 1))
}
