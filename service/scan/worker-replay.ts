import assert from 'node:assert'
import type { ScanPiece } from './scan-job.ts'

/** Pieces that are remembered for a second run; a scan that went further is not run again. */
const REMEMBERED_MAX = 64

/**
 * The pieces of a scan, to be taken more than once as long as they are remembered: a scan whose worker died is run
 * again in another.
 */
export class ReplayedPieces {
  readonly #iterator: AsyncIterator<ScanPiece>
  /** By their numbers. */
  readonly #kept = new Map<number, ScanPiece>()
  #isRemembering = true
  #count = 0
  #takeCount = 0
  #isEnded = false
  #arriving: Promise<void> | undefined

  constructor(pieces: AsyncIterable<ScanPiece>) {
    this.#iterator = pieces[Symbol.asyncIterator]()
  }

  /** Whether they can be taken from the beginning. */
  get isWhole(): boolean {
    return this.#isRemembering
  }

  /** They will not be taken again. */
  forget(): void {
    this.#isRemembering = false
  }

  /** From the first to the last. Whoever took them before gets no more. */
  async *take(): AsyncGenerator<ScanPiece, void, undefined> {
    const take = ++this.#takeCount
    for (let number = 0; ; number++) {
      while (number >= this.#count) {
        if (this.#isEnded) return
        await this.#arrive()
        if (take !== this.#takeCount) return
      }
      const piece = this.#kept.get(number)
      assert(piece !== undefined, 'a piece that was forgotten')
      if (number >= REMEMBERED_MAX) this.forget()
      if (!this.#isRemembering) this.#drop(number)
      yield piece
    }
  }

  /** No more are wanted. */
  end(): void {
    this.#isEnded = true
    this.#iterator.return?.().catch(() => {})
  }

  #arrive(): Promise<void> {
    this.#arriving ??= this.#iterator.next().then((next) => {
      this.#arriving = undefined
      if (next.done === true) this.#isEnded = true
      else this.#kept.set(this.#count++, next.value)
    })
    return this.#arriving
  }

  #drop(upTo: number): void {
    for (const number of this.#kept.keys()) if (number <= upTo) this.#kept.delete(number)
  }
}
