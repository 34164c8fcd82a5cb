import type { ArrowType, TimeUnit } from '../arrow/arrow-type.ts'
import type { Value } from './value.ts'
import { hasOrder, isBytes, isText } from './value.ts'

type TypeOf<Kind extends ArrowType['kind']> = Extract<ArrowType, { kind: Kind }>

/** Ticks in a second. */
export const ticksPerSecond: Readonly<Record<TimeUnit, bigint>> = {
  second: 1n,
  millisecond: 1_000n,
  microsecond: 1_000_000n,
  nanosecond: 1_000_000_000n,
}

const SECONDS_PER_DAY = 86_400n
const MILLISECONDS_PER_DAY = SECONDS_PER_DAY * ticksPerSecond.millisecond

/**
 * A value of one type in another, for conversions that keep the order only: `a <= b` gives `cast(a) <= cast(b)`.
 * So bounds of a file's column stay bounds of the column as a door's user sees it. Undefined: there is no such
 * conversion, or the value does not fit.
 */
export function castValue(value: Value, from: ArrowType, to: ArrowType): Value | undefined {
  if (from.kind === 'dictionary') return castValue(value, from.value, to)
  if (to.kind === 'dictionary') return castValue(value, from, to.value)
  if (!hasOrder(from) || !hasOrder(to)) return undefined
  if (isText(to)) return isText(from) ? value : undefined
  if (isBytes(to)) return isBytes(from) && sameWidth(from, to) ? value : undefined
  if (to.kind === 'bool') return from.kind === 'bool' ? value : undefined
  if (to.kind === 'float') return floatFrom(value, from, to)
  return typeof value === 'bigint' ? integerFrom(value, from, to) : undefined
}

function sameWidth(from: ArrowType, to: ArrowType): boolean {
  if (to.kind !== 'fixed_size_binary') return true
  return from.kind === 'fixed_size_binary' && from.byteWidth === to.byteWidth
}

function floatFrom(value: Value, from: ArrowType, to: TypeOf<'float'>): Value | undefined {
  return from.kind === 'float' && from.bitWidth <= to.bitWidth ? value : undefined
}

function integerFrom(value: bigint, from: ArrowType, to: ArrowType): bigint | undefined {
  switch (to.kind) {
    case 'int':
      return from.kind === 'int' && fits(value, to) ? value : undefined
    case 'decimal':
      return decimalFrom(value, from, to)
    case 'date':
      return dateFrom(value, from, to)
    case 'time':
      return from.kind === 'time' ? rescale(value, from.unit, to.unit) : undefined
    case 'timestamp':
      return timestampFrom(value, from, to)
    default:
      return undefined
  }
}

function fits(value: bigint, { bitWidth, signed }: TypeOf<'int'>): boolean {
  return value === (signed ? BigInt.asIntN(bitWidth, value) : BigInt.asUintN(bitWidth, value))
}

function decimalFrom(value: bigint, from: ArrowType, to: TypeOf<'decimal'>): bigint | undefined {
  const scale = from.kind === 'decimal' ? from.scale : from.kind === 'int' ? 0 : undefined
  if (scale === undefined || scale > to.scale) return undefined
  const scaled = value * 10n ** BigInt(to.scale - scale)
  const limit = 10n ** BigInt(to.precision)
  return scaled < limit && scaled > -limit ? scaled : undefined
}

/** A date of milliseconds is how Athena sees timestamps without a zone: it has a time of day. */
function dateFrom(value: bigint, from: ArrowType, to: TypeOf<'date'>): bigint | undefined {
  if (from.kind === 'timestamp') {
    return to.unit === 'millisecond' && from.timezone === null
      ? rescale(value, from.unit, 'millisecond')
      : undefined
  }
  if (from.kind !== 'date') return undefined
  if (from.unit === to.unit) return value
  return to.unit === 'day' ? floorDivide(value, MILLISECONDS_PER_DAY) : value * MILLISECONDS_PER_DAY
}

function timestampFrom(
  value: bigint,
  from: ArrowType,
  to: TypeOf<'timestamp'>,
): bigint | undefined {
  if (from.kind === 'timestamp') {
    const bothZoned = (from.timezone === null) === (to.timezone === null)
    return bothZoned ? rescale(value, from.unit, to.unit) : undefined
  }
  if (from.kind !== 'date' || to.timezone !== null) return undefined
  return from.unit === 'day'
    ? fit64(value * SECONDS_PER_DAY * ticksPerSecond[to.unit])
    : rescale(value, 'millisecond', to.unit)
}

/** Finer units multiply, coarser ones round down. */
function rescale(value: bigint, from: TimeUnit, to: TimeUnit): bigint | undefined {
  const [fromTicks, toTicks] = [ticksPerSecond[from], ticksPerSecond[to]]
  return fromTicks <= toTicks
    ? fit64(value * (toTicks / fromTicks))
    : floorDivide(value, fromTicks / toTicks)
}

function fit64(value: bigint): bigint | undefined {
  return value === BigInt.asIntN(64, value) ? value : undefined
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value % divisor < 0n ? quotient - 1n : quotient
}
