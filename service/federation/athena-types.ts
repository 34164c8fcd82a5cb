import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'

/** Presto's key of the zone UTC: Parquet knows instants, not zones. */
export const UTC_ZONE_KEY = 0
/** Athena's decimals hold 38 digits. */
const DECIMAL_PRECISION_MAX = 38
/** Digits of the largest unsigned 64-bit integer. */
const UNSIGNED_64_DIGITS = 20

/**
 * A column as Athena sees it: lower case, nullable, in a type that Athena takes and that keeps the meaning.
 * The table is in README.md, "Types".
 *
 * @throws {GatewayError} `unsupported` two names of one struct differ only by case.
 */
export function athenaField(field: Field): Field {
  return { name: field.name.toLowerCase(), type: athenaType(field.type, field), nullable: true }
}

/** Fields of a table; two names that differ only by case cannot both be reached from Athena. */
export function athenaFields(fields: readonly Field[], owner: string): Field[] {
  const seen = new Map<string, string>()
  for (const { name } of fields) {
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined) {
      throw new GatewayError(
        'unsupported',
        `${owner} has the columns "${twin}" and "${name}", which differ only by case; rename one of them`,
      )
    }
    seen.set(name.toLowerCase(), name)
  }
  return fields.map(athenaField)
}

function athenaType(type: ArrowType, owner: Field): ArrowType {
  switch (type.kind) {
    case 'null':
    case 'time':
    case 'interval':
    case 'utf8':
    case 'large_utf8':
    case 'utf8_view':
      return { kind: 'utf8' }
    case 'bool':
      return type
    case 'int':
      return type.signed ? type : signedType(type.bitWidth)
    case 'float':
      return { kind: 'float', bitWidth: type.bitWidth === 64 ? 64 : 32 }
    case 'decimal':
      return type.precision > DECIMAL_PRECISION_MAX
        ? { kind: 'utf8' }
        : { kind: 'decimal', precision: type.precision, scale: type.scale, bitWidth: 128 }
    case 'binary':
    case 'large_binary':
    case 'binary_view':
      return { kind: 'binary' }
    case 'fixed_size_binary':
      return isUuid(owner) ? { kind: 'utf8' } : { kind: 'binary' }
    case 'date':
      return { kind: 'date', unit: 'day' }
    case 'timestamp':
      return type.timezone === null
        ? { kind: 'date', unit: 'millisecond' }
        : { kind: 'timestamp', unit: 'millisecond', timezone: 'UTC', packedZoneKey: UTC_ZONE_KEY }
    case 'duration':
      return { kind: 'int', bitWidth: 64, signed: true }
    case 'dictionary':
      return athenaType(type.value, owner)
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return { kind: 'list', child: { ...athenaField(type.child), name: 'item' } }
    case 'struct':
      return { kind: 'struct', children: athenaFields(type.children, `the struct "${owner.name}"`) }
    case 'map':
      return athenaMap(type)
  }
}

function signedType(bitWidth: 8 | 16 | 32 | 64): ArrowType {
  if (bitWidth === 64) {
    return { kind: 'decimal', precision: UNSIGNED_64_DIGITS, scale: 0, bitWidth: 128 }
  }
  const wider = ({ 8: 16, 16: 32, 32: 64 } as const)[bitWidth]
  return { kind: 'int', bitWidth: wider, signed: true }
}

function athenaMap(type: Extract<ArrowType, { kind: 'map' }>): ArrowType {
  const entries = type.entries.type
  const [key, value] = entries.kind === 'struct' ? entries.children : []
  if (!key || !value) throw new GatewayError('unsupported', 'a map without key and value')
  return {
    kind: 'map',
    keysSorted: false,
    entries: {
      name: 'entries',
      nullable: false,
      type: {
        kind: 'struct',
        children: [
          { ...athenaField(key), name: 'key', nullable: false },
          { ...athenaField(value), name: 'value' },
        ],
      },
    },
  }
}

function isUuid(field: Field): boolean {
  return field.metadata?.['ARROW:extension:name'] === 'arrow.uuid'
}

/**
 * The types of a ReadRecords schema, which came to us through Athena: a zoned timestamp there is always the
 * packed form, at any depth.
 */
export function packedFields(fields: readonly Field[]): Field[] {
  return fields.map((field) => ({ ...field, type: packedType(field.type) }))
}

function packedType(type: ArrowType): ArrowType {
  switch (type.kind) {
    case 'timestamp':
      return type.timezone === null ? type : { ...type, packedZoneKey: UTC_ZONE_KEY }
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return { ...type, child: packedField(type.child) }
    case 'struct':
      return { ...type, children: packedFields(type.children) }
    case 'map':
      return { ...type, entries: packedField(type.entries) }
    default:
      return type
  }
}

function packedField(field: Field): Field {
  return { ...field, type: packedType(field.type) }
}
