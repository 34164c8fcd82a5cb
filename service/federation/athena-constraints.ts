import type { ArrowKind, ArrowType } from '../arrow/arrow-type.ts'
import { decodeSchemaMessage } from '../arrow/schema-message.ts'
import { GatewayError } from '../errors.ts'
import type { Domain, Predicate, ValueRange } from '../predicate/predicate.ts'
import { and, inDomain, predicateTrue } from '../predicate/predicate.ts'
import type { Value } from '../predicate/value.ts'
import { packedFields, UTC_ZONE_KEY } from './athena-types.ts'
import type { BlockJson } from './athena-values.ts'
import { BlockReader } from './athena-values.ts'

/** What a query asks for, as far as we understand it. What we do not understand, Athena applies itself. */
export interface AthenaConstraints {
  /** Rules out what cannot match; a row it lets through may still be dropped by Athena. */
  readonly predicate: Predicate
  /** Rows of one split that are enough: only when no predicate of any kind stands above it. */
  readonly rowLimit?: number
}

/** An IN list longer than this is taken as the span from its first to its last value. */
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

type Json = Readonly<Record<string, unknown>>

/**
 * Athena's `constraints` object, from its JSON text. Unknown keys and value sets are left to Athena.
 *
 * @throws {GatewayError} `invalid_request` it is not JSON, or a value set is malformed.
 */
export function readConstraints(text: string): AthenaConstraints {
  const constraints = parse(text)
  const reader = new BlockReader()
  const terms = Object.entries(asObject(constraints['summary'])).map(([column, valueSet]) =>
    columnTerm(column, asObject(valueSet), reader),
  )
  const predicate = and(terms)
  const limit = constraints['limit']
  const alone =
    terms.length === 0 &&
    isEmpty(constraints['expression']) &&
    isEmpty(constraints['orderByClause'])
  return alone && typeof limit === 'number' && limit >= 0
    ? { predicate, rowLimit: limit }
    : { predicate }
}

function parse(text: string): Json {
  if (text === '') return {}
  try {
    return asObject(JSON.parse(text))
  } catch (cause) {
    throw new GatewayError('invalid_request', 'the constraints are not JSON', { cause })
  }
}

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

function columnTerm(column: string, valueSet: Json, reader: BlockReader): Predicate {
  const type = scalarType(asObject(valueSet['type']))
  const nullAllowed = valueSet['nullAllowed'] === true
  switch (valueSet['@type']) {
    case 'SortedRangeSet':
      if (!type) return predicateTrue
      return inDomain(column, type, { nullAllowed, ranges: sortedRanges(valueSet, type, reader) })
    case 'EquatableValueSet':
      return equatableTerm(column, valueSet, reader)
    case 'AllOrNoneValueSet':
      // Java writes "all non-null values" as all:false, nullAllowed:false, so that pair says nothing.
      if (valueSet['all'] === true || !nullAllowed || !type) return predicateTrue
      return inDomain(column, type, { nullAllowed: true, ranges: [] })
    default:
      return predicateTrue
  }
}

/** A white list is a set of points; a black list rules out too little to prune by. */
function equatableTerm(column: string, valueSet: Json, reader: BlockReader): Predicate {
  const block = asBlock(valueSet['valueBlock'])
  const type = blockType(block)
  if (!type || valueSet['whiteList'] !== true) return predicateTrue
  const points = reader
    .values(block, type)
    .filter((value): value is Value => value !== null)
    .map((value): ValueRange => point(value))
  const domain: Domain = { nullAllowed: valueSet['nullAllowed'] === true, ranges: points }
  return inDomain(column, type, domain)
}

/** This value set alone names no type beside its block. */
function blockType(block: BlockJson): ArrowType | undefined {
  const [field] = packedFields(decodeSchemaMessage(Buffer.from(block.schema, 'base64')).fields)
  return field && orderedKinds.has(field.type.kind) ? field.type : undefined
}

function point(value: Value): ValueRange {
  return { low: { value, inclusive: true }, high: { value, inclusive: true } }
}

function sortedRanges(valueSet: Json, type: ArrowType, reader: BlockReader): readonly ValueRange[] {
  const ranges = Array.isArray(valueSet['ranges']) ? valueSet['ranges'].map(asObject) : []
  const used = ranges.length > RANGES_MAX ? [hull(ranges)] : ranges
  return used.map((range): ValueRange => {
    const low = bound(asObject(range['low']), type, reader)
    const high = bound(asObject(range['high']), type, reader)
    return { ...(low && { low }), ...(high && { high }) }
  })
}

/** Ranges are sorted, so the first low and the last high span them all. */
function hull(ranges: readonly Json[]): Json {
  return { low: ranges[0]?.['low'], high: ranges.at(-1)?.['high'] }
}

/** A marker as a bound: EXACTLY includes its value; ABOVE (low) and BELOW (high) exclude it; without a value, no bound. */
function bound(
  marker: Json,
  type: ArrowType,
  reader: BlockReader,
): { value: Value; inclusive: boolean } | undefined {
  if (marker['nullValue'] === true) return undefined
  const [value] = reader.values(asBlock(marker['valueBlock']), type)
  if (value === undefined || value === null) return undefined
  return { value, inclusive: marker['bound'] === 'EXACTLY' }
}

function asBlock(value: unknown): BlockJson {
  const { schema, records } = asObject(value)
  if (typeof schema !== 'string' || typeof records !== 'string') {
    throw new GatewayError('invalid_request', 'a constraint holds a malformed block')
  }
  return { schema, records }
}

/** The types whose values have an order; undefined for all others. */
function scalarType(json: Json): ArrowType | undefined {
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
    default:
      return undefined
  }
}

function intType(json: Json): ArrowType | undefined {
  const bitWidth = json['bitWidth']
  const known = bitWidth === 8 || bitWidth === 16 || bitWidth === 32 || bitWidth === 64
  return known ? { kind: 'int', bitWidth, signed: true } : undefined
}
