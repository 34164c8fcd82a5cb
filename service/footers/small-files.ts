import type { ObjectVersion } from '../objects/object-store.ts'

/** Bytes of files whose footer's read brought all of them. */
export interface SmallFileSource {
  /** The file from its first byte to its footer at least; undefined when it is not kept. */
  get(object: ObjectVersion): Uint8Array | undefined
  /** True: the store gave them as this version a moment ago, and need not be asked whether it still has it. */
  isFresh?(object: ObjectVersion): boolean
}

export interface SmallFilesOptions {
  readonly bytesMax: number
  /**
   * How long nobody need ask whether a file is still the same, as its owner lets listings be used again for as long;
   * default 0: never. What is given then is what was planned, of one version.
   */
  readonly freshMs?: number
  /** A clock that never goes back. */
  readonly nowMs: () => number
}

/** From the plan of a query to the read of its rows. */
const KEPT_MS_MAX = 60_000

interface Kept {
  readonly bytes: Uint8Array
  readonly sinceMs: number
}

/**
 * Small files by bucket, key and ETag, so that none is read for its footer and again for its rows. Those used least
 * recently are dropped first, and all after a minute. Who uses one that is not fresh asks the store whether the file is
 * still the same.
 */
export class SmallFiles implements SmallFileSource {
  readonly #options: SmallFilesOptions
  readonly #held = new Map<string, Kept>()
  #heldBytes = 0

  constructor(options: SmallFilesOptions) {
    this.#options = options
  }

  /** Never more than was given as `bytesMax`. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  get(object: ObjectVersion): Uint8Array | undefined {
    const name = nameOf(object)
    const kept = this.#held.get(name)
    if (kept === undefined) return undefined
    this.#forget(name, kept)
    if (this.#options.nowMs() - kept.sinceMs > KEPT_MS_MAX) return undefined
    this.#held.set(name, kept)
    this.#heldBytes += kept.bytes.length
    return kept.bytes
  }

  isFresh(object: ObjectVersion): boolean {
    const { freshMs = 0, nowMs } = this.#options
    const kept = this.#held.get(nameOf(object))
    return kept !== undefined && nowMs() - kept.sinceMs < freshMs
  }

  /** The bytes are the cache's own from now on. */
  keep(object: ObjectVersion, bytes: Uint8Array): void {
    const name = nameOf(object)
    const before = this.#held.get(name)
    if (before !== undefined) this.#forget(name, before)
    this.#held.set(name, { bytes, sinceMs: this.#options.nowMs() })
    this.#heldBytes += bytes.length
    for (const [oldest, dropped] of this.#held) {
      if (this.#heldBytes <= this.#options.bytesMax) return
      this.#forget(oldest, dropped)
    }
  }

  #forget(name: string, { bytes }: Kept): void {
    this.#held.delete(name)
    this.#heldBytes -= bytes.length
  }
}

function nameOf({ bucket, key, etag }: ObjectVersion): string {
  return JSON.stringify([bucket, key, etag])
}
