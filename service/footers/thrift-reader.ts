import { Buffer } from 'node:buffer'

/** Answers of `field` when the struct is over. No field has this id: they are 16-bit. */
export const STOP = -65536

/** Types of the compact protocol: thrift-compact-protocol.md, "Struct encoding". */
export const thriftTypes = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const

/** Levels of nested structs and lists in what is skipped; Parquet's own structures need seven. */
const SKIP_DEPTH_MAX = 32

/** Called with what is wrong; throws. */
export type Fail = (what: string) => never

/**
 * A cursor over thrift-compact bytes. It never reads past `end`, never recurses deeper than a named limit, and
 * allocates only what the bytes hold. Numbers above 2^52 are refused: no size, offset or count is that large.
 */
export class ThriftReader {
  readonly bytes: Uint8Array
  readonly end: number
  position: number
  /** Type of the field that `field` has just announced. */
  fieldType = 0
  readonly #fail: Fail

  constructor(bytes: Uint8Array, position: number, fail: Fail) {
    this.bytes = bytes
    this.end = bytes.length
    this.position = position
    this.#fail = fail
  }

  fail(what: string): never {
    return this.#fail(`${what} (at byte ${this.position})`)
  }

  /** Id of the next field, or STOP; `previous` is the id before it, 0 at the beginning of a struct. */
  field(previous: number): number {
    const header = this.#byte()
    if (header === 0) return STOP
    this.fieldType = header & 15
    return header > 15 ? previous + (header >> 4) : this.#zigzag()
  }

  boolean(): boolean {
    if (this.fieldType > thriftTypes.false || this.fieldType === 0) this.fail('a flag was expected')
    return this.fieldType === thriftTypes.true
  }

  /** A signed byte. */
  tiny(): number {
    this.#expect(thriftTypes.byte)
    return (this.#byte() << 24) >> 24
  }

  integer(): number {
    const type = this.fieldType
    if (type !== thriftTypes.i32 && type !== thriftTypes.i64 && type !== thriftTypes.i16) {
      this.fail('a number was expected')
    }
    return this.#zigzag()
  }

  /** A view of the bytes. */
  binary(): Uint8Array {
    const length = this.skipBinary()
    return this.bytes.subarray(this.position - length, this.position)
  }

  /** Passes over bytes; answers how many, length left out. */
  skipBinary(): number {
    this.#expect(thriftTypes.binary)
    const length = this.#varint()
    this.#advance(length)
    return length
  }

  text(): string {
    const bytes = this.binary()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** Enters a struct that is a field; its fields are read with `field`. */
  struct(): void {
    this.#expect(thriftTypes.struct)
  }

  /** Enters a list of structs; answers how many, never more than there are bytes left. */
  structs(): number {
    this.#expect(thriftTypes.list)
    const { count, type } = this.#listHeader()
    if (count > 0 && type !== thriftTypes.struct) this.fail('a list of structs was expected')
    return count
  }

  /** Enters a list that is a field, of numbers, bytes or flags; each element is then read as a field would be. */
  elements(): number {
    this.#expect(thriftTypes.list)
    const { count, type } = this.#listHeader()
    this.fieldType = type
    return count
  }

  /** A flag in a list, where it takes a byte: 1 is true, 2 (once 0) is false. */
  flagElement(): boolean {
    if (this.fieldType > thriftTypes.false) this.fail('a list of flags was expected')
    return this.#byte() === thriftTypes.true
  }

  /** Passes over the value of the field just announced. */
  skip(): void {
    this.#skip(this.fieldType, SKIP_DEPTH_MAX)
  }

  #expect(type: number): void {
    if (this.fieldType !== type)
      this.fail(`thrift type ${type} was expected, not ${this.fieldType}`)
  }

  #listHeader(): { count: number; type: number } {
    const header = this.#byte()
    const count = header >> 4 === 15 ? this.#varint() : header >> 4
    // Every element takes at least one byte.
    if (count > this.end - this.position) {
      this.fail(`a list claims ${count} elements, more than there are bytes left`)
    }
    return { count, type: header & 15 }
  }

  #skip(type: number, depthLeft: number): void {
    if (depthLeft === 0) this.fail(`structures nest more than ${SKIP_DEPTH_MAX} levels deep`)
    switch (type) {
      case thriftTypes.true:
      case thriftTypes.false:
        return
      case thriftTypes.byte:
        return this.#advance(1)
      case thriftTypes.i16:
      case thriftTypes.i32:
      case thriftTypes.i64:
        return this.#skipVarint()
      case thriftTypes.double:
        return this.#advance(8)
      case thriftTypes.binary:
        return this.#advance(this.#varint())
      case thriftTypes.list:
      case thriftTypes.set:
        return this.#skipList(depthLeft)
      case thriftTypes.map:
        return this.#skipMap(depthLeft)
      case thriftTypes.struct:
        return this.#skipStruct(depthLeft)
      default:
        this.fail(`there is no thrift type ${type}`)
    }
  }

  #skipStruct(depthLeft: number): void {
    for (;;) {
      const header = this.#byte()
      if (header === 0) return
      if (header < 16) this.#skipVarint()
      this.#skip(header & 15, depthLeft - 1)
    }
  }

  #skipList(depthLeft: number): void {
    const { count, type } = this.#listHeader()
    // In a list each flag takes a byte.
    if (type <= thriftTypes.byte) return this.#advance(count)
    for (let left = count; left > 0; left--) this.#skip(type, depthLeft - 1)
  }

  #skipMap(depthLeft: number): void {
    const count = this.#varint()
    if (count === 0) return
    if (count > this.end - this.position) {
      this.fail(`a map claims ${count} entries, more than there are bytes left`)
    }
    const types = this.#byte()
    for (let left = count; left > 0; left--) {
      this.#skipElement(types >> 4, depthLeft - 1)
      this.#skipElement(types & 15, depthLeft - 1)
    }
  }

  #skipElement(type: number, depthLeft: number): void {
    if (type <= thriftTypes.byte) this.#advance(1)
    else this.#skip(type, depthLeft)
  }

  #byte(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) return this.fail('it ends early')
    this.position += 1
    return byte
  }

  #advance(count: number): void {
    if (count > this.end - this.position) this.fail('it ends early')
    this.position += count
  }

  #varint(): number {
    let byte = this.#byte()
    if (byte < 128) return byte
    let value = byte & 127
    let unit = 128
    do {
      byte = this.#byte()
      value += (byte & 127) * unit
      if (value > Number.MAX_SAFE_INTEGER || unit > 2 ** 63) this.fail('a number is too large')
      unit *= 128
    } while (byte > 127)
    return value
  }

  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  #skipVarint(): void {
    // Ten bytes hold 64 bits.
    for (let left = 10; left > 0; left--) if (this.#byte() < 128) return
    this.fail('a number is too long')
  }
}
