import type { TableName } from '../../service/catalog/table-name.ts'
import type { Caller } from '../../service/credentials/caller.ts'
import { anonymous } from '../../service/credentials/caller.ts'
import type { TicketHolder, TicketKeys } from '../../service/planning/ticket-keys.ts'
import type { TicketOpening } from '../../service/planning/ticket.ts'

/** Whose tickets of any table are. */
export function holderOf(caller: Caller = anonymous, table?: TableName): TicketHolder {
  const rights = caller.rights.ofTable(table ?? { schema: '', table: '' })
  return { caller: caller.name, rightsDigest: rights?.digest ?? new Uint8Array(8) }
}

/** How everybody opens tickets where there are no callers. */
export function openingOf(keys: TicketKeys, nowMs: number): TicketOpening {
  return {
    keys,
    caller: anonymous.name,
    rightsDigestOf: (table) => anonymous.rights.ofTable(table)?.digest,
    nowMs,
  }
}
