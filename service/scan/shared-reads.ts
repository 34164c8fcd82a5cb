import type { ByteRange } from '../objects/byte-range.ts'
import { type DataReader, readData } from './read-data.ts'
import type { ScanPiece } from './scan-job.ts'

/** Groups of pieces whose runs are kept: one may still be fetched from when the next begins. */
const GROUPS_MAX = 2

/** The reads that pieces of one scan share: each run is read once, and forgotten when its pieces have gone by. */
export class SharedReads {
  readonly #parts: DataReader
  /** By file and place of the group's runs, then by the run's. */
  readonly #groups = new Map<string, Map<number, Promise<Uint8Array>>>()

  constructor(parts: DataReader) {
    this.#parts = parts
  }

  /**
   * The bytes of a range, views of what is kept; undefined when the piece does not share the read of it.
   *
   * @throws {GatewayError} what the store throws.
   */
  async read(
    piece: ScanPiece,
    range: ByteRange,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const run = piece.shared?.runs.find(
      ({ start, end }) => start <= range.start && range.end <= end,
    )
    if (run === undefined) return undefined
    const group = this.#groupOf(piece)
    const reading = group.get(run.start) ?? this.#readRun(piece, run, signal)
    group.set(run.start, reading)
    const bytes = await reading
    return bytes.subarray(range.start - run.start, range.end - run.start)
  }

  #groupOf({ object, shared }: ScanPiece): Map<number, Promise<Uint8Array>> {
    const name = JSON.stringify([object.key, object.etag, shared?.start])
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const group = new Map<number, Promise<Uint8Array>>()
    this.#groups.set(name, group)
    for (const oldest of this.#groups.keys()) {
      if (this.#groups.size <= GROUPS_MAX) break
      this.#groups.delete(oldest)
    }
    return group
  }

  async #readRun({ object }: ScanPiece, run: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    return readData(this.#parts, { object, range: run }, signal)
  }
}
