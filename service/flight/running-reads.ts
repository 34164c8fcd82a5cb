import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'

/** The reads that this gateway is serving, by ticket, so that they can be cancelled from another call. */
export class RunningReads {
  readonly #byTicket = new Map<string, Set<AbortController>>()

  /** Holds what `read` yields under the ticket until it ends; cancelling aborts the signal `read` gets. */
  async *hold<Item>(
    ticket: Uint8Array,
    read: (signal: AbortSignal) => AsyncIterable<Item>,
    signal: AbortSignal,
  ): AsyncGenerator<Item> {
    const key = keyOf(ticket)
    const controller = new AbortController()
    const running = this.#byTicket.get(key) ?? new Set()
    this.#byTicket.set(key, running.add(controller))
    try {
      yield* read(AbortSignal.any([signal, controller.signal]))
    } finally {
      running.delete(controller)
      if (running.size === 0) this.#byTicket.delete(key)
    }
  }

  /** Ends the ticket's reads with `cancelled`; false: there were none. */
  cancel(ticket: Uint8Array): boolean {
    const running = this.#byTicket.get(keyOf(ticket)) ?? new Set()
    for (const controller of running) {
      controller.abort(new GatewayError('cancelled', 'the flight was cancelled'))
    }
    return running.size > 0
  }
}

function keyOf(ticket: Uint8Array): string {
  return createHash('sha256').update(ticket).digest('base64')
}
