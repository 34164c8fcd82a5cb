import { DataType, RecordBatchReader, Schema } from 'apache-arrow'
import type { Data, Field, Message, RecordBatch } from 'apache-arrow'
import { encodeBatch, encodeSchema, headerName, readMessage } from './arrow-messages.ts'
import type { ArrowMessage, Framing } from './arrow-messages.ts'
import { broken } from './broken-rule.ts'
import { nameChildren, recordBatch } from './column-data.ts'
import type { BlockJson } from './responses.ts'
import type { Value } from './rows.ts'
import { children } from './supported-types.ts'

/** A block as read: its columns, and what it weighs. */
export interface Block {
  readonly schema: Schema
  readonly rowCount: number
  /** One per field of the schema. */
  readonly columns: readonly Data[]
  /** Bytes of its Arrow buffers: what `maxBlockSize` and `maxInlineBlockSize` limit. */
  readonly bufferBytes: number
  /** Bytes of the message, metadata included. */
  readonly encodedBytes: number
  /** How the records were framed; null for a block without rows. */
  readonly framing: Framing | null
  readonly metadataVersion: 4 | 5 | null
  /** Bytes that follow the message: tolerated, worth a warning. */
  readonly trailingBytes: number
}

/** A schema from base64 of one Schema message, in either framing. */
export function decodeSchema(base64: string, what: string): Schema {
  const found = readMessage(decodeBase64(base64, what), what)
  if (!found.message.isSchema())
    throw broken('arrow', `${what} is a ${headerName(found.message)} message, not a schema`)
  const schema = decodedSchema(found.message, what)
  for (const field of schema.fields) assertReadable(field, field.name)
  return schema
}

function decodedSchema(message: Message, what: string): Schema {
  try {
    const header = message.header() as Schema
    return new Schema(header.fields, header.metadata)
  } catch (reason) {
    throw broken('arrow', `${what} cannot be read`, reason)
  }
}

/** What makes Java's readers fail for the whole message. */
function assertReadable(field: Field, column: string): void {
  const name = field.name as string | null
  if (name === null) throw broken('arrow', `a field inside column ${column} has no name`)
  if (DataType.isDictionary(field.type))
    throw broken(
      'arrow',
      `column ${column} is dictionary-encoded; the protocol carries no dictionary`,
    )
  if (DataType.isMap(field.type)) {
    const [entries] = children(field.type)
    const [key] = entries === undefined ? [] : children(entries.type)
    if (entries?.nullable !== false || key?.nullable !== false)
      throw broken('arrow', `column ${column}: a map's entries and keys must not be nullable`)
  }
  for (const child of children(field.type)) assertReadable(child, `${column}.${child.name}`)
}

/** An inline block; `records` is empty when it has no rows. */
export function decodeBlock(block: BlockJson, what: string): Block {
  const schema = decodeSchema(block.schema, `the schema of ${what}`)
  return decodeRecords(schema, decodeBase64(block.records, what), what)
}

/** The rows of a block from one RecordBatch message; no bytes, no rows. */
export function decodeRecords(schema: Schema, records: Uint8Array, what: string): Block {
  if (records.byteLength === 0) return emptyBlock(schema)
  const found = readMessage(records, what)
  const { message } = found
  if (!message.isRecordBatch())
    throw broken(
      'arrow',
      `${what} begins with a ${headerName(message)} message where one record batch belongs; was a whole ipc stream sent?`,
    )
  const header = message.header()
  if (header.compression !== null) throw broken('arrow', `${what} is compressed`)
  const bodyBytes = Number(message.bodyLength)
  if (bodyBytes === 0)
    throw broken('arrow', `${what} has a body of 0 bytes, which java cannot read; pad it to 8`)
  for (const { offset, length } of header.buffers)
    if (offset < 0 || length < 0 || offset + length > bodyBytes)
      throw broken('arrow', `${what} has a buffer outside its body`)
  const batch = decodeBatch(schema, found, what)
  assertWhole(batch, header.length, what)
  return {
    schema,
    rowCount: header.length,
    columns: batch.data.children,
    bufferBytes: header.buffers.reduce((sum, buffer) => sum + buffer.length, 0),
    encodedBytes: found.bytes.byteLength,
    framing: found.framing,
    metadataVersion: found.metadataVersion,
    trailingBytes: found.trailingBytes,
  }
}

function emptyBlock(schema: Schema): Block {
  return {
    schema,
    rowCount: 0,
    columns: [],
    bufferBytes: 0,
    encodedBytes: 0,
    framing: null,
    metadataVersion: null,
    trailingBytes: 0,
  }
}

function decodeBatch(schema: Schema, records: ArrowMessage, what: string): RecordBatch {
  try {
    const reader = RecordBatchReader.from([
      encodeSchema(nameChildren(schema), 'modern'),
      records.bytes,
    ])
    const batch = reader.next().value as RecordBatch | undefined
    if (batch !== undefined) return batch
  } catch (reason) {
    throw broken('arrow', `${what} cannot be read with its schema`, reason)
  }
  throw broken('arrow', `${what} holds no record batch`)
}

/** Lengths, validity and offsets hang together; nothing reaches outside its buffer. */
function assertWhole(batch: RecordBatch, rowCount: number, what: string): void {
  for (const [index, data] of batch.data.children.entries()) {
    const problem = columnProblem(data, rowCount)
    if (problem !== undefined)
      throw broken('arrow', `${what}, column ${batch.schema.fields[index]?.name}: ${problem}`)
  }
}

function columnProblem(data: Data, rowCount: number): string | undefined {
  if (data.length !== rowCount) return `${data.length} values where ${rowCount} belong`
  if (rowCount === 0) return undefined
  const validityBytes = data.nullBitmap?.byteLength ?? 0
  if (data.nullCount > 0 && validityBytes * 8 < rowCount)
    return `validity of ${validityBytes} bytes for ${rowCount} values`
  const { type } = data
  if (DataType.isStruct(type)) return firstProblem(data.children, rowCount)
  if (DataType.isList(type) || DataType.isMap(type)) {
    const child = data.children[0]
    if (child === undefined) return 'a list without elements'
    return offsetsProblem(data, child.length) ?? columnProblem(child, child.length)
  }
  const values = data.values as Uint8Array | undefined
  if (values === undefined) return undefined
  if (DataType.isUtf8(type) || DataType.isBinary(type))
    return offsetsProblem(data, values.byteLength)
  const needed = DataType.isBool(type) ? Math.ceil(rowCount / 8) : rowCount * data.stride
  return values.length < needed ? `${values.length} values where ${needed} belong` : undefined
}

function firstProblem(columns: readonly Data[], rowCount: number): string | undefined {
  for (const column of columns) {
    const problem = columnProblem(column, rowCount)
    if (problem !== undefined) return problem
  }
  return undefined
}

function offsetsProblem(data: Data, limit: number): string | undefined {
  const offsets = data.valueOffsets as Int32Array
  if (offsets.length < data.length + 1) return `${offsets.length} offsets for ${data.length} values`
  let last = offsets[0] ?? 0
  if (last < 0) return `the first offset is ${last}`
  for (let index = 1; index <= data.length; index += 1) {
    const next = offsets[index] ?? 0
    if (next < last) return `offset ${index} is ${next} after ${last}`
    last = next
  }
  return last > limit ? `offsets reach ${last}, beyond ${limit}` : undefined
}

/** A block of these rows; without rows its records are empty. */
export function encodeBlock(
  schema: Schema,
  rows: readonly (readonly Value[])[],
  framing: Framing,
): BlockJson {
  const named = nameChildren(schema)
  return {
    aId: 'athena-in-a-box',
    schema: encodeSchema(named, framing).toString('base64'),
    records:
      rows.length === 0 ? '' : encodeBatch(recordBatch(named, rows), framing).toString('base64'),
  }
}

/** Standard base64 with padding and without line breaks, nothing else. */
export function decodeBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  // Node skips what is not base64; the length tells whether it did.
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  if (
    text.length % 4 !== 0 ||
    bytes.byteLength !== (text.length / 4) * 3 - padding ||
    /[-_]/.test(text)
  )
    throw broken('arrow', `${what} is not base64 with padding`)
  return bytes
}
