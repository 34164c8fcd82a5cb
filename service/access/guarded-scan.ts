import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import { columnsOf, type Predicate } from '../predicate/predicate.ts'
import type { ScanRequest } from '../scan/scan-request.ts'
import type { SeenTable } from './visible-catalog.ts'

/**
 * The scan with what the caller may see of the table now, whatever its ticket was made for.
 *
 * @throws {GatewayError} `invalid_request` it asks for a column that does not exist for the caller.
 */
export function guardedScan(request: ScanRequest, seen: SeenTable): ScanRequest {
  assertColumns(seen, columnsAsked(request))
  const { rowFilter } = seen
  return rowFilter === undefined ? request : { ...request, rowFilter }
}

/** Whether all columns that a scan asks for exist for the caller. */
export function hasColumns(seen: SeenTable, request: ScanRequest): boolean {
  return missingColumn(seen, columnsAsked(request)) === undefined
}

/** @throws {GatewayError} `invalid_request` the predicate asks of a column that does not exist for the caller. */
export function assertSeen(seen: SeenTable, predicate: Predicate): void {
  assertColumns(seen, columnsOf(predicate))
}

/** Also those that the scan would not look at: what is asked for must not tell which ones it has. */
function columnsAsked({ columns, predicate, top }: ScanRequest): readonly string[] {
  const names = columns.flatMap(({ field, from }) =>
    from.kind === 'partition' ? [field.name, from.partition] : [field.name],
  )
  const ordered = (top?.order ?? []).map(({ column }) => column)
  return [...names, ...ordered, ...(predicate ? columnsOf(predicate) : [])]
}

function assertColumns(seen: SeenTable, names: readonly string[]): void {
  const missing = missingColumn(seen, names)
  if (missing !== undefined) throw noColumn(seen.table.name, missing)
}

function missingColumn({ fields, partitionFields }: SeenTable, names: readonly string[]) {
  const known = new Set([...fields, ...partitionFields].map(({ name }) => name.toLowerCase()))
  return names.find((name) => !known.has(name.toLowerCase()))
}

/** Names that a client made up may be long. */
const NAME_CHARACTERS_MAX = 200

function noColumn(table: TableName, name: string): GatewayError {
  const text = `${formatTableName(table)} has no column "${name.slice(0, NAME_CHARACTERS_MAX)}"`
  return new GatewayError('invalid_request', text)
}
