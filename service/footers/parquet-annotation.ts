import type { TimeUnit } from '../arrow/arrow-type.ts'
import { STOP, type ThriftReader } from './thrift-reader.ts'

/** What a column means beyond its physical type: Parquet's logical types, converted (legacy) types folded in. */
export type Annotation =
  | { readonly kind: 'string' | 'enum' | 'json' | 'list' | 'map' | 'date' | 'uuid' | 'float16' }
  /** Always null. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly unit: TimeUnit; readonly utc: boolean }
  | { readonly kind: 'integer'; readonly bitWidth: number; readonly signed: boolean }

/** parquet.thrift, `LogicalType`, the members without parameters. */
const plainLogicalTypes = new Map<number, Annotation>([
  [1, { kind: 'string' }],
  [2, { kind: 'map' }],
  [3, { kind: 'list' }],
  [4, { kind: 'enum' }],
  [6, { kind: 'date' }],
  [11, { kind: 'unknown' }],
  [12, { kind: 'json' }],
  [14, { kind: 'uuid' }],
  [15, { kind: 'float16' }],
])

/** parquet.thrift, `TimeUnit`. */
const timeUnits = new Map<number, TimeUnit>([
  [1, 'millisecond'],
  [2, 'microsecond'],
  [3, 'nanosecond'],
])

/** Reads the union `LogicalType`; null for a member that leaves the values as they are (bson, geometry, ...). */
export function readLogicalType(reader: ThriftReader): Annotation | null {
  reader.struct()
  let annotation: Annotation | null = null
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 5) annotation = readDecimal(reader)
    else if (id === 7) annotation = readTime(reader, 'time')
    else if (id === 8) annotation = readTime(reader, 'timestamp')
    else if (id === 10) annotation = readInteger(reader)
    else {
      annotation = plainLogicalTypes.get(id) ?? null
      reader.skip()
    }
  }
  return annotation
}

function readDecimal(reader: ThriftReader): Annotation {
  reader.struct()
  let scale = 0
  let precision = 0
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) scale = reader.integer()
    else if (id === 2) precision = reader.integer()
    else reader.skip()
  }
  return { kind: 'decimal', precision, scale }
}

function readTime(reader: ThriftReader, kind: 'time' | 'timestamp'): Annotation | null {
  reader.struct()
  let utc = false
  let unit: TimeUnit | undefined
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) utc = reader.boolean()
    else if (id === 2) unit = readTimeUnit(reader)
    else reader.skip()
  }
  return unit === undefined ? null : { kind, unit, utc }
}

function readTimeUnit(reader: ThriftReader): TimeUnit | undefined {
  reader.struct()
  let unit: TimeUnit | undefined
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    unit = timeUnits.get(id)
    reader.skip()
  }
  return unit
}

function readInteger(reader: ThriftReader): Annotation {
  reader.struct()
  let bitWidth = 0
  let signed = false
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) bitWidth = reader.tiny()
    else if (id === 2) signed = reader.boolean()
    else reader.skip()
  }
  return { kind: 'integer', bitWidth, signed }
}

/** parquet.thrift, `ConvertedType`, by number; what is missing leaves the values as they are. */
const convertedTypes = new Map<number, Annotation>([
  [0, { kind: 'string' }],
  [1, { kind: 'map' }],
  // MAP_KEY_VALUE: some writers put it where MAP belongs (LogicalTypes.md, "Maps", backward compatibility).
  [2, { kind: 'map' }],
  [3, { kind: 'list' }],
  [4, { kind: 'enum' }],
  [6, { kind: 'date' }],
  [7, { kind: 'time', unit: 'millisecond', utc: false }],
  [8, { kind: 'time', unit: 'microsecond', utc: false }],
  // Arrow gives no zone to timestamps that only have the converted type: their writers did not all mean UTC.
  [9, { kind: 'timestamp', unit: 'millisecond', utc: false }],
  [10, { kind: 'timestamp', unit: 'microsecond', utc: false }],
  [11, { kind: 'integer', bitWidth: 8, signed: false }],
  [12, { kind: 'integer', bitWidth: 16, signed: false }],
  [13, { kind: 'integer', bitWidth: 32, signed: false }],
  [14, { kind: 'integer', bitWidth: 64, signed: false }],
  [15, { kind: 'integer', bitWidth: 8, signed: true }],
  [16, { kind: 'integer', bitWidth: 16, signed: true }],
  [17, { kind: 'integer', bitWidth: 32, signed: true }],
  [18, { kind: 'integer', bitWidth: 64, signed: true }],
  [19, { kind: 'json' }],
])

const CONVERTED_DECIMAL = 5

export function readConvertedType(
  converted: number,
  decimal: { readonly precision: number; readonly scale: number },
): Annotation | null {
  if (converted === CONVERTED_DECIMAL) return { kind: 'decimal', ...decimal }
  return convertedTypes.get(converted) ?? null
}
