import type { ArrowType, Field } from './arrow-type.ts'
import { narrowOffsets } from './cast-text.ts'
import type { Column } from './column.ts'
import { findByName } from './find-by-name.ts'
import { nullColumn } from './make-column.ts'
import {
  type Cast,
  type FindCast,
  OFFSET_MAX,
  rebuilt,
  tooMuchText,
  withOffsets,
} from './rebuild-column.ts'
import { childRows } from './slice-column.ts'

/** Lists of any kind to plain lists, structs by the names of their children, maps by position. */
export function nestedCast(from: ArrowType, to: ArrowType, find: FindCast): Cast | undefined {
  if (to.kind === 'list') return listCast(from, to, find)
  if (from.kind === 'fixed_size_list' && to.kind === 'fixed_size_list' && from.size === to.size) {
    const cast = find(from.child.type, to.child.type)
    return (
      cast && ((column) => ({ ...rebuilt(column, to), children: [cast(childRows(column, 0))] }))
    )
  }
  if (from.kind === 'map' && to.kind === 'map') {
    const cast = entriesCast(from.entries.type, to.entries.type, find)
    return cast && ((column) => relist(column, to, cast))
  }
  if (from.kind === 'struct' && to.kind === 'struct') {
    return structCast(from.children, to.children, find)
  }
  return undefined
}

function listCast(
  from: ArrowType,
  to: Extract<ArrowType, { kind: 'list' | 'large_list' }>,
  find: FindCast,
): Cast | undefined {
  if (from.kind !== 'list' && from.kind !== 'large_list' && from.kind !== 'fixed_size_list') {
    return undefined
  }
  const cast = find(from.child.type, to.child.type)
  if (cast === undefined) return undefined
  if (from.kind !== 'fixed_size_list') return (column) => relist(column, to, cast)
  return (column) => {
    if (column.rowCount * from.size > OFFSET_MAX) throw tooMuchText()
    const offsets = Int32Array.from({ length: column.rowCount + 1 }, (_, row) => row * from.size)
    return withOffsets(column, to, { offsets, children: [cast(childRows(column, 0))] })
  }
}

function relist(column: Column, to: ArrowType, cast: Cast): Column {
  return withOffsets(column, to, {
    offsets: narrowOffsets(column),
    children: [cast(childRows(column, 0))],
  })
}

/** Key to key, value to value, whatever the file calls them. */
function entriesCast(from: ArrowType, to: ArrowType, find: FindCast): Cast | undefined {
  if (from.kind !== 'struct' || to.kind !== 'struct') return undefined
  const casts = to.children.map((child, i) => {
    const source = from.children[i]
    return source === undefined ? undefined : find(source.type, child.type)
  })
  if (casts.includes(undefined)) return undefined
  return (column) => ({
    ...rebuilt(column, to),
    children: casts.map((cast, i) => (cast as Cast)(childRows(column, i))),
  })
}

function structCast(
  from: readonly Field[],
  to: readonly Field[],
  find: FindCast,
): Cast | undefined {
  const casts: Cast[] = []
  for (const child of to) {
    const match = findByName(from, child.name)
    if (match === 'ambiguous') return undefined
    const cast =
      match === undefined
        ? (column: Column) => nullColumn(child.type, column.rowCount)
        : childCast(from, match, child, find)
    if (cast === undefined) return undefined
    casts.push(cast)
  }
  const type: ArrowType = { kind: 'struct', children: to }
  return (column) => ({ ...rebuilt(column, type), children: casts.map((cast) => cast(column)) })
}

function childCast(
  from: readonly Field[],
  index: number,
  to: Field,
  find: FindCast,
): Cast | undefined {
  const source = from[index]
  const cast = source && find(source.type, to.type)
  return cast && ((column) => cast(childRows(column, index)))
}
