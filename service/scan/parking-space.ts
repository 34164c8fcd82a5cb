/**
 * Memory for rows that were decoded and cannot be written yet because their reader is slow, so that others may decode
 * meanwhile. When it is full, a scan keeps the decoder until its reader has read on.
 */
export class ParkingSpace {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get parkedBytes(): number {
    return this.#bytes
  }

  /** True when there is room; whoever got it gives it back by {@link leave}. */
  tryPark(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }

  /** @param _queuedBytes what the scan goes on to hold: rows that wait for others to fill a frame with */
  leave(bytes: number, _queuedBytes: number): void {
    this.#bytes -= bytes
  }
}
