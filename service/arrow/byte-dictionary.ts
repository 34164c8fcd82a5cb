import type { ArrowType } from './arrow-type.ts'
import type { Column } from './column.ts'
import { bytesOf } from './typed-views.ts'

const EMPTY = -1
/** FNV-1a's, for 32 bits. */
const HASH_START = 0x811c9dc5
const HASH_PRIME = 0x01000193

/** Different values of text or bytes, each with a number, from 0 on. */
export class ByteDictionary {
  #bytes = new Uint8Array(4096)
  #ends = new Int32Array(1024)
  /** Numbers by hash, with open addressing: at most half full. */
  #slots = new Int32Array(2048).fill(EMPTY)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Of the values and of where they end. */
  get bytes(): number {
    return this.#endOf(this.#count - 1) + (this.#count + 1) * 4
  }

  /** The number of bytes `start` to `end`; a new one when they were not there yet. */
  numberOf(source: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(source, start, end) & mask
    for (; this.#slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] ?? 0
      if (this.#isSame(number, source, start, end)) return number
    }
    this.#slots[slot] = this.#count
    return this.#add(source, start, end)
  }

  clear(): void {
    this.#count = 0
    this.#slots.fill(EMPTY)
  }

  /** The values, in the order of their numbers: views that hold until the next is added. */
  column(type: ArrowType): Column {
    const offsets = new Int32Array(this.#count + 1)
    offsets.set(this.#ends.subarray(0, this.#count), 1)
    return {
      type,
      rowCount: this.#count,
      offset: 0,
      nullCount: 0,
      validity: null,
      values: this.#bytes.subarray(0, this.#endOf(this.#count - 1)),
      offsets: bytesOf(offsets),
      children: [],
    }
  }

  #endOf(number: number): number {
    return number < 0 ? 0 : (this.#ends[number] ?? 0)
  }

  #isSame(number: number, source: Uint8Array, start: number, end: number): boolean {
    const first = this.#endOf(number - 1)
    const length = this.#endOf(number) - first
    if (length !== end - start) return false
    for (let at = 0; at < length; at++) {
      if (this.#bytes[first + at] !== source[start + at]) return false
    }
    return true
  }

  #add(source: Uint8Array, start: number, end: number): number {
    const number = this.#count++
    const from = this.#endOf(number - 1)
    const to = from + end - start
    if (to > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(to, this.#bytes.length * 2))
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    this.#bytes.set(source.subarray(start, end), from)
    if (number === this.#ends.length) {
      const wider = new Int32Array(number * 2)
      wider.set(this.#ends)
      this.#ends = wider
    }
    this.#ends[number] = to
    if (this.#count * 2 > this.#slots.length) this.#rehash()
    return number
  }

  #rehash(): void {
    const { length } = this.#slots
    this.#slots = new Int32Array(length * 2).fill(EMPTY)
    const mask = length * 2 - 1
    for (let number = 0; number < this.#count; number++) {
      let slot = hashOf(this.#bytes, this.#endOf(number - 1), this.#endOf(number)) & mask
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
      this.#slots[slot] = number
    }
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_START
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), HASH_PRIME)
  return hash ^ (hash >>> 15)
}
