import type { Frame } from '../scan/frame.ts'

const MS_PER_SECOND = 1_000
/** What a caller's first frame is taken for: no door's are much larger before text, and Athena's are cut by blocks. */
const FIRST_FRAME_BYTES = 1_500_000

/** One of a caller's reads. */
export interface OpenRead {
  /** Of its frames that are not released. */
  heldBytes: number
}

/** What one caller's reads take at the moment. */
export class CallerUse {
  streams = 0
  readonly #nowMs: () => number
  readonly #waiting = new Set<() => void>()
  #bytes = 0
  /** Of frames that are being made, as far as it can be told. */
  #expectedBytes = 0
  #lastFrameBytes = FIRST_FRAME_BYTES
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

  /** Whether another frame may be made; one may be when there is no other, whatever its size. */
  mayHave(bytesInFlightMax: number): boolean {
    const bytes = this.#bytes + this.#expectedBytes
    return bytes === 0 || bytes + this.#lastFrameBytes <= bytesInFlightMax
  }

  /** The next frame, which is taken to be as large as the last one until it is there; undefined: there is none. */
  async next(frames: AsyncIterator<Frame>, read: OpenRead): Promise<Frame | undefined> {
    const expected = this.#lastFrameBytes
    this.#expectedBytes += expected
    try {
      const next = await frames.next()
      return next.done === true ? undefined : this.#lend(next.value, read)
    } finally {
      this.#expectedBytes -= expected
      this.#wake()
    }
  }

  /** The frame, counted until it is released. */
  #lend(frame: Frame, read: OpenRead): Frame {
    const { message, rowCount, bodyBytes } = frame
    let heldBytes = message.length
    this.#lastFrameBytes = heldBytes
    this.#bytes += heldBytes
    read.heldBytes += heldBytes
    const release = () => {
      this.#bytes -= heldBytes
      read.heldBytes -= heldBytes
      heldBytes = 0
      frame.release()
      this.#wake()
    }
    return { message, rowCount, bodyBytes, release }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Resolves when a frame is made or released. @throws the signal's reason when it aborts. */
  changed(signal: AbortSignal): Promise<void> {
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
