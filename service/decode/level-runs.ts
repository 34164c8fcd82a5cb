/** Levels in the RLE/bit-packed hybrid: Encodings.md of apache/parquet-format. */
export interface LevelRuns {
  /** Exactly the levels, without a length before them. */
  readonly bytes: Uint8Array
  /** 0: there are none, every value has the level 0. */
  readonly levelMax: number
  /** How many levels there are. */
  readonly count: number
}

const setBits = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let bits = byte; bits > 0; bits >>= 1) count += bits & 1
  return count
})

/**
 * How many of the levels are the highest, which are the values that are no nulls. Undefined when the bytes do not
 * hold so many levels, or hold more than these.
 */
export function countHighest({ bytes, levelMax, count }: LevelRuns): number | undefined {
  if (levelMax === 0) return bytes.length === 0 ? count : undefined
  const width = 32 - Math.clz32(levelMax)
  const valueBytes = Math.ceil(width / 8)
  let highest = 0
  let left = count
  let position = 0
  while (left > 0) {
    const header = readVarint(bytes, position)
    if (header === undefined) return undefined
    position = header.end
    const size = Math.floor(header.value / 2)
    const isPacked = header.value % 2 === 1
    if (!isPacked) {
      let level = 0
      for (let i = 0; i < valueBytes; i++) level |= (bytes[position + i] ?? 0) << (8 * i)
      position += valueBytes
      const taken = Math.min(left, size)
      if (level > levelMax) return undefined
      if (level === levelMax) highest += taken
      left -= taken
    } else {
      // Of the last group a writer may leave out the bytes that hold no level.
      const taken = Math.min(left, size * 8)
      const packed = bytes.subarray(position, position + size * width)
      if (packed.length * 8 < taken * width) return undefined
      highest += countPacked(packed, { width, levelMax, count: taken })
      position += packed.length
      left -= taken
    }
  }
  return position === bytes.length ? highest : undefined
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } | undefined {
  let value = 0
  let unit = 1
  for (let position = start; position < start + 5; position++) {
    const byte = bytes[position]
    if (byte === undefined) return undefined
    value += (byte & 127) * unit
    if (byte < 128) return { value, end: position + 1 }
    unit *= 128
  }
  return undefined
}

function countPacked(
  packed: Uint8Array,
  { width, levelMax, count }: { width: number; levelMax: number; count: number },
): number {
  if (width === 1) return countSet(packed, count)
  let found = 0
  for (let index = 0; index < count; index++) {
    const bit = index * width
    const at = bit >> 3
    const word = (packed[at] ?? 0) | ((packed[at + 1] ?? 0) << 8) | ((packed[at + 2] ?? 0) << 16)
    if (((word >> (bit & 7)) & ((1 << width) - 1)) === levelMax) found++
  }
  return found
}

function countSet(packed: Uint8Array, count: number): number {
  const whole = count >> 3
  let found = 0
  for (let at = 0; at < whole; at++) found += setBits[packed[at] ?? 0] ?? 0
  const rest = (packed[whole] ?? 0) & ((1 << (count & 7)) - 1)
  return found + (setBits[rest] ?? 0)
}
