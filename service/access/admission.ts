import { setTimeout as wait } from 'node:timers/promises'
import type { Caller } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import type { Frame } from '../scan/frame.ts'
import { CallerUse } from './caller-use.ts'

/** What `busy` tells the caller to wait: reads of a gateway end by the second. An estimate. */
const RETRY_AFTER_MS = 1_000
/** Callers whose use is remembered; of more, those that owe nothing are forgotten. */
const CALLERS_MAX = 10_000

export interface CallerAdmissionOptions {
  /** A clock that never goes back. */
  readonly nowMs: () => number
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** Keeps each caller within its own limits, all its reads at all doors of this gateway together. */
export class CallerAdmission {
  readonly #nowMs: () => number
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly #uses = new Map<string, CallerUse>()

  constructor({ nowMs, sleep }: CallerAdmissionOptions) {
    this.#nowMs = nowMs
    this.#sleep = sleep ?? ((ms, signal) => wait(ms, undefined, { signal }))
  }

  /** Reads under way, and bytes of frames that their readers hold. */
  useOf({ name }: Pick<Caller, 'name'>): { readonly streams: number; readonly bytes: number } {
    const { streams = 0, bytes = 0 } = this.#uses.get(name) ?? {}
    return { streams, bytes }
  }

  /**
   * The frames, no more of them and no faster than the caller's limits allow. Whoever asks for the first one is let
   * in or told `busy`; once in, a read is slowed down, not ended. Bytes in flight may be passed by one frame; a
   * reader that takes nothing holds up the others of its caller, until its door ends it.
   *
   * @throws {GatewayError} `busy` the caller has as many reads, or as many bytes in flight, as it may have.
   */
  admit(
    caller: Caller,
    open: () => AsyncIterable<Frame>,
    signal: AbortSignal,
  ): AsyncIterable<Frame> {
    const { streamsMax, bytesInFlightMax, rowsPerSecondMax } = caller.limits
    const limits = [streamsMax, bytesInFlightMax, rowsPerSecondMax]
    return limits.every((limit) => limit === undefined)
      ? open()
      : this.#limited(caller, open, signal)
  }

  async *#limited(
    caller: Caller,
    open: () => AsyncIterable<Frame>,
    signal: AbortSignal,
  ): AsyncGenerator<Frame> {
    const use = this.#enter(caller)
    const { bytesInFlightMax = Infinity, rowsPerSecondMax = Infinity } = caller.limits
    const read = { heldBytes: 0 }
    try {
      const frames = open()[Symbol.asyncIterator]()
      try {
        for (;;) {
          // A door that wants another frame before it gives the first one back must not wait for itself.
          while (read.heldBytes === 0 && !use.mayHave(bytesInFlightMax)) await use.changed(signal)
          while (use.owedMs > 0) await this.#sleep(use.owedMs, signal)
          const frame = await use.next(frames, read)
          if (frame === undefined) return
          use.spend(frame.rowCount, rowsPerSecondMax)
          yield frame
        }
      } finally {
        await frames.return?.()
      }
    } finally {
      use.streams -= 1
    }
  }

  #enter(caller: Caller): CallerUse {
    const { name, limits } = caller
    const { streamsMax = Infinity, bytesInFlightMax = Infinity } = limits
    const use = this.#uses.get(name) ?? new CallerUse(this.#nowMs)
    if (use.streams >= streamsMax) {
      throw busy(`${name} has ${use.streams} reads at the same time, its limit is ${streamsMax}`)
    }
    if (use.bytes >= bytesInFlightMax) {
      throw busy(
        `the readers of ${name} hold ${use.bytes} bytes in flight, its limit is ${bytesInFlightMax}`,
      )
    }
    this.#uses.set(name, use)
    use.streams += 1
    this.#forget()
    return use
  }

  #forget(): void {
    if (this.#uses.size <= CALLERS_MAX) return
    for (const [name, use] of this.#uses) if (use.isIdle) this.#uses.delete(name)
  }
}

function busy(what: string): GatewayError {
  return new GatewayError('busy', `${what}; try again when one has ended`, {
    retryAfterMs: RETRY_AFTER_MS,
  })
}
