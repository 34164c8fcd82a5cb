import type { Column } from './column.ts'
import { bitmapBytes, copyBits } from './bitmap.ts'
import { narrowOffsets } from './cast-text.ts'
import { rebuilt, valuesOf } from './rebuild-column.ts'
import { childRows, elementRun, sliceColumn } from './slice-column.ts'
import { bytesOf, int64View } from './typed-views.ts'
import { offsetBytes, valueBytes } from './type-width.ts'

/**
 * Rows `start` to `start + count` in memory of their own, nothing else kept alive. For types that go on a wire;
 * views and dictionaries must have been cast away.
 */
export function ownColumn(column: Column, start: number, count: number): Column {
  const rows = sliceColumn(column, start, count)
  const shell = rebuilt(rows, rows.type)
  return {
    ...shell,
    validity: shell.validity && new Uint8Array(shell.validity),
    ...ownContent(rows),
  }
}

function ownContent(rows: Column): Partial<Column> {
  const { type, rowCount } = rows
  switch (type.kind) {
    case 'null':
      return {}
    case 'bool': {
      const values = new Uint8Array(bitmapBytes(rowCount))
      copyBits({ bits: rows.values ?? values, start: rows.offset, count: rowCount }, values, 0)
      return { values }
    }
    case 'struct':
    case 'fixed_size_list':
      return { children: ownChildren(rows) }
    case 'list':
    case 'large_list':
    case 'map':
      return { offsets: ownOffsets(rows), children: ownChildren(rows) }
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary': {
      const run = elementRun(rows, 0, rowCount)
      const bytes = rows.values ?? new Uint8Array(0)
      return {
        offsets: ownOffsets(rows),
        values: new Uint8Array(bytes.subarray(run.start, run.start + run.count)),
      }
    }
    default:
      return { values: new Uint8Array(valuesOf(rows, valueBytes(type))) }
  }
}

function ownOffsets(rows: Column): Uint8Array {
  return bytesOf(offsetBytes(rows.type) === 8 ? rebasedOffsets(rows) : narrowOffsets(rows))
}

function ownChildren(rows: Column): Column[] {
  return rows.children.map((_, index) => {
    const child = childRows(rows, index)
    return ownColumn(child, 0, child.rowCount)
  })
}

/** Offsets of 64 bits, counted from the first row. */
function rebasedOffsets(rows: Column): BigInt64Array {
  const offsets = int64View(rows.offsets ?? new Uint8Array(0))
  const own = offsets.subarray(rows.offset, rows.offset + rows.rowCount + 1)
  const first = own[0] ?? 0n
  return own.map((offset) => offset - first)
}
