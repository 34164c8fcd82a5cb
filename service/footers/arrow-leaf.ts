import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Annotation } from './parquet-annotation.ts'
import type { SchemaNode } from './parquet-schema.ts'
import type { Fail } from './thrift-reader.ts'

/** Digits that a decimal of Arrow holds in 128 and 256 bits: Columnar.rst, "Decimal". */
const DECIMAL128_DIGITS_MAX = 38
const DECIMAL256_DIGITS_MAX = 76

/** A longer fixed_len_byte_array is decoded into 256 bits, however few its digits. */
const DECIMAL128_BYTES = 16

/** Digits that an int32 and an int64 hold whole: LogicalTypes.md, "DECIMAL". */
const INT32_DIGITS_MAX = 9
const INT64_DIGITS_MAX = 18

/** The Arrow type of a primitive column, as pyarrow reads it. */
export function leafType(node: SchemaNode, fail: Fail): ArrowType {
  return annotatedType(node, fail) ?? bareType(node)
}

/**
 * The type that the column's annotation gives it. Undefined when there is none, or it means nothing for values
 * of that physical type: then the bare values are read.
 */
export function annotatedType(node: SchemaNode, fail: Fail): ArrowType | undefined {
  const { annotation } = node
  if (annotation === null) return undefined
  if (annotation.kind === 'decimal') return decimalType(node, annotation, fail)
  switch (node.physicalType) {
    case 'int32':
      return int32Type(annotation)
    case 'int64':
      return int64Type(annotation)
    case 'byte_array':
      return isText(annotation) ? { kind: 'utf8' } : undefined
    case 'fixed_len_byte_array':
      return fixedType(annotation, node.typeLength)
    default:
      return undefined
  }
}

function bareType(node: SchemaNode): ArrowType {
  switch (node.physicalType) {
    case 'boolean':
      return { kind: 'bool' }
    case 'int32':
      return { kind: 'int', bitWidth: 32, signed: true }
    case 'int64':
      return { kind: 'int', bitWidth: 64, signed: true }
    case 'int96':
      return { kind: 'timestamp', unit: 'nanosecond', timezone: null }
    case 'float':
      return { kind: 'float', bitWidth: 32 }
    case 'double':
      return { kind: 'float', bitWidth: 64 }
    case 'fixed_len_byte_array':
      return { kind: 'fixed_size_binary', byteWidth: node.typeLength }
    default:
      return { kind: 'binary' }
  }
}

function int32Type(annotation: Annotation): ArrowType | undefined {
  switch (annotation.kind) {
    case 'unknown':
      return { kind: 'null' }
    case 'date':
      return { kind: 'date', unit: 'day' }
    case 'time':
      return annotation.unit === 'millisecond'
        ? { kind: 'time', unit: 'millisecond', bitWidth: 32 }
        : undefined
    case 'integer':
      return integerType(annotation, [8, 16, 32])
    default:
      return undefined
  }
}

function int64Type(annotation: Annotation): ArrowType | undefined {
  switch (annotation.kind) {
    case 'time':
      return annotation.unit === 'millisecond'
        ? undefined
        : { kind: 'time', unit: annotation.unit, bitWidth: 64 }
    case 'timestamp':
      return {
        kind: 'timestamp',
        unit: annotation.unit,
        timezone: annotation.utc ? 'UTC' : null,
      }
    case 'integer':
      return integerType(annotation, [64])
    default:
      return undefined
  }
}

function integerType(
  { bitWidth, signed }: Extract<Annotation, { kind: 'integer' }>,
  widths: readonly (8 | 16 | 32 | 64)[],
): ArrowType | undefined {
  const width = widths.find((each) => each === bitWidth)
  return width === undefined ? undefined : { kind: 'int', bitWidth: width, signed }
}

function isText({ kind }: Annotation): boolean {
  return kind === 'string' || kind === 'enum' || kind === 'json'
}

function fixedType({ kind }: Annotation, byteWidth: number): ArrowType | undefined {
  if (kind === 'uuid' && byteWidth === 16) return { kind: 'fixed_size_binary', byteWidth }
  if (kind === 'float16' && byteWidth === 2) return { kind: 'float', bitWidth: 16 }
  return undefined
}

/** To read the bare integers of a decimal would be wrong by powers of ten: what does not fit is refused. */
function decimalType(
  node: SchemaNode,
  { precision, scale }: Extract<Annotation, { kind: 'decimal' }>,
  fail: Fail,
): ArrowType | undefined {
  const digitsMax = decimalDigitsMax(node)
  if (digitsMax === 0) return undefined
  if (precision < 1 || scale < 0 || scale > precision || precision > digitsMax) {
    fail(
      `column ${JSON.stringify(node.name)} is a decimal(${precision}, ${scale}) in ${node.physicalType}, ` +
        `which holds at most ${digitsMax} digits`,
    )
  }
  return {
    kind: 'decimal',
    precision,
    scale,
    bitWidth: precision > DECIMAL128_DIGITS_MAX || node.typeLength > DECIMAL128_BYTES ? 256 : 128,
  }
}

function decimalDigitsMax({ physicalType, typeLength }: SchemaNode): number {
  switch (physicalType) {
    case 'int32':
      return INT32_DIGITS_MAX
    case 'int64':
      return INT64_DIGITS_MAX
    case 'byte_array':
      return DECIMAL256_DIGITS_MAX
    case 'fixed_len_byte_array':
      // LogicalTypes.md, "DECIMAL": floor(log10(2^(8n - 1) - 1)).
      return Math.min(DECIMAL256_DIGITS_MAX, Math.floor((8 * typeLength - 1) * Math.log10(2)))
    default:
      return 0
  }
}
