import { type Data, RecordBatchReader } from 'apache-arrow'
import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { childFields } from '../arrow/child-fields.ts'
import type { Column } from '../arrow/column.ts'
import { offsetBytes } from '../arrow/type-width.ts'
import type { BatchPiece } from '../arrow/write-batch.ts'
import { GatewayError } from '../errors.ts'
import type { SourceBatch } from './table-source.ts'

/**
 * The rows of a record batch, its buffers copied.
 *
 * @throws {GatewayError} `internal` the batch is not one of these columns.
 */
export function columnsOfBatch(
  fields: readonly Field[],
  schemaMessage: Uint8Array,
  { head, body }: SourceBatch,
): BatchPiece {
  const [batch] = [...RecordBatchReader.from(Buffer.concat([schemaMessage, head, body]))]
  if (!batch) throw new GatewayError('internal', 'a message without rows')
  const columns = fields.map(({ type }, at) => columnOfData(type, childOf(batch.data, at)))
  return { columns, start: 0, count: batch.numRows }
}

/** @throws {GatewayError} `internal` there are too few. */
export function childOf({ children }: Data, at: number): Data {
  const child = children[at]
  if (child) return child
  throw new GatewayError('internal', 'a batch with too few columns')
}

/** A column over the buffers of apache-arrow's, which has the same type. */
export function columnOfData(type: ArrowType, data: Data): Column {
  const children = childFields(type)
  const isNested = children.length > 0 || type.kind === 'null' || type.kind === 'struct'
  return {
    type,
    rowCount: data.length,
    offset: data.offset,
    nullCount: data.nullCount,
    validity: data.nullCount > 0 && type.kind !== 'null' ? bytesOf(data.nullBitmap) : null,
    values: isNested ? null : bytesOf(data.values as ArrayBufferView),
    offsets: offsetBytes(type) === 0 ? null : bytesOf(data.valueOffsets),
    children: children.map((child, at) => columnOfData(child.type, childOf(data, at))),
  }
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0)
}
