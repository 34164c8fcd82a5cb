import { castColumn } from './cast.ts'
import type { Column } from './column.ts'

/** A dictionary-coded column as a plain one, without the entries that no row has; any other as it is. */
export function plainColumn(column: Column): Column {
  return column.type.kind === 'dictionary' ? castColumn(column, column.type.value) : column
}
