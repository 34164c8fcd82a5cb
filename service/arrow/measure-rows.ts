import type { ArrowType } from './arrow-type.ts'
import { bitmapBytes } from './bitmap.ts'
import type { Column } from './column.ts'
import { childRun, elementRun } from './slice-column.ts'
import { offsetBytes, valueBytes } from './type-width.ts'
import { BUFFER_ALIGNMENT_BYTES } from './write-batch.ts'

/**
 * Bytes of a body that holds these rows, padding left out: never less than they take, alone or beside others, and
 * more only by the validity bitmaps of columns without nulls. Costs no look at the values.
 */
export function measureRows(columns: readonly Column[], start: number, count: number): number {
  return columns.reduce((sum, column) => sum + measureColumn(column, start, count), 0)
}

function measureColumn(column: Column, start: number, count: number): number {
  const { type } = column
  if (type.kind === 'null') return 0
  const bits = bitmapBytes(count)
  const own =
    bits +
    (offsetBytes(type) === 0 ? 0 : (count + 1) * offsetBytes(type)) +
    (type.kind === 'bool' ? bits : count * valueBytes(type))
  if (column.children.length > 0) {
    const run = childRun(column, start, count)
    return own + measureRows(column.children, run.start, run.count)
  }
  return offsetBytes(type) === 0 ? own : own + elementRun(column, start, count).count
}

/** The most by which the padding of all buffers makes a body longer than what {@link measureRows} counts. */
export function paddingBytesMax(types: readonly ArrowType[]): number {
  return types.reduce((sum, type) => sum + bufferCount(type) * BUFFER_ALIGNMENT_BYTES, 0)
}

/** Buffers of a column of the type, its children's included. */
function bufferCount(type: ArrowType): number {
  switch (type.kind) {
    case 'null':
      return 0
    case 'struct':
      return 1 + type.children.reduce((sum, child) => sum + bufferCount(child.type), 0)
    case 'list':
    case 'large_list':
      return 2 + bufferCount(type.child.type)
    case 'fixed_size_list':
      return 1 + bufferCount(type.child.type)
    case 'map':
      return 2 + bufferCount(type.entries.type)
    default:
      return offsetBytes(type) === 0 ? 2 : 3
  }
}

/** How many of the rows, from the first on, fit so many bytes by {@link measureRows}; 0 when not even one does. */
export function rowsThatFit(
  columns: readonly Column[],
  rows: { readonly start: number; readonly count: number },
  bytesMax: number,
): number {
  let fit = 0
  let over = rows.count + 1
  while (over - fit > 1) {
    const middle = fit + Math.ceil((over - fit) / 2)
    if (measureRows(columns, rows.start, middle) <= bytesMax) fit = middle
    else over = middle
  }
  return fit
}
