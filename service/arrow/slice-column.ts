import assert from 'node:assert'
import { countBits } from './bitmap.ts'
import type { Column } from './column.ts'
import { int32View, uint32View } from './typed-views.ts'
import { offsetBytes } from './type-width.ts'

/** Rows `start` to `start + count` of a column: the same buffers, seen from further on. */
export function sliceColumn(column: Column, start: number, count: number): Column {
  assert(start >= 0 && count >= 0 && start + count <= column.rowCount, 'slice outside the column')
  if (start === 0 && count === column.rowCount) return column
  const nullCount = countNulls(column, start, count)
  return {
    ...column,
    rowCount: count,
    offset: column.offset + start,
    nullCount,
    validity: nullCount === 0 ? null : column.validity,
  }
}

/** Nulls among rows `start` to `start + count`. */
export function countNulls(column: Column, start: number, count: number): number {
  if (column.type.kind === 'null') return count
  if (column.nullCount === 0 || column.validity === null) return 0
  if (column.nullCount === column.rowCount) return count
  return count - countBits({ bits: column.validity, start: column.offset + start, count })
}

/** What rows `start` to `start + count` of a list or text column hold: first element and number of elements. */
export interface ElementRun {
  readonly start: number
  readonly count: number
}

/** The run of child rows (or of bytes) behind a run of rows of a column with offsets. */
export function elementRun(column: Column, start: number, count: number): ElementRun {
  if (count === 0) return { start: 0, count: 0 }
  const first = readOffset(column, column.offset + start)
  return { start: first, count: readOffset(column, column.offset + start + count) - first }
}

function readOffset(column: Column, position: number): number {
  const bytes = column.offsets
  assert(bytes !== null, 'a column without offsets')
  if (offsetBytes(column.type) === 4) return int32View(bytes)[position] ?? 0
  const words = uint32View(bytes)
  return (words[position * 2] ?? 0) + (words[position * 2 + 1] ?? 0) * 2 ** 32
}

/** The rows of a child that belong to rows `start` to `start + count` of its parent. */
export function childRun(column: Column, start: number, count: number): ElementRun {
  switch (column.type.kind) {
    case 'struct':
      return { start: column.offset + start, count }
    case 'fixed_size_list': {
      const { size } = column.type
      return { start: (column.offset + start) * size, count: count * size }
    }
    default:
      return elementRun(column, start, count)
  }
}

/** The rows of child `index` that belong to the parent's rows. */
export function childRows(column: Column, index: number): Column {
  const child = column.children[index]
  assert(child !== undefined, 'a missing child')
  const run = childRun(column, 0, column.rowCount)
  return sliceColumn(child, run.start, run.count)
}
