import type { TableName } from '../catalog/table-name.ts'
import { RIGHTS_DIGEST_BYTES } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import type { Split } from './split.ts'
import { decodeSplit, encodeSplit } from './split-encoding.ts'
import type { TicketHolder, TicketKeys } from './ticket-keys.ts'
import { assertSameRights, notOurs } from './ticket-keys.ts'

/** A split that only gateways with these keys can read, for its holder: Athena's split property and Flight's ticket. */
export function sealTicket(split: Split, keys: TicketKeys, holder: TicketHolder): Uint8Array {
  const plain = Buffer.concat([holder.rightsDigest, encodeSplit(split)])
  return keys.seal('split', plain, holder.caller)
}

export interface TicketOpening {
  readonly keys: TicketKeys
  /** The name of who shows the ticket. */
  readonly caller: string
  /** Of what that caller may see of a table now; undefined: the table does not exist for it. */
  readonly rightsDigestOf: (table: TableName) => Uint8Array | undefined
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/**
 * The split of a ticket, before anything is asked of the store.
 *
 * @throws {GatewayError} `invalid_request` it was forged, altered, cut or made for another caller, its key is gone,
 *   its time is over, or the caller's rights were changed since.
 */
export function openTicket(ticket: Uint8Array, opening: TicketOpening): Split {
  const plain = opening.keys.open('split', ticket, opening.caller)
  const digest = plain.subarray(0, RIGHTS_DIGEST_BYTES)
  const split = decodeSplit(plain.subarray(RIGHTS_DIGEST_BYTES), () => {
    throw notOurs('split')
  })
  assertSameRights(digest, opening.rightsDigestOf(split.table), split.table)
  if (split.expiresMs > opening.nowMs) return split
  throw new GatewayError(
    'invalid_request',
    `the ticket expired at ${new Date(split.expiresMs).toISOString()}; plan again`,
  )
}
