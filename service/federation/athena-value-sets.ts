import type { ArrowKind, ArrowType } from '../arrow/arrow-type.ts'
import { decodeSchemaMessage } from '../arrow/schema-message.ts'
import { GatewayError } from '../errors.ts'
import type { Bound, Predicate, ValueRange } from '../predicate/predicate.ts'
import { inDomain, predicateTrue, presenceOnly } from '../predicate/predicate.ts'
import type { Value } from '../predicate/value.ts'
import { compareValues } from '../predicate/value.ts'
import type { Json } from './athena-json.ts'
import { asArray, asBlock, asObject } from './athena-json.ts'
import { packedFields } from './athena-types.ts'
import { valueType } from './athena-value-types.ts'
import type { BlockJson, BlockReader } from './athena-values.ts'

/** What a value set says of its column. Where it is not exact, Athena has to look at the rows again. */
export interface ReadValueSet {
  /** True of every row that the value set lets through. */
  readonly predicate: Predicate
  /** True of no other row. */
  readonly isExact: boolean
}

/** More ranges than this are taken as the span from the first to the last. */
const RANGES_MAX = 10_000

const orderedKinds: ReadonlySet<ArrowKind> = new Set<ArrowKind>([
  'bool',
  'int',
  'float',
  'decimal',
  'utf8',
  'binary',
  'date',
  'timestamp',
])

const notUnderstood: ReadValueSet = { predicate: predicateTrue, isExact: false }

/**
 * One of Athena's three value sets.
 *
 * @throws {GatewayError} `invalid_request` it is malformed.
 */
export function readValueSet(column: string, valueSet: Json, reader: BlockReader): ReadValueSet {
  const type = valueType(asObject(valueSet['type']))
  const nullAllowed = valueSet['nullAllowed'] === true
  switch (valueSet['@type']) {
    case 'SortedRangeSet':
      if (!type || type.kind === presenceOnly.kind) return notUnderstood
      return sortedRangeSet(
        column,
        type,
        { ranges: asArray(valueSet['ranges']), nullAllowed },
        reader,
      )
    case 'EquatableValueSet':
      return equatableSet(column, valueSet, reader)
    case 'AllOrNoneValueSet':
      return type
        ? allOrNoneSet(column, type, valueSet['all'] === true, nullAllowed)
        : notUnderstood
    default:
      return notUnderstood
  }
}

/**
 * Java writes "all non-null values" as all:false, nullAllowed:false. As the pair stands it means no row at all, for
 * which nobody asks; taken as "not null" it loses no row in either reading.
 */
function allOrNoneSet(
  column: string,
  type: ArrowType,
  all: boolean,
  nullAllowed: boolean,
): ReadValueSet {
  const ranges = all || !nullAllowed ? [{}] : []
  return { predicate: inDomain(column, type, { nullAllowed, ranges }), isExact: true }
}

interface RangesJson {
  readonly ranges: readonly unknown[]
  readonly nullAllowed: boolean
}

function sortedRangeSet(
  column: string,
  type: ArrowType,
  { ranges, nullAllowed }: RangesJson,
  reader: BlockReader,
): ReadValueSet {
  const all = ranges.map(asObject)
  const used = all.length > RANGES_MAX ? [hull(all)] : all
  const read = used.map((range): ValueRange => {
    const low = bound(asObject(range['low']), 'ABOVE', type, reader)
    const high = bound(asObject(range['high']), 'BELOW', type, reader)
    return { ...(low && { low }), ...(high && { high }) }
  })
  // Engines do not agree on the place of NaN in the order.
  const hasNaN = read.some(({ low, high }) => [low, high].some((end) => Number.isNaN(end?.value)))
  return {
    predicate: inDomain(column, type, { nullAllowed, ranges: read }),
    isExact: used === all && !hasNaN,
  }
}

/** Ranges are sorted, so the first low and the last high span them all. */
function hull(ranges: readonly Json[]): Json {
  return { low: ranges[0]?.['low'], high: ranges.at(-1)?.['high'] }
}

/** A marker as a bound: EXACTLY includes its value, ABOVE a low one or BELOW a high one leaves it out. */
function bound(
  marker: Json,
  exclusive: 'ABOVE' | 'BELOW',
  type: ArrowType,
  reader: BlockReader,
): Bound | undefined {
  if (marker['nullValue'] === true) return undefined
  const inclusive = marker['bound'] === 'EXACTLY'
  const [value] = reader.values(asBlock(marker['valueBlock']), type)
  if (value === undefined || value === null || !(inclusive || marker['bound'] === exclusive)) {
    throw new GatewayError('invalid_request', 'a constraint holds a malformed marker')
  }
  return { value, inclusive }
}

/** A list of the values that are let through, or of all that are not. */
function equatableSet(column: string, valueSet: Json, reader: BlockReader): ReadValueSet {
  const block = asBlock(valueSet['valueBlock'])
  const type = blockType(block)
  if (!type) return notUnderstood
  const nullAllowed = valueSet['nullAllowed'] === true
  const isWhite = valueSet['whiteList'] === true
  const listed = reader.values(block, type).filter((value): value is Value => value !== null)
  const numbers = listed.filter((value) => !Number.isNaN(value))
  const isExact = numbers.length === listed.length && listed.length <= RANGES_MAX
  if (!isExact && (isWhite || listed.length > RANGES_MAX)) return notUnderstood
  const ranges = isWhite ? numbers.map(point) : gaps(numbers)
  return { predicate: inDomain(column, type, { nullAllowed, ranges }), isExact }
}

/** This value set alone names no type beside its block. */
function blockType(block: BlockJson): ArrowType | undefined {
  const [field] = packedFields(decodeSchemaMessage(Buffer.from(block.schema, 'base64')).fields)
  return field && orderedKinds.has(field.type.kind) ? field.type : undefined
}

function point(value: Value): ValueRange {
  return { low: { value, inclusive: true }, high: { value, inclusive: true } }
}

/** What lies between the values. */
function gaps(values: readonly Value[]): readonly ValueRange[] {
  const ends = values.toSorted(compareValues).map((value): Bound => ({ value, inclusive: false }))
  return [undefined, ...ends].map((low, index): ValueRange => {
    const high = ends[index]
    return { ...(low && { low }), ...(high && { high }) }
  })
}
