import type { ArrowType, Field } from './arrow-type.ts'

/**
 * True when a column of one type is a column of the other as it stands: the same layout and meaning. Names count in
 * structs only; nullability, metadata and the customary names inside lists and maps do not.
 */
export function sameType(left: ArrowType, right: ArrowType): boolean {
  switch (left.kind) {
    case 'int':
      return (
        right.kind === 'int' && left.bitWidth === right.bitWidth && left.signed === right.signed
      )
    case 'float':
      return right.kind === 'float' && left.bitWidth === right.bitWidth
    case 'decimal':
      return (
        right.kind === 'decimal' &&
        left.bitWidth === right.bitWidth &&
        left.precision === right.precision &&
        left.scale === right.scale
      )
    case 'fixed_size_binary':
      return right.kind === 'fixed_size_binary' && left.byteWidth === right.byteWidth
    case 'date':
    case 'time':
    case 'duration':
    case 'interval':
      return right.kind === left.kind && left.unit === right.unit
    case 'timestamp':
      return (
        right.kind === 'timestamp' &&
        left.unit === right.unit &&
        left.timezone === right.timezone &&
        left.packedZoneKey === right.packedZoneKey
      )
    default:
      return sameNestedType(left, right)
  }
}

function sameNestedType(left: ArrowType, right: ArrowType): boolean {
  switch (left.kind) {
    case 'list':
    case 'large_list':
      return right.kind === left.kind && sameType(left.child.type, right.child.type)
    case 'fixed_size_list':
      return (
        right.kind === 'fixed_size_list' &&
        left.size === right.size &&
        sameType(left.child.type, right.child.type)
      )
    case 'struct':
      return right.kind === 'struct' && sameFields(left.children, right.children)
    case 'map':
      return right.kind === 'map' && sameEntries(left.entries.type, right.entries.type)
    case 'dictionary':
      return (
        right.kind === 'dictionary' &&
        sameType(left.index, right.index) &&
        sameType(left.value, right.value)
      )
    default:
      return left.kind === right.kind
  }
}

function sameFields(left: readonly Field[], right: readonly Field[]): boolean {
  return (
    left.length === right.length &&
    left.every((field, i) => {
      const other = right[i]
      return other !== undefined && field.name === other.name && sameType(field.type, other.type)
    })
  )
}

function sameEntries(left: ArrowType, right: ArrowType): boolean {
  if (left.kind !== 'struct' || right.kind !== 'struct') return false
  return (
    left.children.length === right.children.length &&
    left.children.every((field, i) => {
      const other = right.children[i]
      return other !== undefined && sameType(field.type, other.type)
    })
  )
}
