import type { ArrowType, Field } from './arrow-type.ts'

/** The fields right inside a type, in the order of a column's children; none of a dictionary. */
export function childFields(type: ArrowType): readonly Field[] {
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return [type.child]
    case 'struct':
      return type.children
    case 'map':
      return [type.entries]
    default:
      return []
  }
}
