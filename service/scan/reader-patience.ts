import { GatewayError } from '../errors.ts'

/** A frame nobody takes for this long ends its stream: a stalled reader holds memory that others wait for. */
export const STALL_TIMEOUT_MS = 120_000

/** Told when a write is done, or what it failed with. */
export type WriteDone = (error?: Error | null) => void

/**
 * What ends a write before it is done: the signal, or a reader who takes nothing. One listener serves all writes of an
 * answer, one after the other: adding and removing one for each costs more than its timer does.
 */
export class ReaderPatience {
  readonly #signal: AbortSignal
  readonly #aborted = () => this.#fail?.(GatewayError.from(this.#signal.reason))
  #fail: ((reason: GatewayError) => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#aborted, { once: true })
  }

  /**
   * Resolves when the write is done.
   *
   * @throws {GatewayError} `unavailable` the reader stalled; the signal's reason; or what the write failed with.
   */
  wait(write: (done: WriteDone) => void): Promise<void> {
    if (this.#signal.aborted) return Promise.reject(GatewayError.from(this.#signal.reason))
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => this.#fail?.(stalled()), STALL_TIMEOUT_MS)
      const settle: WriteDone = (error) => {
        clearTimeout(timer)
        this.#fail = undefined
        if (error) reject(error)
        else resolve()
      }
      this.#fail = settle
      write(settle)
    })
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#aborted)
  }
}

function stalled(): GatewayError {
  return new GatewayError('unavailable', `the reader took nothing for ${STALL_TIMEOUT_MS} ms`)
}
