import type { Frame } from '../scan/frame.ts'

const MS_PER_SECOND = 1_000

/** What one caller's reads take at the moment. */
export class CallerUse {
  streams = 0
  readonly #nowMs: () => number
  readonly #waiting = new Set<() => void>()
  #bytes = 0
  /** When all rows that were given are paid for by time. */
  #paidAtMs = -Infinity

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Of frames that their readers hold. */
  get bytes(): number {
    return this.#bytes
  }

  get isIdle(): boolean {
    return this.streams === 0 && this.#bytes === 0 && this.owedMs === 0
  }

  /** The frame, counted until it is released. */
  lend(frame: Frame): Frame {
    const { message, rowCount, bodyBytes } = frame
    let heldBytes = message.length
    this.#bytes += heldBytes
    const release = () => {
      this.#bytes -= heldBytes
      heldBytes = 0
      frame.release()
      for (const wake of this.#waiting) wake()
    }
    return { message, rowCount, bodyBytes, release }
  }

  /** Resolves when a frame is released. @throws the signal's reason when it aborts. */
  released(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(end)
        signal.removeEventListener('abort', end)
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      this.#waiting.add(end)
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
    })
  }

  /** Rows cost time; a caller without debts pays nothing ahead. */
  spend(rows: number, rowsPerSecondMax: number): void {
    const costMs = (rows / rowsPerSecondMax) * MS_PER_SECOND
    this.#paidAtMs = Math.max(this.#paidAtMs, this.#nowMs()) + costMs
  }

  /** Milliseconds until the rows that were given are paid for. */
  get owedMs(): number {
    return Math.max(0, Math.ceil(this.#paidAtMs - this.#nowMs()))
  }
}
