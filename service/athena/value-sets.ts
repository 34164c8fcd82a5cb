import { DataType, DateUnit, Field, Precision, Schema, TimeUnit } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import { encodeBlock } from './arrow-blocks.ts'
import type { Framing } from './arrow-messages.ts'
import type { BlockJson } from './responses.ts'
import type { Value } from './rows.ts'
import { typeText } from './supported-types.ts'
import type { Bound, ColumnFilter, ValueRange, ValueSet } from './where.ts'

/** A value set as it travels. */
export interface ValueSetJson {
  readonly '@type': string
  readonly [key: string]: unknown
}

/** The column of every value block, whatever the table's column is called. */
const valueColumn = 'col1'

/** The predicate of a request: column name to value set. */
export function summaryJson(
  filters: readonly ColumnFilter[],
  framing: Framing,
): Record<string, ValueSetJson> {
  return Object.fromEntries(
    filters.map(({ column, type, set }) => [column, valueSetJson(type, set, framing)]),
  )
}

export function valueSetJson(type: DataType, set: ValueSet, framing: Framing): ValueSetJson {
  const block = valueBlocks(type, framing)
  const nullAllowed = set.nulls
  if (set.kind === 'ranges') {
    const ranges = set.ranges.map((range) => rangeJson(range, block))
    return {
      '@type': 'SortedRangeSet',
      type: arrowTypeJson(type),
      ranges,
      nullAllowed,
    }
  }
  if (set.kind === 'values') {
    const valueBlock = block(set.values)
    return {
      '@type': 'EquatableValueSet',
      valueBlock,
      whiteList: set.included,
      nullAllowed,
    }
  }
  // Java's getter writes `all && nullAllowed`, so "not null" arrives as "nothing": connectors must stand that.
  const all = set.all && set.nulls
  return {
    '@type': 'AllOrNoneValueSet',
    type: arrowTypeJson(type),
    all,
    nullAllowed,
  }
}

type ValueBlock = (values: readonly Value[]) => BlockJson

function valueBlocks(type: DataType, framing: Framing): ValueBlock {
  const schema = new Schema([new Field(valueColumn, type, true)])
  return (values) =>
    encodeBlock(
      schema,
      values.map((value) => [value]),
      framing,
    )
}

function rangeJson({ low, high }: ValueRange, block: ValueBlock) {
  return { low: markerJson(low, 'ABOVE', block), high: markerJson(high, 'BELOW', block) }
}

/** An exclusive or absent bound points inwards: above the low end, below the high end. */
function markerJson(bound: Bound | null, inwards: 'ABOVE' | 'BELOW', block: ValueBlock) {
  return {
    valueBlock: block(bound === null ? [] : [bound.value]),
    bound: bound?.inclusive === true ? 'EXACTLY' : inwards,
    nullValue: bound === null,
  }
}

/** The protocol's JSON of an Arrow type that Athena can take. */
export function arrowTypeJson(type: DataType): object {
  if (DataType.isBool(type)) return { '@type': 'Bool' }
  if (DataType.isInt(type))
    return { '@type': 'Int', bitWidth: type.bitWidth, isSigned: type.isSigned }
  if (DataType.isFloat(type))
    return { '@type': 'FloatingPoint', precision: Precision[type.precision] }
  if (DataType.isDecimal(type))
    return { '@type': 'Decimal', precision: type.precision, scale: type.scale }
  if (DataType.isUtf8(type)) return { '@type': 'Utf8' }
  if (DataType.isBinary(type)) return { '@type': 'Binary' }
  if (DataType.isDate(type)) return { '@type': 'Date', unit: DateUnit[type.unit] }
  if (DataType.isTimestamp(type))
    return { '@type': 'Timestamp', unit: TimeUnit[type.unit], timezone: type.timezone ?? null }
  if (DataType.isList(type)) return { '@type': 'List' }
  if (DataType.isStruct(type)) return { '@type': 'Struct' }
  if (DataType.isMap(type)) return { '@type': 'Map' }
  throw new GatewayError('unsupported', `type ${typeText(type)} has no form in a value set`)
}
