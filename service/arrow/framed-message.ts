import assert from 'node:assert'
import { recordBatchMessage } from './record-batch-message.ts'
import { BUFFER_ALIGNMENT_BYTES, type BatchPlan } from './write-batch.ts'

/** A message whose size is known: room for it is found first, then it is written once. */
export interface MessagePlan {
  /** Memory needed, the few bytes before the message that align its body included. */
  readonly totalBytes: number
  /**
   * Writes the message.
   *
   * @param memory begins at a multiple of 64 and holds `totalBytes` or more
   * @returns the message: a part of the memory
   */
  write(memory: Uint8Array): Uint8Array
}

/** gRPC's prefix: one byte for the compression, four for the length. */
const GRPC_PREFIX_BYTES = 5
/** Protobuf tag of FlightData.data_header: field 2, length-delimited. */
const HEADER_TAG = 0x12
/** Protobuf tag of FlightData.data_body: field 1000, length-delimited. */
const BODY_TAG = [0xc2, 0x3e] as const
/** A message longer than gRPC's four bytes of length, or than clients' signed ones, cannot be sent. */
const MESSAGE_BYTES_MAX = 2 ** 31 - 1

/** The batch as FlightData in a gRPC message: prefix, `data_header`, `data_body`; the body lies at a multiple of 64. */
export function planFlightMessage(batch: BatchPlan): MessagePlan {
  const { bodyBytes } = batch
  const header = recordBatchMessage(batch)
  const headerLength = [HEADER_TAG, ...varint(header.length)]
  const bodyLength = [...BODY_TAG, ...varint(bodyBytes)]
  const headerAt = GRPC_PREFIX_BYTES + headerLength.length
  const prefix = new Uint8Array(headerAt + header.length + bodyLength.length)
  prefix.set(headerLength, GRPC_PREFIX_BYTES)
  prefix.set(header, headerAt)
  prefix.set(bodyLength, headerAt + header.length)
  const payloadBytes = prefix.length - GRPC_PREFIX_BYTES + bodyBytes
  assert(payloadBytes <= MESSAGE_BYTES_MAX, 'a message above 2 GiB')
  new DataView(prefix.buffer).setUint32(1, payloadBytes)
  return enveloped(prefix, batch)
}

/** The batch as an encapsulated IPC message: `FFFFFFFF`, length of the header, header, body at a multiple of 64. */
export function planIpcMessage(batch: BatchPlan): MessagePlan {
  const header = recordBatchMessage(batch)
  const prefix = new Uint8Array(8 + header.length)
  const view = new DataView(prefix.buffer)
  view.setInt32(0, -1, true)
  view.setInt32(4, header.length, true)
  prefix.set(header, 8)
  return enveloped(prefix, batch)
}

function enveloped(prefix: Uint8Array, batch: BatchPlan): MessagePlan {
  const bodyAt = Math.ceil(prefix.length / BUFFER_ALIGNMENT_BYTES) * BUFFER_ALIGNMENT_BYTES
  const end = bodyAt + batch.bodyBytes
  return {
    totalBytes: end,
    write(memory) {
      assert(memory.byteOffset % BUFFER_ALIGNMENT_BYTES === 0 && memory.length >= end)
      memory.set(prefix, bodyAt - prefix.length)
      batch.writeBody(memory.subarray(bodyAt, end))
      return memory.subarray(bodyAt - prefix.length, end)
    },
  }
}

/** Protobuf's variable-length integer. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}
