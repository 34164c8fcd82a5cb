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
  const { columns, predicate, top } = request
  const names = columns.flatMap(({ field, from }) =>
    from.kind === 'partition' ? [field.name, from.partition] : [field.name],
  )
  assertColumns(seen, [...names, ...(top?.order ?? []).map(({ column }) => column)])
  if (predicate) assertSeen(seen, predicate)
  const { rowFilter } = seen
  return rowFilter === undefined ? request : { ...request, rowFilter }
}

/** @throws {GatewayError} `invalid_request` the predicate asks of a column that does not exist for the caller. */
export function assertSeen(seen: SeenTable, predicate: Predicate): void {
  assertColumns(seen, columnsOf(predicate))
}

function assertColumns({ table, fields, partitionFields }: SeenTable, names: readonly string[]) {
  const known = new Set([...fields, ...partitionFields].map(({ name }) => name.toLowerCase()))
  const missing = names.find((name) => !known.has(name.toLowerCase()))
  if (missing !== undefined) throw noColumn(table.name, missing)
}

/** Names that a client made up may be long. */
const NAME_CHARACTERS_MAX = 200

function noColumn(table: TableName, name: string): GatewayError {
  const text = `${formatTableName(table)} has no column "${name.slice(0, NAME_CHARACTERS_MAX)}"`
  return new GatewayError('invalid_request', text)
}
