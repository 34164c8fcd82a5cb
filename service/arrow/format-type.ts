import type { ArrowType, Field } from './arrow-type.ts'

/** A type's name for messages, e.g. `uint16`, `decimal(20, 0)`, `timestamp(microsecond, UTC)`, `list<struct<a: utf8>>`. */
export function formatType(type: ArrowType): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? 'int' : 'uint'}${type.bitWidth}`
    case 'float':
      return `float${type.bitWidth}`
    case 'decimal':
      return `decimal${type.bitWidth === 128 ? '' : type.bitWidth}(${type.precision}, ${type.scale})`
    case 'fixed_size_binary':
      return `fixed_size_binary(${type.byteWidth})`
    case 'date':
    case 'time':
    case 'duration':
    case 'interval':
      return `${type.kind}(${type.unit})`
    case 'timestamp':
      return `timestamp(${type.unit}${type.timezone === null ? '' : `, ${type.timezone}`})`
    case 'list':
    case 'large_list':
      return `${type.kind}<${formatType(type.child.type)}>`
    case 'fixed_size_list':
      return `fixed_size_list<${formatType(type.child.type)}, ${type.size}>`
    case 'struct':
      return `struct<${formatFields(type.children)}>`
    case 'map':
      return `map<${formatType(type.entries.type)}>`
    case 'dictionary':
      return `dictionary<${formatType(type.value)}>`
    default:
      return type.kind
  }
}

function formatFields(fields: readonly Field[]): string {
  return fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(', ')
}
