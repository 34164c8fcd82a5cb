import { formatType } from '../arrow/format-type.ts'
import { isPresent } from '../arrow/rebuild-column.ts'
import { rowsText, textHead } from '../arrow/row-text.ts'
import { sliceColumn } from '../arrow/slice-column.ts'
import { valueText } from '../arrow/value-text.ts'
import type { BatchPiece } from '../arrow/write-batch.ts'
import { alignedTable } from '../arrow/aligned-table.ts'
import type { OutputFormat } from './client-options.ts'
import { columnsOfBatch } from './columns-of-batch.ts'
import { digits } from './plan-tree.ts'
import type { SourceBatch, SourceRead } from './table-source.ts'

/** Turns batches into bytes of a format. */
export interface RowSink {
  readonly head: Uint8Array | string
  batch(batch: SourceBatch): {
    readonly rowCount: number
    readonly bytes: readonly (Uint8Array | string)[]
  }
  end(): Uint8Array | string
}

export function rowSink(read: SourceRead, format: OutputFormat, rowsMax: number): RowSink {
  const { fields, schemaMessage } = read
  switch (format) {
    case 'arrow':
      return arrowSink(read)
    case 'table':
      return tableSink(read, rowsMax)
    case 'csv':
    case 'json': {
      const text = format === 'csv' ? 'csv' : 'ndjson'
      return {
        head: textHead(text, fields),
        batch(batch) {
          const piece = columnsOfBatch(fields, schemaMessage, batch)
          return { rowCount: piece.count, bytes: [rowsText(text, fields, [piece])] }
        },
        end: () => '',
      }
    }
  }
}

/** Ends an Arrow stream: a message of no bytes. */
const ARROW_END = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)

/** The messages as they came; only their rows are counted. */
function arrowSink({ fields, schemaMessage }: SourceRead): RowSink {
  return {
    head: schemaMessage,
    batch(batch) {
      const { count } = columnsOfBatch(fields, schemaMessage, batch)
      return { rowCount: count, bytes: [batch.head, batch.body] }
    },
    end: () => ARROW_END,
  }
}

/** All rows are kept until the end, for their widths: so there may be only so many. */
function tableSink({ fields, schemaMessage }: SourceRead, rowsMax: number): RowSink {
  const rows: string[][] = []
  let isMore = false
  const columns = fields.map(({ name, type }) => ({
    name,
    type: formatType(type),
    isRight: type.kind === 'int' || type.kind === 'float' || type.kind === 'decimal',
  }))
  return {
    head: '',
    batch(batch) {
      const piece = columnsOfBatch(fields, schemaMessage, batch)
      const count = Math.min(piece.count, rowsMax - rows.length)
      isMore ||= count < piece.count
      rows.push(...rowsOf(read(piece, count), count))
      return { rowCount: piece.count, bytes: [] }
    },
    end() {
      const found = `${digits(rows.length)} row${rows.length === 1 ? '' : 's'}`
      const more = isMore ? `the first ${found}; --limit asks for more` : found
      return `${alignedTable(columns, rows)}(${more})\n`
    },
  }

  function read({ columns: all, start }: BatchPiece, count: number) {
    return fields.map((field, at): ((row: number) => string) => {
      const column = all[at]
      if (!column) return () => ''
      const some = sliceColumn(column, start, count)
      if (field.type.kind === 'null' || some.nullCount === count) return () => 'NULL'
      const { plain } = valueText(field, some)
      return (row) => (isPresent(some, row) ? plain(row) : 'NULL')
    })
  }
}

function rowsOf(cells: readonly ((row: number) => string)[], count: number): string[][] {
  return Array.from({ length: count }, (_, row) => cells.map((cell) => cell(row)))
}
