import type { ArrowType } from '../arrow/arrow-type.ts'
import { presenceOnly } from '../predicate/predicate.ts'
import type { Json } from './athena-json.ts'
import { UTC_ZONE_KEY } from './athena-types.ts'

/**
 * The type in a value set or an expression: one whose values have an order, or `presenceOnly` for arrays, maps and
 * rows; undefined for all others.
 */
export function valueType(json: Json): ArrowType | undefined {
  switch (json['@type']) {
    case 'Bool':
      return { kind: 'bool' }
    case 'Int':
      return intType(json)
    case 'FloatingPoint':
      if (json['precision'] === 'SINGLE') return { kind: 'float', bitWidth: 32 }
      return json['precision'] === 'DOUBLE' ? { kind: 'float', bitWidth: 64 } : undefined
    case 'Decimal':
      return {
        kind: 'decimal',
        precision: Number(json['precision']),
        scale: Number(json['scale']),
        bitWidth: 128,
      }
    case 'Utf8':
      return { kind: 'utf8' }
    case 'Binary':
      return { kind: 'binary' }
    case 'Date':
      return { kind: 'date', unit: json['unit'] === 'DAY' ? 'day' : 'millisecond' }
    case 'Timestamp':
      if (json['unit'] !== 'MILLISECOND') return undefined
      return {
        kind: 'timestamp',
        unit: 'millisecond',
        timezone: 'UTC',
        packedZoneKey: UTC_ZONE_KEY,
      }
    case 'List':
    case 'Map':
    case 'Struct':
      return presenceOnly
    default:
      return undefined
  }
}

function intType(json: Json): ArrowType | undefined {
  const bitWidth = json['bitWidth']
  const known = bitWidth === 8 || bitWidth === 16 || bitWidth === 32 || bitWidth === 64
  return known ? { kind: 'int', bitWidth, signed: true } : undefined
}
