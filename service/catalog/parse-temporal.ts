import type { TimeUnit } from '../arrow/arrow-type.ts'

const MILLISECONDS_PER_DAY = 86_400_000
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/
const timePattern = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?$/
/** Microseconds in one tick, or ticks in one microsecond below it. */
const microsecondsPer: Readonly<Record<Exclude<TimeUnit, 'nanosecond'>, bigint>> = {
  second: 1_000_000n,
  millisecond: 1_000n,
  microsecond: 1n,
}

/** `YYYY-MM-DD` as days since 1970-01-01; undefined when there is no such day. */
export function parseDate(text: string): bigint | undefined {
  const [, year, month, day] = datePattern.exec(text) ?? []
  if (year === undefined || month === undefined || day === undefined) return undefined
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const exists = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
  return exists ? BigInt(date.getTime() / MILLISECONDS_PER_DAY) : undefined
}

const folderDatePattern = /^(\d{4})(?:(-?)(\d{2})(?:\2(\d{2}))?)?$/

/**
 * A day as folders write it: `YYYY-MM-DD`, `YYYYMMDD`, and of a month or a year the first day: `YYYY-MM`,
 * `YYYYMM`, `YYYY`. As days since 1970-01-01; undefined when there is no such day.
 */
export function parseFolderDate(text: string): bigint | undefined {
  const [, year, , month = '01', day = '01'] = folderDatePattern.exec(text) ?? []
  return year === undefined ? undefined : parseDate(`${year}-${month}-${day}`)
}

/** `YYYY-MM-DD HH:MM:SS.ffffff` (or with `T`, fraction optional) in the unit, rounded down. */
export function parseTimestamp(text: string, unit: TimeUnit): bigint | undefined {
  const days = parseDate(text.slice(0, 10))
  const [, hour, minute, second, fraction = ''] = timePattern.exec(text.slice(11)) ?? []
  const separated = text[10] === ' ' || text[10] === 'T'
  if (days === undefined || !separated || second === undefined) return undefined
  const seconds = (Number(hour) * 60 + Number(minute)) * 60 + Number(second)
  const micros =
    days * 86_400_000_000n + BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  if (unit === 'nanosecond') {
    const value = micros * 1_000n
    return value === BigInt.asIntN(64, value) ? value : undefined
  }
  const divisor = microsecondsPer[unit]
  const rest = ((micros % divisor) + divisor) % divisor
  return (micros - rest) / divisor
}
