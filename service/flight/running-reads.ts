import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { CallSignal } from '../grpc/call-signal.ts'

/** What can be done to a call that reads. */
type HeldCall = Pick<CallSignal, 'abort'>

/** The reads that this gateway is serving, by ticket, so that they can be cancelled from another call. */
export class RunningReads {
  readonly #byTicket = new Map<string, Set<HeldCall>>()

  /** Passes the frames on; while they are read the call can be cancelled by its ticket. */
  async *hold<Item>(
    ticket: Uint8Array,
    life: HeldCall,
    frames: AsyncIterable<Item>,
  ): AsyncGenerator<Item> {
    const key = keyOf(ticket)
    const running = this.#byTicket.get(key) ?? new Set()
    this.#byTicket.set(key, running.add(life))
    try {
      yield* frames
    } finally {
      running.delete(life)
      if (running.size === 0) this.#byTicket.delete(key)
    }
  }

  /** Ends the ticket's reads with `cancelled`; false: there were none. */
  cancel(ticket: Uint8Array): boolean {
    const running = this.#byTicket.get(keyOf(ticket)) ?? new Set()
    for (const life of running)
      life.abort(new GatewayError('cancelled', 'the flight was cancelled'))
    return running.size > 0
  }
}

function keyOf(ticket: Uint8Array): string {
  return createHash('sha256').update(ticket).digest('base64')
}
