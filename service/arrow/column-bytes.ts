import type { Column } from './column.ts'

/** Bytes of all buffers of a column, its children's included; what two columns share counts twice. */
export function columnBytes(column: Column): number {
  const { values, validity, offsets, children } = column
  const own = (values?.length ?? 0) + (validity?.length ?? 0) + (offsets?.length ?? 0)
  return children.reduce((sum, child) => sum + columnBytes(child), own)
}
