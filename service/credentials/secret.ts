import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const redacted = '[redacted]'

/** A value that no print, log line or JSON shows; only `reveal` gives it, at the place that must send it. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  /** Compares in a time that tells nothing but the lengths. */
  equals(other: Secret): boolean {
    const mine = Buffer.from(this.#value)
    const theirs = Buffer.from(other.#value)
    return mine.length === theirs.length && timingSafeEqual(mine, theirs)
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  [inspect.custom](): string {
    return redacted
  }
}
