import { create, toBinary } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type {
  FlightDescriptor,
  FlightEndpoint,
  FlightInfo,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import {
  FlightDescriptorSchema,
  FlightEndpointSchema,
  FlightInfoSchema,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import { MESSAGE_BYTES_MAX } from '../query/frame-limits.ts'
import type { PlannedTable } from '../query/table-queries.ts'
import { descriptorTypes } from './flight-descriptor.ts'

/** Flight's word for a number that is not known. */
const UNKNOWN = -1n

/**
 * A plan as Flight says it. Endpoints name no location, for any gateway will do. `app_metadata` is JSON: of the info
 * the plan's ledger, of an endpoint its rows, row groups and decoded bytes.
 *
 * @throws {GatewayError} `too_large` no client would take the answer.
 */
export function flightInfo(plan: PlannedTable, descriptor: FlightDescriptor): FlightInfo {
  const { schemaMessage, endpoints, rowCount, expiresMs, ledger } = plan
  const info = create(FlightInfoSchema, {
    schema: schemaMessage,
    flightDescriptor: descriptor,
    endpoint: endpoints.map(({ ticket, rowCount: rows, rowGroupCount, decodedBytes }) => ({
      ...flightEndpoint(ticket, expiresMs),
      appMetadata: json({ rows, rowGroups: rowGroupCount, decodedBytes }),
    })),
    totalRecords: rowCount === null ? UNKNOWN : BigInt(rowCount),
    totalBytes: UNKNOWN,
    ordered: endpoints.length > 1,
    appMetadata: json({ ledger }),
  })
  const bytes = toBinary(FlightInfoSchema, info).length
  if (bytes <= MESSAGE_BYTES_MAX) return info
  throw new GatewayError(
    'too_large',
    `the answer takes ${bytes} bytes, more than ${MESSAGE_BYTES_MAX}; ask for fewer endpoints or shorten the command`,
  )
}

/** A ticket that may be read as often as one likes until it expires. */
export function flightEndpoint(ticket: Uint8Array, expiresMs: number): FlightEndpoint {
  return create(FlightEndpointSchema, {
    ticket: { ticket },
    expirationTime: timestampFromMs(expiresMs),
  })
}

/** A table in a listing; without a schema where it cannot be told. */
export function listedFlight(
  { schema, table }: TableName,
  schemaMessage: Uint8Array = new Uint8Array(0),
): FlightInfo {
  return create(FlightInfoSchema, {
    schema: schemaMessage,
    flightDescriptor: create(FlightDescriptorSchema, {
      type: descriptorTypes.path,
      path: [schema, table],
    }),
    totalRecords: UNKNOWN,
    totalBytes: UNKNOWN,
  })
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
