import { type Data, RecordBatchReader } from 'apache-arrow'
import type { ArrowType, Field } from '../../service/arrow/arrow-type.ts'
import type { Column } from '../../service/arrow/column.ts'
import { encodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { offsetBytes } from '../../service/arrow/type-width.ts'

/** The columns of IPC record batch messages as apache-arrow finds them, one list of columns for each message. */
export function columnsFromIpc(
  fields: readonly Field[],
  messages: readonly Uint8Array[],
): { readonly rowCount: number; readonly columns: readonly Column[] }[] {
  const stream = Buffer.concat([encodeSchemaMessage({ fields }), ...messages])
  return [...RecordBatchReader.from(stream)].map((batch) => ({
    rowCount: batch.numRows,
    columns: fields.map(({ type }, i) => columnOfData(type, child(batch.data, i))),
  }))
}

function child(data: Data, index: number): Data {
  const found = data.children[index]
  if (found === undefined) throw new Error('apache-arrow found too few children')
  return found
}

function columnOfData(type: ArrowType, data: Data): Column {
  const bytes = (view: ArrayBufferView | undefined) =>
    view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0)
  const isNested = ['list', 'large_list', 'map', 'struct', 'fixed_size_list'].includes(type.kind)
  return {
    type,
    rowCount: data.length,
    offset: data.offset,
    nullCount: data.nullCount,
    validity: data.nullCount > 0 && type.kind !== 'null' ? bytes(data.nullBitmap) : null,
    values: isNested || type.kind === 'null' ? null : bytes(data.values as ArrayBufferView),
    offsets: offsetBytes(type) === 0 ? null : bytes(data.valueOffsets),
    children: childTypes(type).map((childType, i) => columnOfData(childType, child(data, i))),
  }
}

function childTypes(type: ArrowType): ArrowType[] {
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return [type.child.type]
    case 'map':
      return [type.entries.type]
    case 'struct':
      return type.children.map((field) => field.type)
    default:
      return []
  }
}
