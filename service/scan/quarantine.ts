import type { GatewayError } from '../errors.ts'
import { trapError } from './decoder-trap.ts'
import type { ScanPiece } from './scan-job.ts'

/** A row group that cost a worker, in the version of the file that did. */
export interface QuarantinedRowGroup {
  /** `bucket/key, row group 3`. */
  readonly source: string
  readonly etag: string
  /** How the worker ended. */
  readonly how: WorkerEnd
  readonly untilMs: number
}

/**
 * The decoder trapped; it did not come back in time; the thread was gone, be it through the file or through somebody
 * else.
 */
export type WorkerEnd = 'trap' | 'hang' | 'death'

export interface QuarantineOptions {
  /** How long a row group is refused. */
  readonly keptMs: number
  /** A clock that never goes back. */
  readonly nowMs: () => number
}

/** Ten minutes: one lost worker in that time does not hurt, and a decoder that learned better gets its chance. */
export const QUARANTINE_MS = 10 * 60_000

/** Row groups that are remembered; the one accused first is forgotten first. */
const ROW_GROUPS_MAX = 1_000

/** A thread may die for reasons of its own: so many deaths over one row group in a row are no accident. */
const DEATHS_MAX = 3

interface Suspect {
  readonly deathCount: number
  readonly untilMs: number
}

type Accused = Pick<ScanPiece, 'source' | 'object'>

/** Remembers which row groups cost workers, so that they cost no more of them. */
export class Quarantine {
  readonly #options: QuarantineOptions
  readonly #entries = new Map<string, QuarantinedRowGroup>()
  readonly #suspects = new Map<string, Suspect>()
  #refusedCount = 0

  constructor(options: QuarantineOptions) {
    this.#options = options
  }

  /** Row groups that were refused without being read. */
  get refusedCount(): number {
    return this.#refusedCount
  }

  /**
   * A worker ended while it decoded the row group. Answers what its scan is told; undefined while it may have been
   * an accident.
   */
  accuse(piece: Accused, how: WorkerEnd, cause: unknown): GatewayError | undefined {
    const key = keyOf(piece)
    const untilMs = this.#options.nowMs() + this.#options.keptMs
    if (how === 'death') {
      const deathCount = (this.#suspects.get(key)?.deathCount ?? 0) + 1
      remember(this.#suspects, key, { deathCount, untilMs })
      if (deathCount < DEATHS_MAX) return undefined
    }
    this.#suspects.delete(key)
    const { source, object } = piece
    remember(this.#entries, key, { source, etag: object.etag, how, untilMs })
    return trapError(source, cause)
  }

  /** The row group was decoded. */
  absolve(piece: Accused): void {
    if (this.#suspects.size > 0) this.#suspects.delete(keyOf(piece))
  }

  /** Why the row group is not read, if it is not. */
  refusal(piece: Accused): GatewayError | undefined {
    if (this.#entries.size === 0) return undefined
    this.#forgetOld()
    const entry = this.#entries.get(keyOf(piece))
    if (entry === undefined) return undefined
    this.#refusedCount++
    return trapError(entry.source, `quarantined after a ${entry.how}`)
  }

  /** What is refused now. */
  list(): readonly QuarantinedRowGroup[] {
    this.#forgetOld()
    return [...this.#entries.values()]
  }

  /** Lets a row group be read again, of every version of its file; true when there was one. */
  release(source: string): boolean {
    const found = this.list().filter((entry) => entry.source === source)
    for (const { etag } of found) this.#entries.delete(keyOf({ source, object: { etag } }))
    return found.length > 0
  }

  #forgetOld(): void {
    const nowMs = this.#options.nowMs()
    for (const kept of [this.#entries, this.#suspects]) {
      for (const [key, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(key)
    }
  }
}

function keyOf({ source, object }: { source: string; object: { etag: string } }): string {
  return `${object.etag} ${source}`
}

/** Puts it last, and drops the first when there are too many. */
function remember<Value>(kept: Map<string, Value>, key: string, value: Value): void {
  kept.delete(key)
  kept.set(key, value)
  const [oldest] = kept.keys()
  if (kept.size > ROW_GROUPS_MAX && oldest !== undefined) kept.delete(oldest)
}
