import { GatewayError } from '../errors.ts'

/** A number of places for work; who finds none waits in order. */
export class Slots {
  readonly #waitingMax: number
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(count: number, waitingMax: number) {
    this.#free = count
    this.#waitingMax = waitingMax
  }

  /**
   * Runs the work when a place is free.
   *
   * @throws {GatewayError} `busy` too many wait; `cancelled` the signal aborted before the work began.
   */
  async use<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free === 0) await this.#turn(signal)
    else this.#free -= 1
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Waits until someone who leaves hands over the place. */
  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax) {
      throw new GatewayError('busy', 'too many footers are being read: try again')
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        this.#waiting.delete(enter)
        reject(new GatewayError('cancelled', 'the request was cancelled'))
      }
      this.#waiting.add(enter)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  #leave(): void {
    for (const enter of this.#waiting) {
      this.#waiting.delete(enter)
      enter()
      return
    }
    this.#free += 1
  }
}
