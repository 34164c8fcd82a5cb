import { GatewayError } from '../errors.ts'

/**
 * Whose row group stands in the decoder's memory. One at a time, in the order they came: what a decoder gives is
 * gone when it decodes again.
 */
export class DecoderTurn {
  readonly #waiters = new Set<() => void>()
  #isTaken = false
  #noticeWanted: (() => void) | undefined

  /** Resolves with the function that ends the turn; it may be called twice. */
  acquire(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(GatewayError.from(signal.reason))
      const start = () => {
        this.#waiters.delete(start)
        signal.removeEventListener('abort', leave)
        resolve(this.#begin())
      }
      const leave = () => {
        this.#waiters.delete(start)
        reject(GatewayError.from(signal.reason))
      }
      if (!this.#isTaken) return resolve(this.#begin())
      signal.addEventListener('abort', leave, { once: true })
      this.#waiters.add(start)
      this.#noticeWanted?.()
      return undefined
    })
  }

  /** For the one whose turn it is: resolves as soon as somebody else waits. */
  wanted(): Promise<void> {
    if (this.#waiters.size > 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#noticeWanted = resolve
    })
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
      next?.()
    }
  }
}
