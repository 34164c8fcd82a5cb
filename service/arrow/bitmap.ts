import assert from 'node:assert'

/** A run of bits inside a bitmap, least significant bit first. */
export interface BitRun {
  readonly bits: Uint8Array
  /** Index of the first bit. */
  readonly start: number
  readonly count: number
}

/** Bytes that hold so many bits. */
export function bitmapBytes(bitCount: number): number {
  return Math.ceil(bitCount / 8)
}

export function bitAt(bits: Uint8Array, index: number): boolean {
  return (((bits[index >>> 3] ?? 0) >>> (index & 7)) & 1) === 1
}

/** How many bits of the run are set. */
export function countBits(run: BitRun): number {
  const { bits } = run
  const end = run.start + run.count
  let index = run.start
  let total = 0
  while (index < end && (index & 7) !== 0) total += Number(bitAt(bits, index++))
  for (; index + 8 <= end; index += 8) total += bitsOfByte(bits[index >>> 3] ?? 0)
  while (index < end) total += Number(bitAt(bits, index++))
  return total
}

function bitsOfByte(byte: number): number {
  const pairs = byte - ((byte >>> 1) & 0x55)
  const nibbles = (pairs & 0x33) + ((pairs >>> 2) & 0x33)
  return (nibbles + (nibbles >>> 4)) & 15
}

/** Copies a run to a bitmap whose bits from `targetStart` on are still zero. Touches no bit behind the run. */
export function copyBits(run: BitRun, target: Uint8Array, targetStart: number): void {
  let from = run.start
  let to = targetStart
  const end = run.start + run.count
  assert(bitmapBytes(end) <= run.bits.length && bitmapBytes(to + run.count) <= target.length)
  for (; from < end && (to & 7) !== 0; from++, to++) orBit(target, to, bitAt(run.bits, from))
  const wholeBytes = (end - from) >>> 3
  copyBytes(run.bits, from, target.subarray(to >>> 3, (to >>> 3) + wholeBytes))
  from += wholeBytes * 8
  to += wholeBytes * 8
  for (; from < end; from++, to++) orBit(target, to, bitAt(run.bits, from))
}

/** Fills whole bytes of the target from any bit of the source. */
function copyBytes(source: Uint8Array, startBit: number, target: Uint8Array): void {
  const first = startBit >>> 3
  const shift = startBit & 7
  if (shift === 0) {
    target.set(source.subarray(first, first + target.length))
    return
  }
  for (let i = 0; i < target.length; i++) {
    target[i] = ((source[first + i] ?? 0) >>> shift) | ((source[first + i + 1] ?? 0) << (8 - shift))
  }
}

function orBit(target: Uint8Array, index: number, bit: boolean): void {
  if (bit) target[index >>> 3] = (target[index >>> 3] ?? 0) | (1 << (index & 7))
}

/** Sets `count` bits. */
export function setBits(target: Uint8Array, start: number, count: number): void {
  let index = start
  const end = start + count
  for (; index < end && (index & 7) !== 0; index++) orBit(target, index, true)
  const wholeBytes = (end - index) >>> 3
  target.fill(0xff, index >>> 3, (index >>> 3) + wholeBytes)
  for (index += wholeBytes * 8; index < end; index++) orBit(target, index, true)
}
