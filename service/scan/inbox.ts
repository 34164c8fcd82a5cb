/** What arrives by messages, taken in order by one consumer. How much may lie in it is the sender's limit. */
export class Inbox<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  #failure: { readonly error: unknown } | undefined
  #isEnded = false
  #wake: (() => void) | undefined

  push(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** What lies there is still taken. */
  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** The consumer gets the error next; answers what lay there. The first error counts. */
  fail(error: unknown): T[] {
    this.#failure ??= { error }
    this.#wake?.()
    return this.#items.splice(0)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure.error
      const [item] = this.#items.splice(0, 1)
      if (item !== undefined) yield item
      else if (this.#isEnded) return
      else await this.#change()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
