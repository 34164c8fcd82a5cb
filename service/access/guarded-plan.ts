import { and, columnsOf, conjunctsOf, type Predicate } from '../predicate/predicate.ts'
import type { Ledger } from '../planning/ledger.ts'
import { emptyLedger } from '../planning/ledger.ts'
import type { SeenTable } from './visible-catalog.ts'

/**
 * What a plan is made for. Rows that do not exist for the caller must not show in what is kept and what is not, so
 * where there is a row filter, statistics are asked about that alone; of the caller's own conditions only those count
 * that folders decide. The scan asks them all.
 */
export function guardedPredicate(seen: SeenTable, predicate: Predicate): Predicate {
  const { rowFilter, partitionFields } = seen
  if (rowFilter === undefined) return predicate
  const folders = new Set(partitionFields.map(({ name }) => name.toLowerCase()))
  const isOfFolders = (term: Predicate) =>
    columnsOf(term).every((column) => folders.has(column.toLowerCase()))
  return and([rowFilter, ...conjunctsOf(predicate).filter(isOfFolders)])
}

/** Of what is kept, how many; nothing of its rows and bytes, and nothing of what was dropped. */
export function guardedLedger({ rowFilter }: SeenTable, ledger: Ledger): Ledger {
  if (rowFilter === undefined) return ledger
  const { filesKept, rowGroupsKept, splits, ticketBytes, notApplied } = ledger
  return { ...emptyLedger, filesKept, rowGroupsKept, splits, ticketBytes, notApplied }
}
