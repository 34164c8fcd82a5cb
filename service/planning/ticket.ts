import { GatewayError } from '../errors.ts'
import type { Split } from './split.ts'
import { decodeSplit, encodeSplit } from './split-encoding.ts'
import type { TicketKeys } from './ticket-keys.ts'
import { notOurs } from './ticket-keys.ts'

/** A split that only gateways with these keys can read: Athena's split property and Flight's ticket. */
export function sealTicket(split: Split, keys: TicketKeys): Uint8Array {
  return keys.seal('split', encodeSplit(split))
}

/**
 * The split of a ticket, before anything is asked of the store.
 *
 * @throws {GatewayError} `invalid_request` it was forged, altered or cut, its key is gone, or its time is over.
 */
export function openTicket(ticket: Uint8Array, keys: TicketKeys, nowMs: number): Split {
  const split = decodeSplit(keys.open('split', ticket), () => {
    throw notOurs('split')
  })
  if (split.expiresMs > nowMs) return split
  throw new GatewayError(
    'invalid_request',
    `the ticket expired at ${new Date(split.expiresMs).toISOString()}; plan again`,
  )
}
