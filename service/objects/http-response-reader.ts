import { parseResponseHead } from './http-response-head.ts'
import type { HttpResponseHead } from './http-response-head.ts'

/** A whole answer. */
export interface HttpResponse {
  readonly head: HttpResponseHead
  /** The memory that was given for it, full. */
  readonly body: Uint8Array
  /** The connection stands where the next answer begins. */
  readonly isReusable: boolean
}

/** Memory of exactly `bodyBytes` for the body; undefined: nobody wants it. */
export type BodyMemory = (head: HttpResponseHead) => Uint8Array | undefined

/** As Node's own limit for all header fields together. */
const HEAD_BYTES_MAX = 16 << 10
const HEAD_END = '\r\n\r\n'

/** Reads one answer out of the bytes of a connection, however they are cut. */
export class HttpResponseReader {
  readonly #memoryFor: BodyMemory
  #text = ''
  #head: HttpResponseHead | undefined
  #body: Uint8Array = new Uint8Array()
  #filledBytes = 0

  constructor(memoryFor: BodyMemory) {
    this.#memoryFor = memoryFor
  }

  /** Nothing has come yet. */
  get isUntouched(): boolean {
    return this.#text === ''
  }

  /** Where what comes next may be put at once: the rest of the body; undefined as long as its head is not there. */
  get room(): Uint8Array | undefined {
    return this.#head === undefined ? undefined : this.#body.subarray(this.#filledBytes)
  }

  /**
   * Takes what came next, in `room` or elsewhere, and keeps none of it. Undefined: more is to come; `odd`: this is not an answer of the
   * plain kind, or nobody wants it, and the connection is of no further use.
   *
   * @throws what `memoryFor` throws.
   */
  push(bytes: Uint8Array): HttpResponse | 'odd' | undefined {
    const part = this.#head === undefined ? this.#pushHead(bytes) : bytes
    if (part === 'odd') return 'odd'
    if (this.#head === undefined) return undefined
    const wanted = part.subarray(0, this.#body.length - this.#filledBytes)
    if (!this.#isInPlace(wanted)) this.#body.set(wanted, this.#filledBytes)
    this.#filledBytes += wanted.length
    if (this.#filledBytes < this.#body.length) return undefined
    const isReusable = this.#head.isKept && wanted.length === part.length
    return { head: this.#head, body: this.#body, isReusable }
  }

  #isInPlace({ buffer, byteOffset }: Uint8Array): boolean {
    return buffer === this.#body.buffer && byteOffset === this.#body.byteOffset + this.#filledBytes
  }

  /** What follows the head. */
  #pushHead(bytes: Uint8Array): Uint8Array | 'odd' {
    const before = this.#text.length
    this.#text += latin1(headPart(bytes, before))
    // The end may have begun in what came before.
    const end = this.#text.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length + 1))
    if (end < 0) return this.#text.length < HEAD_BYTES_MAX ? bytes.subarray(bytes.length) : 'odd'
    const head = parseResponseHead(this.#text.slice(0, end))
    const body = head === undefined ? undefined : this.#memoryFor(head)
    if (body === undefined) return 'odd'
    this.#head = head
    this.#body = body
    return bytes.subarray(end + HEAD_END.length - before)
  }
}

/** Of the bytes after so many others what may belong to the head: of an answer that comes in one piece, no more. */
function headPart(bytes: Uint8Array, before: number): Uint8Array {
  const part = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(
    0,
    HEAD_BYTES_MAX - before,
  )
  const end = part.indexOf(HEAD_END)
  return end < 0 ? part : part.subarray(0, end + HEAD_END.length)
}

function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1')
}
