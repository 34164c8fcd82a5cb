/** Reads what `ByteWriter` wrote; every step is checked against the end. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #fail: () => never
  #at = 0

  /** `fail` throws; it is called when the bytes are not what was written. */
  constructor(bytes: Buffer, fail: () => never) {
    this.#bytes = bytes
    this.#fail = fail
  }

  number(max: number = Number.MAX_SAFE_INTEGER): number {
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (value > max) return this.#fail()
      if (byte < 128) return value
      factor *= 128
    }
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return this.#fail()
    this.#at += 1
    return byte
  }

  /** A view of the next bytes. */
  bytes(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) return this.#fail()
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  text(lengthBytesMax: number): string {
    return this.bytes(this.number(lengthBytesMax)).toString('utf8')
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Nothing may be left. */
  end(): void {
    if (!this.isAtEnd) this.#fail()
  }
}
