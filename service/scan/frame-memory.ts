import assert from 'node:assert'
import { GatewayError } from '../errors.ts'

/** A run of memory, lent until `release`. */
export interface MemoryRun {
  /** Begins at a multiple of 64. */
  readonly bytes: Uint8Array
  /** May be called twice. */
  release(): void
}

/** Where frames are written. */
export interface MemorySource {
  /**
   * Waits when there is not enough, first come, first served.
   *
   * @param isModest whether it may be some of what is kept for those who hold nothing; asked again and again while
   *   it waits. Default: it may.
   * @throws {GatewayError} `too_large` it could never be had; `cancelled` the signal aborted.
   */
  allocate(lengthBytes: number, signal: AbortSignal, isModest?: () => boolean): Promise<MemoryRun>
}

/** Memory is given out in multiples of this: small enough to waste little of a frame of a megabyte. */
export const MEMORY_UNIT_BYTES = 64 * 1024

/** This much of the memory is kept for scans that hold none: those whose readers stall cannot take all of it. */
const KEPT_SHARE = 0.25

interface Waiter {
  readonly isModest: () => boolean
  readonly unitCount: number
  readonly lengthBytes: number
  resolve(run: MemoryRun): void
}

/**
 * Gives out contiguous runs of one piece of memory, shared by a worker's scans: the lowest free place first, so
 * that memory that was never needed is never touched.
 */
export class FrameMemory implements MemorySource {
  readonly #buffer: SharedArrayBuffer
  /** 1 for each unit in use. */
  readonly #used: Uint8Array
  /** Units for those who hold nothing. */
  readonly #keptCount: number
  #freeCount: number
  readonly #waiters = new Set<Waiter>()

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer
    this.#used = new Uint8Array(Math.floor(buffer.byteLength / MEMORY_UNIT_BYTES))
    this.#freeCount = this.#used.length
    this.#keptCount = Math.floor(this.#used.length * KEPT_SHARE)
  }

  get usedBytes(): number {
    return this.#used.reduce((sum, unit) => sum + unit, 0) * MEMORY_UNIT_BYTES
  }

  allocate(
    lengthBytes: number,
    signal: AbortSignal,
    isModest: () => boolean = () => true,
  ): Promise<MemoryRun> {
    const unitCount = Math.max(1, Math.ceil(lengthBytes / MEMORY_UNIT_BYTES))
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(GatewayError.from(signal.reason))
      if (unitCount > this.#used.length) {
        const limit = this.#used.length * MEMORY_UNIT_BYTES
        const message = `a frame of ${lengthBytes} bytes passes the memory of ${limit}; ask for smaller blocks`
        return reject(new GatewayError('too_large', message))
      }
      const aborted = () => {
        this.#waiters.delete(waiter)
        reject(GatewayError.from(signal.reason))
        this.#serve()
      }
      const waiter: Waiter = {
        isModest,
        unitCount,
        lengthBytes,
        resolve(run) {
          signal.removeEventListener('abort', aborted)
          resolve(run)
        },
      }
      signal.addEventListener('abort', aborted, { once: true })
      this.#waiters.add(waiter)
      return this.#serve()
    })
  }

  /** Serves waiters in order, until one of those who hold nothing has to go on waiting. */
  #serve(): void {
    for (const waiter of this.#waiters) {
      const isModest = waiter.isModest()
      if (!isModest && this.#freeCount - waiter.unitCount < this.#keptCount) continue
      const first = this.#findFree(waiter.unitCount)
      if (first === undefined) {
        if (isModest) return
        continue
      }
      this.#waiters.delete(waiter)
      waiter.resolve(this.#take(first, waiter))
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

  #take(first: number, { unitCount, lengthBytes }: Waiter): MemoryRun {
    this.#used.fill(1, first, first + unitCount)
    this.#freeCount -= unitCount
    let isHeld = true
    return {
      bytes: new Uint8Array(this.#buffer, first * MEMORY_UNIT_BYTES, lengthBytes),
      release: () => {
        if (!isHeld) return
        isHeld = false
        assert(this.#used[first] === 1)
        this.#used.fill(0, first, first + unitCount)
        this.#freeCount += unitCount
        this.#serve()
      },
    }
  }
}
