import { SharedFlights } from '../objects/shared-flights.ts'

export interface AnswerCacheOptions<Answer> {
  /** How long an answer may be used again, from when it was asked for; 0: never, nor shared with others. */
  readonly ttlMs: number
  /** Entries of all remembered answers together; the oldest go first, a larger one is not remembered. */
  readonly entriesMax: number
  readonly entryCount: (answer: Answer) => number
  /** A clock that never goes back. */
  readonly nowMs: () => number
}

interface Remembered<Answer> {
  readonly answer: Answer
  readonly askedMs: number
}

/** Answers of the store, each used again for a while and asked once by all who want it at the same time. */
export class AnswerCache<Answer> {
  readonly #options: AnswerCacheOptions<Answer>
  readonly #flights = new SharedFlights<Answer>()
  /** The oldest first. */
  readonly #remembered = new Map<string, Remembered<Answer>>()
  #entryCount = 0

  constructor(options: AnswerCacheOptions<Answer>) {
    this.#options = options
  }

  /** Entries of all remembered answers, those past their time included until somebody asks. */
  get entryCount(): number {
    return this.#entryCount
  }

  async get(
    key: string,
    ask: (signal: AbortSignal) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    if (this.#options.ttlMs === 0) return ask(signal)
    this.#forgetOld()
    const remembered = this.#remembered.get(key)
    if (remembered) return remembered.answer
    const askAndRemember = async (shared: AbortSignal): Promise<Answer> => {
      const askedMs = this.#options.nowMs()
      const answer = await ask(shared)
      this.#remember(key, { answer, askedMs })
      return answer
    }
    return this.#flights.join(key, askAndRemember, signal)
  }

  #remember(key: string, remembered: Remembered<Answer>): void {
    const { entriesMax, entryCount } = this.#options
    this.#forget(key)
    this.#remembered.set(key, remembered)
    this.#entryCount += entryCount(remembered.answer)
    for (const oldest of this.#remembered.keys()) {
      if (this.#entryCount <= entriesMax) break
      this.#forget(oldest)
    }
  }

  #forgetOld(): void {
    const { ttlMs, nowMs } = this.#options
    const oldestMs = nowMs() - ttlMs
    for (const [key, { askedMs }] of this.#remembered) if (askedMs <= oldestMs) this.#forget(key)
  }

  #forget(key: string): void {
    const remembered = this.#remembered.get(key)
    if (!remembered) return
    this.#remembered.delete(key)
    this.#entryCount -= this.#options.entryCount(remembered.answer)
  }
}
