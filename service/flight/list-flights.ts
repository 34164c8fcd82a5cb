import type { Criteria, FlightInfo } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { mapAhead } from '../catalog/map-ahead.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import type { TableFilter, TableQueries } from '../query/table-queries.ts'
import { LISTED_MAX } from '../query/table-queries.ts'
import { membersOf, parseJson, readCount, readName } from '../query/table-request.ts'
import { listedFlight } from './flight-info.ts'

/** Tables whose columns are looked up at the same time. */
const TABLES_AHEAD = 8

/**
 * Tables as flights, sorted. Folders without files are no tables; of a table that cannot be read the schema is empty.
 *
 * @throws {GatewayError} `invalid_request` the criteria is not understood; `table_not_found` there is no such schema.
 */
export async function* listFlights(
  queries: Pick<TableQueries, 'listTables' | 'schemaOf'>,
  { expression }: Criteria,
  signal: AbortSignal,
): AsyncGenerator<FlightInfo> {
  const names = queries.listTables(criteriaOf(expression), signal)
  const look = (table: TableName, both: AbortSignal) => flightOf(queries, table, both)
  for await (const flight of mapAhead(names, TABLES_AHEAD, look, signal)) {
    if (flight) yield flight
  }
}

async function flightOf(
  queries: Pick<TableQueries, 'schemaOf'>,
  table: TableName,
  signal: AbortSignal,
): Promise<FlightInfo | undefined> {
  try {
    return listedFlight(table, (await queries.schemaOf({ table }, signal)).schemaMessage)
  } catch (error) {
    const code = error instanceof GatewayError ? error.code : 'internal'
    if (code === 'table_not_found') return undefined
    if (code === 'unreadable_file' || code === 'unsupported' || code === 'too_large') {
      return listedFlight(table)
    }
    throw error
  }
}

const members = ['schema', 'pattern', 'limit'] as const

/** Empty bytes are no criteria. */
function criteriaOf(expression: Uint8Array): TableFilter {
  if (expression.length === 0) return {}
  const given = membersOf(parseJson(expression), members)
  const limit = readCount('limit', given.get('limit'), { min: 0, max: LISTED_MAX })
  return {
    ...(given.has('schema') && { schema: readName('schema', given.get('schema')) }),
    ...(given.has('pattern') && { pattern: readName('pattern', given.get('pattern')) }),
    ...(limit !== undefined && { limit }),
  }
}
