// Parquet's encodings, written the plain way: Encodings.md of apache/parquet-format. The tests' counterpart of the
// kernels; nothing here is shared with them.

/** Little-endian base-128. */
export function varint(value: bigint | number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return [...bytes, Number(rest)]
}

export function zigzag(value: bigint | number): number[] {
  const wide = BigInt(value)
  return varint(BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n)))
}

export function joined(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (part instanceof Uint8Array ? part : Buffer.from(part))))
}

export function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** Values of `width` bits, least significant bit first. */
export function pack(values: readonly bigint[], width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8))
  values.forEach((value, index) => {
    let rest = value << BigInt((index * width) % 8)
    for (let at = Math.floor((index * width) / 8); rest > 0n; at++, rest >>= 8n) {
      bytes[at] = (bytes[at] ?? 0) | Number(rest & 255n)
    }
  })
  return bytes
}

/** The same for at most 32 bits, quickly: dictionaries are large. */
function packIndices(values: readonly number[], width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8))
  values.forEach((value, index) => {
    for (let bit = 0, rest = value; rest > 0; bit++, rest = Math.floor(rest / 2)) {
      const at = index * width + bit
      bytes[at >>> 3] = (bytes[at >>> 3] ?? 0) | ((rest % 2) << (at & 7))
    }
  })
  return bytes
}

/** How a hybrid writer chooses: only runs, only packed groups, or as chance will. */
export type RunStyle = 'runs' | 'packed' | 'mixed'

/** The RLE/bit-packed hybrid. */
export function hybrid(
  values: readonly number[],
  width: number,
  style: RunStyle,
  random: () => number,
): Uint8Array {
  const parts: (Uint8Array | number[])[] = []
  for (let at = 0; at < values.length;) {
    const value = values[at] ?? 0
    let same = 1
    while (values[at + same] === value) same++
    const isRun = style === 'runs' || (style === 'mixed' && random() < 0.5)
    // A packed run that is not the last must be whole groups of eight.
    if (isRun || (style === 'mixed' && values.length - at < 8 && random() < 0.5)) {
      const count = 1 + Math.floor(random() * same)
      const bytes = Array.from(
        { length: Math.ceil(width / 8) },
        (_, i) => Math.floor(value / 2 ** (8 * i)) % 256,
      )
      parts.push(varint(count * 2), bytes)
      at += count
    } else {
      const groups =
        style === 'packed'
          ? Math.ceil((values.length - at) / 8)
          : 1 + Math.floor(random() * Math.ceil((values.length - at) / 8))
      const some = values.slice(at, at + groups * 8)
      while (some.length < groups * 8) some.push(0)
      parts.push(varint(groups * 2 + 1), packIndices(some, width))
      at += groups * 8
    }
  }
  return joined(parts)
}

/** DELTA_BINARY_PACKED. Deltas wrap at `bits`, as the writers' do. */
export function deltas(values: readonly bigint[], bits: 32 | 64, block = 128, miniblocks = 4) {
  const parts: (Uint8Array | number[])[] = [
    varint(block),
    varint(miniblocks),
    varint(values.length),
    zigzag(values[0] ?? 0n),
  ]
  const per = block / miniblocks
  for (let at = 1; at < values.length; at += block) {
    const some = values
      .slice(at, at + block)
      .map((value, index) => BigInt.asIntN(bits, value - (values[at + index - 1] ?? 0n)))
    const least = some.reduce((a, b) => (b < a ? b : a))
    const rests = some.map((delta) => BigInt.asUintN(bits, delta - least))
    const minis = Array.from({ length: miniblocks }, (_, m) => rests.slice(m * per, (m + 1) * per))
    const widths = minis.map((mini) => Math.max(0, ...mini.map((rest) => bitsOf(rest))))
    parts.push(zigzag(least), widths)
    minis.forEach((mini, m) => {
      if (mini.length === 0) return
      const padded = [...mini, ...Array.from({ length: per - mini.length }, () => 0n)]
      parts.push(pack(padded, widths[m] ?? 0))
    })
  }
  return joined(parts)
}

function bitsOf(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length
}

export function deltaLengths(values: readonly Uint8Array[]): Uint8Array {
  return joined([
    deltas(
      values.map(({ length }) => BigInt(length)),
      32,
    ),
    ...values,
  ])
}

export function deltaPrefixes(values: readonly Uint8Array[]): Uint8Array {
  const shared = values.map((value, index) => {
    const before = values[index - 1] ?? new Uint8Array()
    let same = 0
    while (same < value.length && same < before.length && value[same] === before[same]) same++
    return same
  })
  const rests = values.map((value, index) => value.subarray(shared[index]))
  return joined([deltas(shared.map(BigInt), 32), deltaLengths(rests)])
}

export function splitStreams(values: readonly Uint8Array[], width: number): Uint8Array {
  const bytes = new Uint8Array(values.length * width)
  values.forEach((value, index) =>
    value.forEach((byte, stream) => (bytes[stream * values.length + index] = byte)),
  )
  return bytes
}

/** Snappy with matches of all three kinds where they are found, by a table of four-byte words. */
export function snappyCompress(input: Uint8Array, random: () => number): Uint8Array {
  const parts: (Uint8Array | number[])[] = [varint(input.length)]
  const seen = new Map<number, number>()
  let literal = 0
  const flush = (end: number): void => {
    for (; literal < end;) {
      const length = Math.min(end - literal, random() < 0.5 ? 60 : 100_000)
      const size = length <= 60 ? 0 : length <= 256 ? 1 : length <= 65_536 ? 2 : 3
      const tag = size === 0 ? (length - 1) << 2 : (59 + size) << 2
      parts.push(
        [tag, ...word(length - 1).subarray(0, size)],
        input.subarray(literal, literal + length),
      )
      literal += length
    }
  }
  for (let at = 0; at + 4 <= input.length;) {
    const key = new DataView(input.buffer, input.byteOffset + at).getUint32(0, true)
    const from = seen.get(key)
    seen.set(key, at)
    if (from === undefined || random() < 0.1) {
      at++
      continue
    }
    flush(at)
    let length = 4
    while (length < 64 && at + length < input.length && input[from + length] === input[at + length])
      length++
    parts.push(snappyMatch(at - from, length, random))
    at += length
    literal = at
  }
  flush(input.length)
  return joined(parts)
}

function snappyMatch(distance: number, length: number, random: () => number): number[] {
  if (distance < 2048 && length < 12 && random() < 0.8) {
    return [1 | ((length - 4) << 2) | ((distance >> 8) << 5), distance & 255]
  }
  if (distance < 65_536 && random() < 0.9) {
    return [2 | ((length - 1) << 2), distance & 255, distance >> 8]
  }
  return [3 | ((length - 1) << 2), ...word(distance)]
}

/** LZ4's block format; the last five bytes are literals, as it wants. */
export function lz4Compress(input: Uint8Array): Uint8Array {
  const parts: (Uint8Array | number[])[] = []
  const seen = new Map<number, number>()
  let literal = 0
  const lengthBytes = (length: number): number[] =>
    length < 15
      ? []
      : [...Array.from({ length: Math.floor((length - 15) / 255) }, () => 255), (length - 15) % 255]
  const sequence = (end: number, match: number, distance: number): void => {
    const literals = input.subarray(literal, end)
    const token = (Math.min(literals.length, 15) << 4) | (match === 0 ? 0 : Math.min(match - 4, 15))
    parts.push([token, ...lengthBytes(literals.length)], literals)
    if (match > 0) parts.push([distance & 255, distance >> 8, ...lengthBytes(match - 4)])
    literal = end + match
  }
  for (let at = 0; at + 12 < input.length;) {
    const key = new DataView(input.buffer, input.byteOffset + at).getUint32(0, true)
    const from = seen.get(key)
    seen.set(key, at)
    if (from === undefined || at - from > 65_535) {
      at++
      continue
    }
    let length = 4
    while (at + length < input.length - 5 && input[from + length] === input[at + length]) length++
    sequence(at, length, at - from)
    at += length
  }
  sequence(input.length, 0, 0)
  return joined(parts)
}
