import { RecordBatchReader } from 'apache-arrow'
import type { Field } from '../../service/arrow/arrow-type.ts'
import type { Column } from '../../service/arrow/column.ts'
import { encodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { childOf, columnOfData } from '../../service/command/columns-of-batch.ts'

/** The columns of IPC record batch messages as apache-arrow finds them, one list of columns for each message. */
export function columnsFromIpc(
  fields: readonly Field[],
  messages: readonly Uint8Array[],
): { readonly rowCount: number; readonly columns: readonly Column[] }[] {
  const stream = Buffer.concat([encodeSchemaMessage({ fields }), ...messages])
  return [...RecordBatchReader.from(stream)].map((batch) => ({
    rowCount: batch.numRows,
    columns: fields.map(({ type }, i) => columnOfData(type, childOf(batch.data, i))),
  }))
}
