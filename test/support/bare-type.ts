import type { ArrowType, Field } from '../../service/arrow/arrow-type.ts'

/** The type without the names and metadata that writers and readers choose as they like. */
export function bareType(type: ArrowType | undefined): unknown {
  if (type === undefined) return undefined
  const part = (field: Field) => ({ type: bareType(field.type), nullable: field.nullable })
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return { ...type, child: part(type.child) }
    case 'map': {
      const entries = type.entries.type
      return { kind: 'map', entries: entries.kind === 'struct' ? entries.children.map(part) : [] }
    }
    case 'struct':
      return {
        kind: 'struct',
        children: type.children.map((field) => ({ ...part(field), name: field.name })),
      }
    default:
      return type
  }
}
