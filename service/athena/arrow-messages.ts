import {
  Message,
  MessageHeader,
  MessageReader,
  MetadataVersion,
  RecordBatchStreamWriter,
} from 'apache-arrow'
import type { RecordBatch, Schema } from 'apache-arrow'
import { broken } from './broken-rule.ts'

/**
 * How one encapsulated Arrow message begins: `modern` with FFFFFFFF and a length, metadata V5;
 * `legacy` with the length alone, metadata V4 (serde 2, and every spilled object).
 */
export type Framing = 'modern' | 'legacy'

/** One encapsulated message, its metadata read and its body bounded. */
export interface ArrowMessage {
  readonly framing: Framing
  readonly metadataVersion: 4 | 5
  readonly message: Message
  /** The message alone, without what may follow it. */
  readonly bytes: Uint8Array
  /** Bytes after the message, such as an end-of-stream marker. */
  readonly trailingBytes: number
}

/** Reads the first message of the bytes; `what` names them in messages. Either framing, V4 or V5. */
export function readMessage(bytes: Uint8Array, what: string): ArrowMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < 8) throw broken('arrow', `${what} has ${bytes.byteLength} bytes, too few`)
  const framing = view.getInt32(0, true) === -1 ? 'modern' : 'legacy'
  const prefixBytes = framing === 'modern' ? 8 : 4
  const metadataBytes = view.getInt32(prefixBytes - 4, true)
  const bodyStart = prefixBytes + metadataBytes
  if (metadataBytes <= 0 || bodyStart > bytes.byteLength)
    throw broken('arrow', `${what} does not begin with an Arrow message`)
  const message = decodeMessage(bytes, what)
  const end = bodyStart + Number(message.bodyLength)
  if (end > bytes.byteLength)
    throw broken('arrow', `${what} is cut off: ${bytes.byteLength} bytes of ${end}`)
  if (message.version !== MetadataVersion.V4 && message.version !== MetadataVersion.V5)
    throw broken('arrow', `${what} has metadata older than V4`)
  return {
    framing,
    metadataVersion: message.version === MetadataVersion.V4 ? 4 : 5,
    message,
    bytes: bytes.subarray(0, end),
    trailingBytes: bytes.byteLength - end,
  }
}

function decodeMessage(bytes: Uint8Array, what: string): Message {
  try {
    const message = new MessageReader(bytes).readMessage()
    if (message !== null) return message
  } catch (reason) {
    throw broken('arrow', `${what} does not begin with a readable Arrow message`, reason)
  }
  throw broken('arrow', `${what} holds no Arrow message`)
}

/** The name of a message's kind, for messages of ours. */
export function headerName(message: Message): string {
  return MessageHeader[message.headerType] ?? `unknown kind ${message.headerType}`
}

/** The Schema message alone. */
export function encodeSchema(schema: Schema, framing: Framing): Buffer {
  return framed(split(write(schema, [])).schema, framing)
}

/** The RecordBatch message alone, body included, at least eight bytes of it: Java cannot read a batch without. */
export function encodeBatch(batch: RecordBatch, framing: Framing): Buffer {
  const { records } = split(write(batch.schema, [batch]))
  return framed(withBody(records), framing)
}

/** A batch without columns has no buffers; eight bytes stand in for its body. */
function withBody(records: Buffer): Buffer {
  const { message } = readMessage(records, 'the batch')
  if (message.bodyLength > 0 || !message.isRecordBatch()) return records
  const bodyBytes = 8
  const metadata = Message.encode(Message.from(message.header(), bodyBytes))
  const metadataBytes = Math.ceil(metadata.byteLength / 8) * 8
  const padded = Buffer.alloc(8 + metadataBytes + bodyBytes)
  padded.writeInt32LE(-1, 0)
  padded.writeInt32LE(metadataBytes, 4)
  padded.set(metadata, 8)
  return padded
}

function write(schema: Schema, batches: readonly RecordBatch[]): Buffer {
  const writer = new RecordBatchStreamWriter({ autoDestroy: false })
  writer.reset(undefined, schema)
  for (const batch of batches) writer.write(batch)
  writer.finish()
  return Buffer.from(writer.toUint8Array(true))
}

/** The two messages of a modern stream: schema, then record batch; what follows is dropped. */
function split(stream: Buffer): { readonly schema: Buffer; readonly records: Buffer } {
  const schemaEnd = 8 + stream.readInt32LE(4)
  return { schema: stream.subarray(0, schemaEnd), records: stream.subarray(schemaEnd, -8) }
}

/** A modern message as it is, or with its marker dropped, its metadata padded anew and marked V4. */
function framed(modern: Buffer, framing: Framing): Buffer {
  if (framing === 'modern') return modern
  const metadataBytes = modern.readInt32LE(4)
  // Both forms keep the body on a multiple of eight, so dropping four bytes takes four of padding.
  const legacy = Buffer.concat([
    modern.subarray(4, 8 + metadataBytes),
    Buffer.alloc(4),
    modern.subarray(8 + metadataBytes),
  ])
  legacy.writeInt32LE(metadataBytes + 4, 0)
  markV4(legacy)
  return legacy
}

/** Overwrites the field `version` of a legacy message's flatbuffer: the first slot of its vtable. */
function markV4(legacy: Buffer): void {
  const root = 4 + legacy.readUInt32LE(4)
  const vtable = root - legacy.readInt32LE(root)
  legacy.writeInt16LE(MetadataVersion.V4, root + legacy.readUInt16LE(vtable + 4))
}
