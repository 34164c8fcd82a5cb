import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { Action } from '../../proto/gen/arrow/flight/flight_pb.ts'
import {
  CancelFlightInfoRequestSchema,
  CancelFlightInfoResultSchema,
  FlightEndpointSchema,
  RenewFlightEndpointRequestSchema,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import { GatewayError } from '../errors.ts'
import type { TableQueries } from '../query/table-queries.ts'
import { flightEndpoint } from './flight-info.ts'
import type { RunningReads } from './running-reads.ts'

/** `CANCEL_STATUS_CANCELLED` of Flight.proto. */
const CANCELLED = 1

/** What a client may ask beside reading. */
export const flightActions = [
  {
    type: 'CancelFlightInfo',
    description: 'ends the reads of a FlightInfo that this gateway serves',
  },
  {
    type: 'RenewFlightEndpoint',
    description: 'gives the ticket of a FlightEndpoint more time',
  },
] as const

/** What receipts will be asked by. */
const RECEIPT = 'spillway.Receipt'

export interface ActionParts {
  readonly queries: Pick<TableQueries, 'check' | 'renew'>
  readonly running: RunningReads
}

/**
 * The body of an action's one result.
 *
 * @throws {GatewayError} `invalid_request` the body is not what the action takes, or a ticket is not ours;
 *   `unsupported` there is no such action.
 */
export function doAction({ type, body }: Action, { queries, running }: ActionParts): Uint8Array {
  switch (type) {
    case 'CancelFlightInfo': {
      const { info } = bodyOf(CancelFlightInfoRequestSchema, type, body)
      const tickets = (info?.endpoint ?? []).map((endpoint) => endpoint.ticket?.ticket)
      if (tickets.length === 0)
        throw new GatewayError('invalid_request', 'the flight has no endpoints')
      const ours = tickets.map((ticket = new Uint8Array(0)) => {
        queries.check(ticket)
        return ticket
      })
      for (const ticket of ours) running.cancel(ticket)
      return toBinary(
        CancelFlightInfoResultSchema,
        create(CancelFlightInfoResultSchema, { status: CANCELLED }),
      )
    }
    case 'RenewFlightEndpoint': {
      const { endpoint } = bodyOf(RenewFlightEndpointRequestSchema, type, body)
      const { ticket, expiresMs } = queries.renew(endpoint?.ticket?.ticket ?? new Uint8Array(0))
      const renewed = { ...endpoint, ...flightEndpoint(ticket, expiresMs) }
      return toBinary(FlightEndpointSchema, renewed)
    }
    case RECEIPT:
      throw new GatewayError('unsupported', 'receipts are not kept yet')
    default:
      throw new GatewayError(
        'unsupported',
        `there is no action "${type.slice(0, 100)}"; known are ${flightActions.map((known) => known.type).join(', ')}`,
      )
  }
}

function bodyOf<Desc extends DescMessage>(
  schema: Desc,
  action: string,
  body: Uint8Array,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, body)
  } catch (cause) {
    throw new GatewayError(
      'invalid_request',
      `the body of the action ${action} is not a ${schema.name}`,
      { cause },
    )
  }
}
