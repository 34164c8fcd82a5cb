import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type {
  Action,
  Criteria,
  FlightData,
  FlightDescriptor,
  FlightInfo,
  PollInfo,
  PutResult,
  SchemaResult,
  Ticket,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import {
  ActionTypeSchema,
  FlightInfoSchema,
  FlightService,
  PollInfoSchema,
  ResultSchema,
  SchemaResultSchema,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import type { Caller, Identify } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import { statusOf } from '../grpc/error-status.ts'
import type { GrpcService } from '../grpc/grpc-server.ts'
import { callerOf } from '../grpc/caller-of.ts'
import type { CallKeeper, CallLife } from '../grpc/serve-call.ts'
import { answerCall, streamCall, watchCall } from '../grpc/serve-call.ts'
import { methodDefinition } from '../grpc/service-definition.ts'
import type { TableQueries } from '../query/table-queries.ts'
import type { Frame } from '../scan/frame.ts'
import { doAction, flightActions } from './flight-actions.ts'
import { requestOf } from './flight-descriptor.ts'
import { handshake } from './flight-handshake.ts'
import { flightInfo } from './flight-info.ts'
import { listFlights } from './list-flights.ts'
import { emptyDictionaries, emptyFrame, messageFrame, schemaFrame } from './message-frame.ts'
import { neverSilent, SILENCE_MAX_MS } from './never-silent.ts'
import { RunningReads } from './running-reads.ts'

export interface FlightDoor extends CallKeeper {
  /** Asked by handshakes; the server asks before all other calls. */
  readonly identify: Identify
  /** What a caller may ask. */
  readonly queriesFor: (caller: Caller) => TableQueries
}

/** The door of Arrow's clients: service `arrow.flight.protocol.FlightService`, for reading. */
export function flightService(door: FlightDoor): GrpcService {
  const { queriesFor, identify } = door
  const running = new RunningReads()
  const { method } = FlightService
  const infoOf = async (
    descriptor: FlightDescriptor,
    { signal, caller }: CallLife,
  ): Promise<FlightInfo> =>
    flightInfo(await queriesFor(caller).plan(requestOf(descriptor), signal), descriptor)
  return {
    selfIdentified: [methodDefinition(method.handshake).path],
    definition: {
      handshake: methodDefinition(method.handshake),
      listFlights: methodDefinition(method.listFlights),
      getFlightInfo: methodDefinition(method.getFlightInfo),
      pollFlightInfo: methodDefinition(method.pollFlightInfo),
      getSchema: methodDefinition(method.getSchema),
      doGet: methodDefinition(method.doGet),
      doPut: methodDefinition(method.doPut),
      doExchange: methodDefinition(method.doExchange),
      doAction: methodDefinition(method.doAction),
      listActions: methodDefinition(method.listActions),
    },
    implementation: {
      handshake: handshake(door, identify),
      listFlights: streamCall<Criteria>(door, async function* list(criteria, { signal, caller }) {
        for await (const info of listFlights(queriesFor(caller), criteria, signal)) {
          yield messageFrame(FlightInfoSchema, info)
        }
      }),
      getFlightInfo: answerCall<FlightDescriptor, FlightInfo>(door, infoOf),
      pollFlightInfo: answerCall<FlightDescriptor, PollInfo>(door, async (descriptor, life) =>
        complete(await infoOf(descriptor, life)),
      ),
      getSchema: answerCall<FlightDescriptor, SchemaResult>(
        door,
        async (descriptor, { signal, caller }) => {
          const { schemaMessage } = await queriesFor(caller).schemaOf(requestOf(descriptor), signal)
          return create(SchemaResultSchema, { schema: schemaMessage })
        },
      ),
      doGet: streamCall<Ticket>(door, ({ ticket }, life) =>
        running.hold(ticket, life, flightData(queriesFor(life.caller), ticket, life.signal)),
      ),
      doPut: refused<PutResult>(door),
      doExchange: refused<FlightData>(door),
      doAction: streamCall<Action>(door, async function* act(action, { caller }) {
        yield messageFrame(ResultSchema, {
          body: doAction(action, { queries: queriesFor(caller), running }),
        })
      }),
      listActions: streamCall(door, async function* list() {
        for (const action of flightActions) yield messageFrame(ActionTypeSchema, action)
      }),
    },
  }
}

/** Plans are made at once, so the first poll is the last. */
function complete(info: FlightInfo): PollInfo {
  const expirationTime = info.endpoint[0]?.expirationTime ?? timestampFromMs(0)
  return create(PollInfoSchema, { info, progress: 1, expirationTime })
}

/** The schema goes first, also before no rows; those come as one batch, which many scripts ask for unseen. */
async function* flightData(
  queries: TableQueries,
  ticket: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const { fields, schemaMessage, frames } = await queries.read(ticket, signal)
  yield schemaFrame(schemaMessage)
  const filler = emptyFrame(fields)
  const spoken = neverSilent(frames, { filler: () => filler, silenceMaxMs: SILENCE_MAX_MS })
  let isEmpty = true
  for await (const frame of spoken) {
    if (isEmpty && frame === filler) yield* emptyDictionaries(fields)
    isEmpty = false
    yield frame
  }
  if (!isEmpty) return
  yield* emptyDictionaries(fields)
  yield filler
}

function refused<Output>(door: FlightDoor) {
  return (call: ServerDuplexStream<FlightData, Output>): void => {
    const error = new GatewayError(
      'unsupported',
      'this gateway reads tables, it does not write them',
    )
    watchCall(door, { path: call.getPath(), caller: callerOf(call).name })(error)
    call.emit('error', statusOf(error))
  }
}
