/** Writes numbers and texts in as few bytes as they need. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1024)
  #length = 0

  /** An integer from 0 to 2^53 - 1: seven bits a byte, the lowest first, the high bit says that more follow. */
  number(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.byte((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length] = value
    this.#length += 1
  }

  /** As they are, without length. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** UTF-8 after its length in bytes. */
  text(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.number(bytes.length)
    this.bytes(bytes)
  }

  /** What was written: a view, valid until the next write. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
