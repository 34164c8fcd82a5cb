import type { FlightDescriptor } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { GatewayError } from '../errors.ts'
import type { TableRequest } from '../query/table-request.ts'
import { parseTableRequest, readTableRequest } from '../query/table-request.ts'

/** Flight's kinds of descriptors. */
export const descriptorTypes = { path: 1, command: 2 } as const

/** Flight SQL packs its commands into `google.protobuf.Any`, whose first field is a URL. */
const ANY_TAG = 0x0a
const ANY_URL = 'type.googleapis.com/'

/**
 * What a descriptor asks for: the path of a table, or a command in JSON.
 *
 * @throws {GatewayError} `invalid_request` it is neither; `unsupported` it is one of Flight SQL.
 */
export function requestOf({ type, path, cmd }: FlightDescriptor): TableRequest {
  if (type === descriptorTypes.path) {
    const [schema, table] = path
    if (path.length === 2) return readTableRequest({ schema, table })
    throw new GatewayError(
      'invalid_request',
      `the path has ${path.length} parts, expected two: schema and table`,
    )
  }
  if (type === descriptorTypes.command) {
    if (!isFlightSql(cmd)) return parseTableRequest(cmd)
    throw new GatewayError(
      'unsupported',
      'Flight SQL is not served; send {"schema": …, "table": …, "filter": …} as command',
    )
  }
  throw new GatewayError(
    'invalid_request',
    `the descriptor is of type ${type}, expected a path (1) or a command (2)`,
  )
}

function isFlightSql(cmd: Uint8Array): boolean {
  const text = Buffer.from(cmd.buffer, cmd.byteOffset, Math.min(cmd.length, 64))
  return cmd[0] === ANY_TAG && text.toString('latin1', 2, 2 + ANY_URL.length) === ANY_URL
}
