import { valueBytes } from '../../service/arrow/type-width.ts'
import type { Column } from '../../service/arrow/column.ts'

/** Whether a column is what readers of Arrow rely on, whatever its values are: counts, bitmaps, offsets, sizes. */
export function isSound(column: Column | undefined, rowCount: number): boolean {
  if (column === undefined || column.rowCount !== rowCount || column.offset !== 0) return false
  const { type, nullCount, validity, values, children } = column
  if (nullCount < 0 || nullCount > rowCount) return false
  if ((validity === null) !== (nullCount === 0)) return false
  if (validity !== null && !hasBits(validity, rowCount, rowCount - nullCount)) return false
  switch (type.kind) {
    case 'struct':
      return values === null && children.every((child) => isSound(child, rowCount))
    case 'list':
    case 'large_list':
    case 'map': {
      const [child] = children
      return child !== undefined && endsAt(column, child.rowCount) && isSound(child, child.rowCount)
    }
    default:
      return values !== null && holdsValues(column, values)
  }
}

function hasBits(bitmap: Uint8Array, count: number, expected: number): boolean {
  let set = 0
  for (const byte of bitmap) for (let bits: number = byte; bits > 0; bits >>= 1) set += bits & 1
  return set === expected && bitmap.length === Math.ceil(count / 8)
}

function holdsValues(column: Column, values: Uint8Array): boolean {
  const { type, rowCount, offsets } = column
  if (offsets !== null) return endsAt(column, values.length)
  const bytes = type.kind === 'bool' ? Math.ceil(rowCount / 8) : rowCount * valueBytes(type)
  return values.length === bytes
}

/** Offsets that ascend from 0 to the end, one more than there are rows. */
function endsAt({ offsets, rowCount }: Column, end: number): boolean {
  if (offsets === null) return false
  const wide = offsets.length === (rowCount + 1) * 8
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.length)
  let before = 0
  for (let row = 0; row <= rowCount; row++) {
    const offset = wide ? Number(view.getBigUint64(row * 8, true)) : view.getUint32(row * 4, true)
    if (offset < before || (row === 0 && offset !== 0)) return false
    before = offset
  }
  return before === end && offsets.length === (rowCount + 1) * (wide ? 8 : 4)
}
