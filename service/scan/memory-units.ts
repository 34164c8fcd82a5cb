import assert from 'node:assert'

/** A run of memory, lent until `release`. */
export interface MemoryRun {
  /** Begins at a multiple of 64. */
  readonly bytes: Uint8Array
  /** May be called twice. */
  release(): void
}

/** A stretch of a memory. */
export interface MemoryPlace {
  /** A multiple of 64. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** Memory is given out in multiples of this: small enough to waste little of a frame of a megabyte. */
export const MEMORY_UNIT_BYTES = 64 * 1024

/**
 * Gives out contiguous runs of a stretch of memory: the lowest free place first, so that memory that was never needed
 * is never touched.
 */
export class MemoryUnits {
  readonly #buffer: SharedArrayBuffer
  readonly #start: number
  /** 1 for each unit in use. */
  readonly #used: Uint8Array
  #freeCount: number

  constructor(buffer: SharedArrayBuffer, { start, end }: MemoryPlace) {
    this.#buffer = buffer
    this.#start = start
    this.#used = new Uint8Array(Math.floor((end - start) / MEMORY_UNIT_BYTES))
    this.#freeCount = this.#used.length
  }

  /** Units, free ones and others. */
  get count(): number {
    return this.#used.length
  }

  get freeCount(): number {
    return this.#freeCount
  }

  get usedBytes(): number {
    return (this.#used.length - this.#freeCount) * MEMORY_UNIT_BYTES
  }

  /**
   * Undefined when there is no run of so many bytes.
   *
   * @param onRelease called once, when the run is free again
   */
  take(lengthBytes: number, onRelease: () => void = () => {}): MemoryRun | undefined {
    const unitCount = unitsOf(lengthBytes)
    const first = this.#findFree(unitCount)
    if (first === undefined) return undefined
    this.#used.fill(1, first, first + unitCount)
    this.#freeCount -= unitCount
    let isHeld = true
    return {
      bytes: new Uint8Array(this.#buffer, this.#start + first * MEMORY_UNIT_BYTES, lengthBytes),
      release: () => {
        if (!isHeld) return
        isHeld = false
        assert(this.#used[first] === 1)
        this.#used.fill(0, first, first + unitCount)
        this.#freeCount += unitCount
        onRelease()
      },
    }
  }

  #findFree(unitCount: number): number | undefined {
    let start = 0
    while (start + unitCount <= this.#used.length) {
      const busy = this.#used.subarray(start, start + unitCount).lastIndexOf(1)
      if (busy < 0) return start
      start += busy + 1
    }
    return undefined
  }
}

/** Units that hold so many bytes, one at least. */
export function unitsOf(lengthBytes: number): number {
  return Math.max(1, Math.ceil(lengthBytes / MEMORY_UNIT_BYTES))
}
