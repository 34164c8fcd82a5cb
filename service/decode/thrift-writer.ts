import { Buffer } from 'node:buffer'

import { thriftTypes } from '../footers/thrift-reader.ts'

/** Writes thrift-compact. Fields of a struct are written in ascending order of their ids. */
export class ThriftWriter {
  #bytes = Buffer.allocUnsafe(1024)
  #length = 0
  /** Id of the last field of each open struct. */
  readonly #previous = [0]

  integer(id: number, value: number): void {
    this.#header(id, thriftTypes.i64)
    this.#zigzag(value)
  }

  /** An enum or a 32-bit number: readers check the width. */
  small(id: number, value: number): void {
    this.#header(id, thriftTypes.i32)
    this.#zigzag(value)
  }

  flag(id: number, value: boolean): void {
    this.#header(id, value ? thriftTypes.true : thriftTypes.false)
  }

  text(id: number, value: string): void {
    this.#header(id, thriftTypes.binary)
    this.#text(value)
  }

  /** A list of 32-bit numbers. */
  smalls(id: number, values: readonly number[]): void {
    this.#list(id, values.length, thriftTypes.i32)
    for (const value of values) this.#zigzag(value)
  }

  texts(id: number, values: readonly string[]): void {
    this.#list(id, values.length, thriftTypes.binary)
    for (const value of values) this.#text(value)
  }

  struct(id: number, write: () => void): void {
    this.#header(id, thriftTypes.struct)
    this.element(write)
  }

  /** Announces a list of `count` structs, which are then written with `element` or `raw`. */
  structs(id: number, count: number): void {
    this.#list(id, count, thriftTypes.struct)
  }

  element(write: () => void): void {
    this.#previous.push(0)
    write()
    this.#previous.pop()
    this.stop()
  }

  /** Ends the outermost struct. */
  stop(): void {
    this.#byte(0)
  }

  /** Bytes that are thrift already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What was written, followed by `extraBytes` zeros. */
  finish(extraBytes: number): Uint8Array {
    const bytes = new Uint8Array(this.#length + extraBytes)
    bytes.set(this.#bytes.subarray(0, this.#length))
    return bytes
  }

  #header(id: number, type: number): void {
    const open = this.#previous.length - 1
    const delta = id - (this.#previous[open] ?? 0)
    this.#previous[open] = id
    if (delta > 0 && delta < 16) {
      this.#byte((delta << 4) | type)
    } else {
      this.#byte(type)
      this.#zigzag(id)
    }
  }

  #list(id: number, count: number, type: number): void {
    this.#header(id, thriftTypes.list)
    if (count < 15) {
      this.#byte((count << 4) | type)
    } else {
      this.#byte(0xf0 | type)
      this.#varint(count)
    }
  }

  #text(value: string): void {
    const bytes = Buffer.from(value, 'utf8')
    this.#varint(bytes.length)
    this.raw(bytes)
  }

  #zigzag(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  #varint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.#byte((rest % 128) | 128)
      rest = Math.floor(rest / 128)
    }
    this.#byte(rest)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = byte
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
