import { type MemoryPlace, type MemoryRun, MemoryUnits } from './memory-units.ts'

/** Room for an open row group, until somebody else needs it. */
export interface DecoderRoom {
  /** Undefined when it was given to somebody else: whatever was there is lost. */
  readonly bytes: Uint8Array | undefined
  /** May be called twice. */
  release(): void
}

interface HeldRoom {
  run: MemoryRun | undefined
}

/**
 * Rooms for row groups that scans have open, many at once, so that a scan goes on where it stopped while others
 * decode. When there is no place for one more, the rooms that were taken first are taken back: their scans open their
 * row groups again, which costs a page of each column.
 */
export class DecoderRooms {
  readonly #units: MemoryUnits
  /** The oldest first. */
  readonly #held = new Set<HeldRoom>()

  constructor(buffer: SharedArrayBuffer, place: MemoryPlace) {
    this.#units = new MemoryUnits(buffer, place)
  }

  get usedBytes(): number {
    return this.#units.usedBytes
  }

  /** Undefined when so much was never there. */
  take(lengthBytes: number): DecoderRoom | undefined {
    const length = Math.ceil(lengthBytes / 64) * 64
    let run = this.#units.take(length)
    for (const oldest of this.#held) {
      if (run !== undefined) break
      this.#drop(oldest)
      run = this.#units.take(length)
    }
    if (run === undefined) return undefined
    const held: HeldRoom = { run }
    this.#held.add(held)
    return {
      get bytes() {
        return held.run?.bytes
      },
      release: () => this.#drop(held),
    }
  }

  #drop(held: HeldRoom): void {
    this.#held.delete(held)
    held.run?.release()
    held.run = undefined
  }
}
