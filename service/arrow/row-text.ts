import type { Field } from './arrow-type.ts'
import { isPresent } from './rebuild-column.ts'
import { sliceColumn } from './slice-column.ts'
import { jsonOrNull, valueText } from './value-text.ts'
import type { BatchPiece } from './write-batch.ts'

/** Rows as lines of text: CSV as RFC 4180 has it, or a JSON object a line. */
export type TextFormat = 'csv' | 'ndjson'

/**
 * What stands before the rows: CSV's line of names.
 */
export function textHead(format: TextFormat, fields: readonly Field[]): string {
  if (format === 'ndjson') return ''
  return `${fields.map(({ name }) => csvCell(name)).join(',')}\r\n`
}

/**
 * The rows as text. In CSV null is nothing at all and empty text is `""`; nested values are JSON.
 *
 * @throws {GatewayError} what {@link valueText} throws.
 */
export function rowsText(
  format: TextFormat,
  fields: readonly Field[],
  pieces: readonly BatchPiece[],
): string {
  return pieces.map((piece) => pieceText(format, fields, piece)).join('')
}

function pieceText(
  format: TextFormat,
  fields: readonly Field[],
  { columns, start, count }: BatchPiece,
): string {
  const cells = fields.map((field, index) => {
    const column = columns[index]
    if (!column) throw new RangeError(`a piece without the column ${field.name}`)
    const rows = sliceColumn(column, start, count)
    if (format === 'ndjson') {
      const value = jsonOrNull(field, rows)
      const name = `${JSON.stringify(field.name)}:`
      return (row: number) => name + value(row)
    }
    if (field.type.kind === 'null' || rows.nullCount === count) return () => ''
    const { plain } = valueText(field, rows)
    return (row: number) => (isPresent(rows, row) ? csvCell(plain(row)) : '')
  })
  const [open, close] = format === 'csv' ? ['', '\r\n'] : ['{', '}\n']
  let text = ''
  for (let row = 0; row < count; row++) {
    let line = open
    for (const [index, cell] of cells.entries()) line += index === 0 ? cell(row) : `,${cell(row)}`
    text += line + close
  }
  return text
}

function csvCell(text: string): string {
  if (text === '') return '""'
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
