import assert from 'node:assert'

import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'

/**
 * The column as `type`, where it was decoded with int64 in place of 32-bit values: each keeps its low 32 bits, which
 * become the wanted width. Narrowed values lie in memory of the column's own.
 */
export function narrowColumn(column: Column, type: ArrowType): Column {
  const types = partTypes(type)
  if (types.length > 0) {
    const children = column.children.map((child, index) => {
      const childType = types[index]
      assert(childType !== undefined, `${type.kind} has ${types.length} parts`)
      return narrowColumn(child, childType)
    })
    return { ...column, type, children }
  }
  const { values } = column
  const isWide = column.type.kind === 'int' && column.type.bitWidth === 64
  if (!isWide || values === null || byteWidth(type) === 8) return column
  return { ...column, type, values: resize(values, byteWidth(type)) }
}

function partTypes(type: ArrowType): readonly ArrowType[] {
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return [type.child.type]
    case 'struct':
      return type.children.map((child) => child.type)
    case 'map':
      return [type.entries.type]
    default:
      return []
  }
}

/** Bytes of the types that Parquet keeps in int32; 8 for all others, which are as they should be. */
function byteWidth(type: ArrowType): number {
  switch (type.kind) {
    case 'int':
    case 'decimal':
    case 'time':
      return type.bitWidth / 8
    case 'date':
      return 4
    default:
      return 8
  }
}

function resize(values: Uint8Array, width: number): Uint8Array {
  const count = values.length / 8
  const resized = new Uint8Array(count * width)
  const from = new DataView(values.buffer, values.byteOffset, values.byteLength)
  const to = new DataView(resized.buffer)
  for (let row = 0; row < count; row++) {
    const value = from.getInt32(row * 8, true)
    if (width === 1) to.setInt8(row, value)
    else if (width === 2) to.setInt16(row * 2, value, true)
    else {
      to.setInt32(row * width, value, true)
      if (width > 4) resized.fill(value < 0 ? 0xff : 0, row * width + 4, (row + 1) * width)
    }
  }
  return resized
}
