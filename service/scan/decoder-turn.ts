import { GatewayError } from '../errors.ts'

interface Waiter {
  start(): void
  refuse(reason: GatewayError): void
}

/**
 * Whose row group stands in the decoder's memory. One at a time, in the order they came: what a decoder gives is
 * gone when it decodes again.
 */
export class DecoderTurn {
  readonly #waiters = new Set<Waiter>()
  #isTaken = false
  #closed: GatewayError | undefined
  #noticeWanted: (() => void) | undefined

  /**
   * Resolves with the function that ends the turn; it may be called twice.
   *
   * @throws {GatewayError} `unavailable` there are no more turns; `cancelled` the signal aborted.
   */
  acquire(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed)
      if (signal.aborted) return reject(GatewayError.from(signal.reason))
      if (!this.#isTaken) return resolve(this.#begin())
      const aborted = () => waiter.refuse(GatewayError.from(signal.reason))
      const leave = () => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', aborted)
      }
      const waiter: Waiter = {
        start: () => {
          leave()
          resolve(this.#begin())
        },
        refuse(reason) {
          leave()
          reject(reason)
        },
      }
      signal.addEventListener('abort', aborted, { once: true })
      this.#waiters.add(waiter)
      return this.#noticeWanted?.()
    })
  }

  /** For the one whose turn it is: resolves as soon as somebody else waits. */
  wanted(): Promise<void> {
    if (this.#waiters.size > 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#noticeWanted = resolve
    })
  }

  /** No more turns: the decoder is out of order. */
  close(): void {
    this.#closed = new GatewayError('unavailable', 'the decoder is out of order; try again')
    for (const waiter of this.#waiters) waiter.refuse(this.#closed)
  }

  #begin(): () => void {
    this.#isTaken = true
    this.#noticeWanted = undefined
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#isTaken = false
      const [next] = this.#waiters
      next?.start()
    }
  }
}
