import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf'
import { create, toBinary } from '@bufbuild/protobuf'
import { FlightDataSchema } from '../../proto/gen/arrow/flight/flight_pb.ts'
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
  return { message, rowCount: 0, bodyBytes: 0, release: () => {} }
}

/** The first message of a stream of FlightData, from the encapsulated schema message. */
export function schemaFrame(schemaMessage: Uint8Array): Frame {
  return messageFrame(FlightDataSchema, { dataHeader: schemaMessage.subarray(IPC_PREFIX_BYTES) })
}
