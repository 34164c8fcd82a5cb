import type { ArrowType, TimeUnit } from '../../service/arrow/arrow-type.ts'
import { valueBytes } from '../../service/arrow/type-width.ts'
import { field, int, listOf, mapOf, structOf, type Value } from './columns.ts'

/** A seeded stream of numbers in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const units: readonly TimeUnit[] = ['second', 'millisecond', 'microsecond', 'nanosecond']

function pick<T>(random: () => number, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)]
  if (choice === undefined) throw new Error('nothing to pick from')
  return choice
}

/** A type that may go on a wire and that apache-arrow reads. */
export function randomType(random: () => number, depth: number): ArrowType {
  const flat: readonly (() => ArrowType)[] = [
    () => ({ kind: 'bool' }),
    () => int(pick(random, [8, 16, 32, 64]), random() < 0.5),
    () => ({ kind: 'float', bitWidth: pick(random, [32, 64]) }),
    () => ({ kind: 'decimal', precision: 30, scale: 4, bitWidth: 128 }),
    () => ({ kind: 'utf8' }),
    () => ({ kind: 'binary' }),
    () => ({ kind: 'large_utf8' }),
    () => ({ kind: 'fixed_size_binary', byteWidth: 5 }),
    () => ({ kind: 'date', unit: pick(random, ['day', 'millisecond']) }),
    () => ({ kind: 'timestamp', unit: pick(random, units), timezone: null }),
    () => ({ kind: 'null' }),
  ]
  const nested: readonly (() => ArrowType)[] = [
    () => listOf(randomType(random, depth - 1)),
    () => structOf({ a: randomType(random, depth - 1), b: randomType(random, depth - 1) }),
    () => mapOf({ kind: 'utf8' }, randomType(random, depth - 1)),
    () => ({
      kind: 'fixed_size_list',
      size: 3,
      child: field('item', randomType(random, depth - 1)),
    }),
  ]
  return pick(random, depth > 0 && random() < 0.5 ? nested : flat)()
}

/** A value of the type, null with the given probability. */
export function randomValue(random: () => number, type: ArrowType, nulls: number): Value {
  if (type.kind === 'null' || random() < nulls) return null
  const many = <T>(make: () => T, max = 4) =>
    Array.from({ length: Math.floor(random() * max) }, make)
  switch (type.kind) {
    case 'bool':
      return random() < 0.5
    case 'utf8':
    case 'large_utf8':
      return many(() => pick(random, ['a', 'ž', '漢', '😀', ' ']), 8).join('')
    case 'binary':
      return Uint8Array.from(many(() => Math.floor(random() * 256), 9))
    case 'fixed_size_binary':
      return Uint8Array.from({ length: type.byteWidth }, () => Math.floor(random() * 256))
    case 'float':
      return Math.fround(random() * 1000)
    case 'list':
      return many(() => randomValue(random, type.child.type, nulls))
    case 'fixed_size_list':
      return Array.from({ length: type.size }, () => randomValue(random, type.child.type, nulls))
    case 'struct':
      return type.children.map((child) => randomValue(random, child.type, nulls))
    case 'map':
      return many(() => ['k'.repeat(Math.floor(random() * 3)), mapValue(random, type, nulls)])
    default: {
      const bits = valueBytes(type) * 8 - 1
      const value = BigInt.asIntN(bits, BigInt(Math.floor(random() * 2 ** 52)) ** 3n)
      return type.kind === 'int' && !type.signed && value < 0n ? -value : value
    }
  }
}

function mapValue(
  random: () => number,
  type: Extract<ArrowType, { kind: 'map' }>,
  nulls: number,
): Value {
  const entries = type.entries.type
  const value = entries.kind === 'struct' ? entries.children[1] : undefined
  return value === undefined ? null : randomValue(random, value.type, nulls)
}
