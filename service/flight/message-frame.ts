import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf'
import { create, toBinary } from '@bufbuild/protobuf'
import { FlightDataSchema } from '../../proto/gen/arrow/flight/flight_pb.ts'
import type { Field } from '../arrow/arrow-type.ts'
import {
  type MessagePlan,
  planFlightDictionary,
  planFlightMessage,
} from '../arrow/framed-message.ts'
import { planBatch } from '../arrow/write-batch.ts'
import type { Frame } from '../scan/frame.ts'

/** gRPC's prefix: a byte for the compression, four for the length. */
const GRPC_PREFIX_BYTES = 5
/** `ffffffff` and the length, which Flight leaves out. */
const IPC_PREFIX_BYTES = 8

/** A message as the frames of a scan are: with gRPC's prefix before it. */
export function messageFrame<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): Frame {
  const bytes = toBinary(schema, create(schema, init))
  const message = Buffer.alloc(GRPC_PREFIX_BYTES + bytes.length)
  message.writeUInt32BE(bytes.length, 1)
  message.set(bytes, GRPC_PREFIX_BYTES)
  return frameOf(message)
}

/** The first message of a stream of FlightData, from the encapsulated schema message. */
export function schemaFrame(schemaMessage: Uint8Array): Frame {
  return messageFrame(FlightDataSchema, { dataHeader: schemaMessage.subarray(IPC_PREFIX_BYTES) })
}

/** A record batch of no rows; before the first of a stream its dictionaries have to be sent. */
export function emptyFrame(fields: readonly Field[]): Frame {
  const types = fields.map(({ type }) => (type.kind === 'dictionary' ? type.index : type))
  return plannedFrame(planFlightMessage(planBatch(types, [])))
}

/** Dictionaries without entries, for the columns that have one. */
export function emptyDictionaries(fields: readonly Field[]): readonly Frame[] {
  const values = fields.flatMap(({ type }) => (type.kind === 'dictionary' ? [type.value] : []))
  return values.map((type, id) => plannedFrame(planFlightDictionary(id, planBatch([type], []))))
}

function plannedFrame(plan: MessagePlan): Frame {
  return frameOf(plan.write(new Uint8Array(plan.totalBytes)))
}

/** Of bytes that nobody else writes to. */
function frameOf(message: Uint8Array): Frame {
  return { message, rowCount: 0, bodyBytes: 0, release: () => {} }
}
