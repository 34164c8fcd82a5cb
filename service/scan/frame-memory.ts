import { GatewayError } from '../errors.ts'
import {
  MEMORY_UNIT_BYTES,
  type MemoryPlace,
  type MemoryRun,
  MemoryUnits,
  unitsOf,
} from './memory-units.ts'

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

/** This much of the memory is kept for scans that hold none: those whose readers stall cannot take all of it. */
const KEPT_SHARE = 0.25

interface Waiter {
  readonly isModest: () => boolean
  readonly unitCount: number
  readonly lengthBytes: number
  resolve(run: MemoryRun): void
}

/** Gives out runs of one piece of memory, shared by a worker's scans, and lets them wait for it. */
export class FrameMemory implements MemorySource {
  readonly #units: MemoryUnits
  /** Units for those who hold nothing. */
  readonly #keptCount: number
  readonly #waiters = new Set<Waiter>()

  /** @param place all of the buffer by default */
  constructor(
    buffer: SharedArrayBuffer,
    place: MemoryPlace = { start: 0, end: buffer.byteLength },
  ) {
    this.#units = new MemoryUnits(buffer, place)
    this.#keptCount = Math.floor(this.#units.count * KEPT_SHARE)
  }

  get usedBytes(): number {
    return this.#units.usedBytes
  }

  allocate(
    lengthBytes: number,
    signal: AbortSignal,
    isModest: () => boolean = () => true,
  ): Promise<MemoryRun> {
    const unitCount = unitsOf(lengthBytes)
    // Listening to the signal costs more than everything else here: not when there is no need to wait.
    const free = signal.aborted ? undefined : this.#takeFree(lengthBytes, isModest)
    if (free !== undefined) return Promise.resolve(free)
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(GatewayError.from(signal.reason))
      if (unitCount > this.#units.count) {
        const limit = this.#units.count * MEMORY_UNIT_BYTES
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

  #takeFree(lengthBytes: number, isModest: () => boolean): MemoryRun | undefined {
    if (this.#waiters.size > 0) return undefined
    const left = this.#units.freeCount - unitsOf(lengthBytes)
    if (left < this.#keptCount && !isModest()) return undefined
    return this.#units.take(lengthBytes, () => this.#serve())
  }

  /** Serves waiters in order, until one of those who hold nothing has to go on waiting. */
  #serve(): void {
    for (const waiter of this.#waiters) {
      const isModest = waiter.isModest()
      if (!isModest && this.#units.freeCount - waiter.unitCount < this.#keptCount) continue
      const run = this.#units.take(waiter.lengthBytes, () => this.#serve())
      if (run === undefined) {
        if (isModest) return
        continue
      }
      this.#waiters.delete(waiter)
      waiter.resolve(run)
    }
  }
}
