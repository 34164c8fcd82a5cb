import { Builder } from 'flatbuffers'

/** Rows and nulls of one field, in schema pre-order. */
export interface FieldNode {
  readonly rowCount: number
  readonly nullCount: number
}

/** Where a buffer lies in the body, and its length without padding. */
export interface BufferSpan {
  readonly offset: number
  readonly lengthBytes: number
}

export interface RecordBatchShape {
  readonly rowCount: number
  readonly nodes: readonly FieldNode[]
  readonly buffers: readonly BufferSpan[]
  readonly bodyBytes: number
}

// Slots and numbers of Arrow's Message.fbs.
const METADATA_V5 = 4
const HEADER_RECORD_BATCH = 3
const message = { version: 0, headerType: 1, header: 2, bodyLength: 3, slots: 5 }
const recordBatch = { length: 0, nodes: 1, buffers: 2, slots: 4 }

/** The flatbuffer Message of a record batch (metadata V5), zero-padded to 8 bytes, without prefix. */
export function recordBatchMessage(shape: RecordBatchShape): Uint8Array {
  const builder = new Builder(256 + (shape.nodes.length + shape.buffers.length) * 16)
  const buffers = pairs(
    builder,
    shape.buffers.map(({ offset, lengthBytes }) => [offset, lengthBytes] as const),
  )
  const nodes = pairs(
    builder,
    shape.nodes.map(({ rowCount, nullCount }) => [rowCount, nullCount] as const),
  )
  builder.startObject(recordBatch.slots)
  builder.addFieldInt64(recordBatch.length, BigInt(shape.rowCount), 0n)
  builder.addFieldOffset(recordBatch.nodes, nodes, 0)
  builder.addFieldOffset(recordBatch.buffers, buffers, 0)
  const batch = builder.endObject()
  builder.startObject(message.slots)
  builder.addFieldInt64(message.bodyLength, BigInt(shape.bodyBytes), 0n)
  builder.addFieldOffset(message.header, batch, 0)
  builder.addFieldInt16(message.version, METADATA_V5, 0)
  builder.addFieldInt8(message.headerType, HEADER_RECORD_BATCH, 0)
  builder.finish(builder.endObject())
  const bytes = builder.asUint8Array()
  const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8)
  padded.set(bytes)
  return padded
}

/** A vector of structs of two int64. */
function pairs(builder: Builder, values: readonly (readonly [number, number])[]): number {
  builder.startVector(16, values.length, 8)
  for (const [first, second] of values.toReversed()) {
    builder.prep(8, 16)
    builder.writeInt64(BigInt(second))
    builder.writeInt64(BigInt(first))
  }
  return builder.endVector()
}
