import type { ArrowType, Field, IntType } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { sameType } from '../arrow/same-type.ts'
import { isBytes, isText } from '../predicate/value.ts'

type TypeOf<Kind extends ArrowType['kind']> = Extract<ArrowType, { kind: Kind }>

/** Digits that 128 and 256 bits hold, as Arrow says. */
const DECIMAL_128_DIGITS = 38
const DECIMAL_256_DIGITS = 76

/**
 * The narrowest type that holds what both hold, by the published rules: integers and floats widen, decimals
 * grow, dates become timestamps, the finer unit wins, layouts of text, bytes and lists become the plain one,
 * structs merge by name. Undefined: the two contradict each other.
 */
export function mergeTypes(left: ArrowType, right: ArrowType): ArrowType | undefined {
  if (sameType(left, right)) return left
  if (left.kind === 'null') return right
  if (right.kind === 'null') return left
  if (left.kind === 'dictionary') return mergeTypes(left.value, right)
  if (right.kind === 'dictionary') return mergeTypes(left, right.value)
  if (isText(left) && isText(right)) return { kind: 'utf8' }
  if (isBytes(left) && isBytes(right)) return { kind: 'binary' }
  if (isInstant(left) && isInstant(right)) return mergeInstants(left, right)
  if (left.kind === 'int' && right.kind === 'int') return mergeInts(left, right)
  if (left.kind === 'float' && right.kind === 'float') {
    return left.bitWidth > right.bitWidth ? left : right
  }
  if (left.kind === 'decimal' && right.kind === 'decimal') return mergeDecimals(left, right)
  return mergeNested(left, right)
}

/**
 * Fields of one side, then those only the other has. A column that one side lacks is nullable. Undefined: a
 * column contradicts itself.
 */
export function mergeFields(
  left: readonly Field[],
  right: readonly Field[],
): readonly Field[] | undefined {
  const merged = [...left]
  const shared = new Set<number>()
  for (const field of right) {
    const at = findColumn(left, field, right)
    const known = at === undefined ? undefined : left[at]
    const together = known ? mergeField(known, field) : { ...field, nullable: true }
    if (!together) return undefined
    merged[at ?? merged.length] = together
    if (at !== undefined) shared.add(at)
  }
  return merged.map((field, at) => (shared.has(at) ? field : { ...field, nullable: true }))
}

/** Both fields as one, with the first one's name; undefined: they contradict each other. */
export function mergeField(left: Field, right: Field): Field | undefined {
  const type = mergeTypes(left.type, right.type)
  if (!type) return undefined
  const nullable = left.nullable || right.nullable || isNull(left) || isNull(right)
  if (sameType(type, left.type)) return { ...left, type, nullable }
  return { name: left.name, type, nullable }
}

/**
 * Where a file's column is among the merged ones: by its exact name, else without regard to case, unless the
 * file itself has two names that differ only by case.
 */
export function findColumn(
  merged: readonly Field[],
  field: Field,
  siblings: readonly Field[],
): number | undefined {
  const at = findByName(merged, field.name)
  if (at === undefined || at === 'ambiguous') return undefined
  if (merged[at]?.name === field.name) return at
  const lower = field.name.toLowerCase()
  const hasTwin = siblings.some((one) => one !== field && one.name.toLowerCase() === lower)
  return hasTwin ? undefined : at
}

function isNull(field: Field): boolean {
  return field.type.kind === 'null'
}

function mergeInts(left: IntType, right: IntType): ArrowType | undefined {
  const [narrow, wide] = left.bitWidth <= right.bitWidth ? [left, right] : [right, left]
  if (narrow.signed === wide.signed) return wide
  if (wide.signed && wide.bitWidth > narrow.bitWidth) return wide
  const wider = ({ 8: 16, 16: 32, 32: 64 } as const)[wide.bitWidth as 8 | 16 | 32]
  if (wider !== undefined) return { kind: 'int', bitWidth: wider, signed: true }
  return undefined
}

function mergeDecimals(left: TypeOf<'decimal'>, right: TypeOf<'decimal'>): ArrowType | undefined {
  const scale = Math.max(left.scale, right.scale)
  const precision = scale + Math.max(left.precision - left.scale, right.precision - right.scale)
  if (precision > DECIMAL_256_DIGITS) return undefined
  const needed = precision > DECIMAL_128_DIGITS ? 256 : 128
  const bitWidth = left.bitWidth === 256 || right.bitWidth === 256 ? 256 : needed
  return { kind: 'decimal', precision, scale, bitWidth }
}

type Instant = TypeOf<'date'> | TypeOf<'timestamp'>

function isInstant(type: ArrowType): type is Instant {
  return type.kind === 'date' || type.kind === 'timestamp'
}

const unitsFromFine = ['nanosecond', 'microsecond', 'millisecond', 'second', 'day'] as const

/** A reading without zone and an instant are different things: they contradict each other. */
function mergeInstants(left: Instant, right: Instant): ArrowType | undefined {
  if (hasZone(left) !== hasZone(right)) return undefined
  const timestamp = left.kind === 'timestamp' ? left : right
  const unit = unitsFromFine.find((one) => one === left.unit || one === right.unit)
  if (unit === undefined || unit === 'day' || timestamp.kind === 'date') {
    return { kind: 'date', unit: 'millisecond' }
  }
  return { kind: 'timestamp', unit, timezone: timestamp.timezone }
}

function hasZone(type: Instant): boolean {
  return type.kind === 'timestamp' && type.timezone !== null
}

function mergeNested(left: ArrowType, right: ArrowType): ArrowType | undefined {
  if (left.kind === 'struct' && right.kind === 'struct') {
    const children = mergeFields(left.children, right.children)
    return children && { kind: 'struct', children }
  }
  if (left.kind === 'map' && right.kind === 'map') {
    const entries = mergeEntries(left.entries, right.entries)
    return entries && { kind: 'map', entries, keysSorted: left.keysSorted && right.keysSorted }
  }
  if (isList(left) && isList(right)) {
    const child = mergeField(left.child, right.child)
    return child && { kind: 'list', child }
  }
  return undefined
}

function isList(type: ArrowType): type is Extract<ArrowType, { readonly child: Field }> {
  return type.kind === 'list' || type.kind === 'large_list' || type.kind === 'fixed_size_list'
}

/** Key with key and value with value, whatever the files call them. */
function mergeEntries(left: Field, right: Field): Field | undefined {
  if (left.type.kind !== 'struct' || right.type.kind !== 'struct') return undefined
  const others = right.type.children
  const children = left.type.children.map((child, index) => {
    const other = others[index]
    return other && mergeField(child, other)
  })
  if (children.length !== others.length || children.includes(undefined)) return undefined
  const merged = children.filter((child) => child !== undefined)
  return { ...left, type: { kind: 'struct', children: merged } }
}
