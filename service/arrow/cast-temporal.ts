import { GatewayError } from '../errors.ts'
import type { ArrowType, TimeUnit } from './arrow-type.ts'
import type { Column } from './column.ts'
import { formatType } from './format-type.ts'
import {
  floorDivideWords,
  multiplyWords,
  narrowWords,
  packWords,
  widenWords,
} from './int64-words.ts'
import { type Cast, presentWords, textColumn, valuesOf, withValues } from './rebuild-column.ts'
import { int32View, int64View } from './typed-views.ts'

/** How many of the unit make a second. */
const perSecond: Record<TimeUnit, number> = {
  second: 1,
  millisecond: 1e3,
  microsecond: 1e6,
  nanosecond: 1e9,
}
const SECONDS_PER_DAY = 86_400

/** Dates and timestamps among each other, times and intervals to text, durations to their count. */
export function temporalCast(from: ArrowType, to: ArrowType): Cast | undefined {
  if (from.kind === 'time' && to.kind === 'utf8') return (column) => timeText(column, from)
  if (from.kind === 'interval' && to.kind === 'utf8') return (column) => intervalText(column, from)
  if (from.kind === 'duration' && to.kind === 'int' && to.bitWidth === 64 && to.signed) {
    return (column) => ({ ...column, type: to })
  }
  return instantCast(from, to)
}

/**
 * A moment keeps its reading: with a zone it stays an instant, without one it stays what a clock on the wall shows.
 * The names of zones do not change the instant.
 */
function instantCast(from: ArrowType, to: ArrowType): Cast | undefined {
  if (from.kind !== 'date' && from.kind !== 'timestamp') return undefined
  if (to.kind !== 'date' && to.kind !== 'timestamp') return undefined
  if (hasZone(from) !== hasZone(to)) return undefined
  if (from.kind === 'timestamp' && (from.packedZoneKey !== undefined || isDay(to))) return undefined
  return (column) => castInstants(column, from, to)
}

type InstantType = Extract<ArrowType, { kind: 'date' | 'timestamp' }>

function hasZone(type: InstantType): boolean {
  return type.kind === 'timestamp' && type.timezone !== null
}

function isDay(type: InstantType): boolean {
  return type.kind === 'date' && type.unit === 'day'
}

function castInstants(column: Column, from: InstantType, to: InstantType): Column {
  const words = isDay(from) ? widenWords(presentWords(column, 1)) : presentWords(column, 2)
  for (const divisor of steps(ticksPerDay(from), ticksPerDay(to))) floorDivideWords(words, divisor)
  let fits = true
  for (const factor of steps(ticksPerDay(to), ticksPerDay(from))) {
    fits = multiplyWords(words, factor) && fits
  }
  if (to.kind === 'timestamp' && to.packedZoneKey !== undefined) {
    fits = packWords(words, to.packedZoneKey) && fits
  }
  const values = isDay(to) ? narrowWords(words) : words
  if (!fits || values === undefined) {
    throw new GatewayError(
      'unsupported',
      `a value of ${formatType(from)} is too far away for ${formatType(to)}`,
    )
  }
  return withValues(column, to, values)
}

function ticksPerDay(type: InstantType): number {
  if (type.unit === 'day') return 1
  return perSecond[type.unit] * SECONDS_PER_DAY
}

/** `fine / coarse` as factors of at most 10^6; none when fine is not finer. */
function steps(fine: number, coarse: number): number[] {
  const factors: number[] = []
  let rest = fine / coarse
  while (rest >= 2) {
    const factor = rest <= 1e6 ? rest : rest % SECONDS_PER_DAY === 0 ? SECONDS_PER_DAY : 1e6
    factors.push(factor)
    rest /= factor
  }
  return factors
}

/** ISO 8601: `HH:MM:SS` and as many digits of a fraction as the unit has. */
function timeText(column: Column, from: Extract<ArrowType, { kind: 'time' }>): Column {
  const ticks = perSecond[from.unit]
  const digits = Math.round(Math.log10(ticks))
  const words = int32View(valuesOf(column, from.bitWidth / 8))
  const read =
    from.bitWidth === 32
      ? (row: number) => words[row] ?? 0
      : (row: number) => (words[row * 2 + 1] ?? 0) * 2 ** 32 + ((words[row * 2] ?? 0) >>> 0)
  return textColumn(column, (row) => {
    const value = read(row)
    if (value < 0 || value >= ticks * SECONDS_PER_DAY) {
      throw new GatewayError('unreadable_file', 'a time of day is not within one day')
    }
    const seconds = Math.floor(value / ticks)
    const fraction = digits === 0 ? '' : `.${String(value % ticks).padStart(digits, '0')}`
    return clockText(seconds) + fraction
  })
}

function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

/** ISO 8601: `P1M2DT3.000000004S`, only the parts the unit has. */
function intervalText(column: Column, from: Extract<ArrowType, { kind: 'interval' }>): Column {
  if (from.unit === 'year_month') {
    const months = int32View(valuesOf(column, 4))
    return textColumn(column, (row) => `P${months[row] ?? 0}M`)
  }
  if (from.unit === 'day_time') {
    const parts = int32View(valuesOf(column, 8))
    return textColumn(
      column,
      (row) => `P${parts[row * 2] ?? 0}DT${secondsText(BigInt(parts[row * 2 + 1] ?? 0), 3)}S`,
    )
  }
  const parts = int32View(valuesOf(column, 16))
  const nanoseconds = int64View(valuesOf(column, 16))
  return textColumn(column, (row) => {
    const days = `P${parts[row * 4] ?? 0}M${parts[row * 4 + 1] ?? 0}D`
    return `${days}T${secondsText(nanoseconds[row * 2 + 1] ?? 0n, 9)}S`
  })
}

function secondsText(value: bigint, digits: number): string {
  const size = 10n ** BigInt(digits)
  const positive = value < 0n ? -value : value
  const fraction = String(positive % size).padStart(digits, '0')
  return `${value < 0n ? '-' : ''}${positive / size}.${fraction}`
}
