import type { ArrowType } from './arrow-type.ts'
import { bitmapBytes, setBits } from './bitmap.ts'
import type { Column } from './column.ts'
import { findByName } from './find-by-name.ts'
import { isPresent } from './rebuild-column.ts'
import { childRows } from './slice-column.ts'

/** A field inside structs, or what they lie in. */
export interface InnerField {
  /** Places among the children, the outermost first. */
  readonly indexes: readonly number[]
  /** As the structs have them. */
  readonly names: readonly string[]
  readonly type: ArrowType
}

/**
 * The field that a path of names means, each found exactly, else without regard to case. `no struct`: what the path
 * leads through has no fields, or only in lists and maps.
 */
export function findInnerField(
  type: ArrowType,
  path: readonly string[],
): InnerField | 'missing' | 'ambiguous' | 'no struct' {
  let found: InnerField = { indexes: [], names: [], type }
  for (const name of path) {
    if (found.type.kind !== 'struct') return 'no struct'
    const index = findByName(found.type.children, name)
    if (index === 'ambiguous') return 'ambiguous'
    const field = index === undefined ? undefined : found.type.children[index]
    if (index === undefined || !field) return 'missing'
    found = {
      indexes: [...found.indexes, index],
      names: [...found.names, field.name],
      type: field.type,
    }
  }
  return found
}

/** The column of a field inside structs: null where one of them is. */
export function innerColumn(column: Column, indexes: readonly number[]): Column {
  return indexes.reduce((outer, index) => withNullsOf(outer, childRows(outer, index)), column)
}

function withNullsOf(outer: Column, inner: Column): Column {
  if (outer.nullCount === 0 || outer.validity === null || inner.type.kind === 'null') return inner
  const { offset, rowCount } = inner
  const validity = new Uint8Array(bitmapBytes(offset + rowCount))
  let nullCount = 0
  for (let row = 0; row < rowCount; row++) {
    if (isPresent(outer, row) && isPresent(inner, row)) setBits(validity, offset + row, 1)
    else nullCount += 1
  }
  return { ...inner, validity, nullCount }
}
