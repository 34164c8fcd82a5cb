import type { Block } from '../proto/gen/spillway/v1/federation_pb.ts'
import type { AthenaBlock } from './athena-messages.ts'
import { ConnectorError } from './errors.ts'

/** Names an allocator inside Java's SDK; on the wire it means nothing. */
const allocatorId = 'spillway'

/**
 * The layout of every table: one partition, the SDK's own dummy row (`partitionId` int32 = 1), byte for byte
 * what the SDK writes. Pruning happens when splits are planned, so no table has too many partitions for this call.
 */
export const onePartition: AthenaBlock = {
  aId: allocatorId,
  schema:
    '/////5gAAAAQAAAAAAAKAA4ABgANAAgACgAAAAAABAAQAAAAAAEKAAwAAAAIAAQACgAAAAgAAAAIAAAAAAAAAAEAAAAYAAAAAAASABgAFAATABIADAAAAAgABAASAAAAFAAAABQAAAAcAAAAAAACASAAAAAAAAAAAAAAAAgADAAIAAcACAAAAAAAAAEgAAAACwAAAHBhcnRpdGlvbklkAA==',
  records:
    '/////4gAAAAUAAAAAAAAAAwAFgAOABUAEAAEAAwAAAAQAAAAAAAAAAAABAAQAAAAAAMKABgADAAIAAQACgAAABQAAAA4AAAAAQAAAAAAAAAAAAAAAgAAAAAAAAAAAAAAAQAAAAAAAAAIAAAAAAAAAAQAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAABAAAAAAAAAA==',
}

const continuationMarker = 0xffff_ffff
const metadataVersion4 = 3
const recordBatchHeader = 3

/** Athena's block of these rows: the schema as the request spelt it, the records in modern framing, "" for none. */
export function inlineBlock(schema: string, block: Block | null): AthenaBlock {
  if (block === null) return { aId: allocatorId, schema, records: '' }
  const prefix = Buffer.alloc(8)
  const padding = Buffer.alloc(paddingTo8(prefix.length + block.dataHeader.length))
  prefix.writeUInt32LE(continuationMarker, 0)
  prefix.writeInt32LE(block.dataHeader.length + padding.length, 4)
  const message = Buffer.concat([prefix, block.dataHeader, padding, block.dataBody])
  return { aId: allocatorId, schema, records: message.toString('base64') }
}

/** Length of the records text of `inlineBlock`, without making it. */
export function inlineRecordsLength(block: Block): number {
  const head = 8 + block.dataHeader.length
  return 4 * Math.ceil((head + paddingTo8(head) + block.dataBody.length) / 3)
}

/** The bytes of a spilled object before encryption: legacy framing and metadata V4, whatever the serde version. */
export function spillPieces(block: Block): readonly [head: Uint8Array, body: Uint8Array] {
  const metadataBytes = block.dataHeader.length + paddingTo8(4 + block.dataHeader.length)
  const head = Buffer.alloc(4 + metadataBytes)
  head.writeInt32LE(metadataBytes, 0)
  head.set(block.dataHeader, 4)
  head.writeInt16LE(metadataVersion4, slotOf(head, rootOf(head, 4), 0))
  return [head, block.dataBody]
}

/** Rows of the block, from its flatbuffer. */
export function blockRowCount(block: Block): number {
  const { buffer, byteOffset, byteLength } = block.dataHeader
  const header = Buffer.from(buffer, byteOffset, byteLength)
  const message = rootOf(header, 0)
  const type = slotOf(header, message, 1)
  if (header.readUInt8(type) !== recordBatchHeader) throw malformed()
  const reference = slotOf(header, message, 2)
  const recordBatch = reference + header.readUInt32LE(reference)
  const length = slotOf(header, recordBatch, 0)
  return Number(header.readBigInt64LE(length))
}

function rootOf(bytes: Buffer, start: number): number {
  return start + bytes.readUInt32LE(start)
}

/** Where a flatbuffer table keeps its field; a field left at its default has no place. */
function slotOf(bytes: Buffer, table: number, field: number): number {
  const vtable = table - bytes.readInt32LE(table)
  const entry = 4 + 2 * field
  const offset = entry < bytes.readUInt16LE(vtable) ? bytes.readUInt16LE(vtable + entry) : 0
  if (offset === 0) throw malformed()
  return table + offset
}

function malformed(): ConnectorError {
  return new ConnectorError(
    'internal',
    'the gateway sent a block that is not an Arrow record batch',
  )
}

function paddingTo8(lengthBytes: number): number {
  return (8 - (lengthBytes % 8)) % 8
}
