import type { Column } from '../../service/arrow/column.ts'
import { sliceColumn } from '../../service/arrow/slice-column.ts'
import type { Decoder } from '../../service/decode/decoder.ts'

/** A decoder that counts what it gave and still has out, over memory that it spoils at release. */
export interface FakeDecoder extends Decoder {
  readonly decodedCount: () => number
}

/** A decoder that answers every row group of its plan's row count with the first rows of these columns. */
export function fakeDecoder(columnsOf: (source: string) => readonly Column[]): FakeDecoder {
  let decoded = 0
  let isLent = false
  return {
    decodedCount: () => decoded,
    decode({ source, rowCount }) {
      if (isLent) throw new Error('decoded again before release')
      isLent = true
      decoded++
      const columns = columnsOf(source).map((column) => copyOf(sliceColumn(column, 0, rowCount)))
      return {
        rowCount,
        columns,
        release() {
          isLent = false
          for (const column of columns) spoil(column)
        },
      }
    },
  }
}

function copyOf(column: Column): Column {
  return {
    ...column,
    values: column.values && new Uint8Array(column.values),
    offsets: column.offsets && new Uint8Array(column.offsets),
    validity: column.validity && new Uint8Array(column.validity),
    children: column.children.map(copyOf),
  }
}

function spoil(column: Column): void {
  column.values?.fill(0xee)
  column.validity?.fill(0)
  for (const child of column.children) spoil(child)
}
