import assert from 'node:assert'
import {
  dictionaryMessage,
  type RecordBatchShape,
  recordBatchMessage,
} from './record-batch-message.ts'
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
  return enveloped(flightPrefix(batch), batch)
}

/** The same for a dictionary whose values are the batch's only column. */
export function planFlightDictionary(id: number, values: BatchPlan): MessagePlan {
  return enveloped(flightPrefix(values, dictionaryMessage(id, values)), values)
}

/** The most bytes that {@link writeFlightPrefix} writes for so many field nodes and buffers. */
export function flightPrefixBytesMax(nodeCount: number, bufferCount: number): number {
  const node = { rowCount: 1, nullCount: 1 }
  const buffer = { offset: 1, lengthBytes: 1 }
  const shape = {
    rowCount: 1,
    nodes: Array.from({ length: nodeCount }, () => node),
    buffers: Array.from({ length: bufferCount }, () => buffer),
    bodyBytes: Math.floor(MESSAGE_BYTES_MAX / 2),
  }
  return Math.ceil(flightPrefix(shape).length / BUFFER_ALIGNMENT_BYTES) * BUFFER_ALIGNMENT_BYTES
}

/**
 * Puts gRPC's prefix, the header and the beginning of `data_body` right before a body that lies in memory already.
 *
 * @param bodyAt where the body begins: `flightPrefixBytesMax` or more
 * @returns the message: a part of the memory
 */
export function writeFlightPrefix(
  shape: RecordBatchShape,
  memory: Uint8Array,
  bodyAt: number,
): Uint8Array {
  const prefix = flightPrefix(shape)
  assert(prefix.length <= bodyAt && bodyAt + shape.bodyBytes <= memory.length)
  memory.set(prefix, bodyAt - prefix.length)
  return memory.subarray(bodyAt - prefix.length, bodyAt + shape.bodyBytes)
}

function flightPrefix(batch: RecordBatchShape, header = recordBatchMessage(batch)): Uint8Array {
  const { bodyBytes } = batch
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
  return prefix
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

/** A message in two parts; the second lies where it was. */
export interface EncapsulatedParts {
  readonly head: Uint8Array
  readonly body: Uint8Array
}

/** What {@link planFlightMessage} wrote in the envelope of {@link planIpcMessage}, without copying the body. */
export function encapsulatedParts(flightMessage: Uint8Array): EncapsulatedParts {
  const [headerBytes, headerAt] = readVarint(flightMessage, GRPC_PREFIX_BYTES + 1)
  const headerEnd = headerAt + headerBytes
  const [bodyBytes, bodyAt] = readVarint(flightMessage, headerEnd + BODY_TAG.length)
  assert(bodyAt + bodyBytes === flightMessage.length, 'no message of a record batch')
  const head = new Uint8Array(8 + headerBytes)
  const view = new DataView(head.buffer)
  view.setInt32(0, -1, true)
  view.setInt32(4, headerBytes, true)
  head.set(flightMessage.subarray(headerAt, headerEnd), 8)
  return { head, body: flightMessage.subarray(bodyAt) }
}

/** The number at a place, and the place behind it. */
function readVarint(bytes: Uint8Array, start: number): readonly [number, number] {
  let [value, factor, at] = [0, 1, start]
  for (;;) {
    const byte = bytes[at++] ?? 0
    value += (byte & 127) * factor
    if (byte < 128) return [value, at]
    factor *= 128
  }
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
