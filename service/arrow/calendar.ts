/** A day of the proleptic Gregorian calendar; the year 0 is 1 BC. */
export interface CalendarDay {
  readonly year: number
  /** From 1. */
  readonly month: number
  /** From 1. */
  readonly day: number
}

const DAYS_PER_400_YEARS = 146_097
/** Days from the 1st of March of the year 0, where leap days end a year, to 1970-01-01. */
const EPOCH_DAYS = 719_468

/**
 * Days since 1970-01-01, exact for all years that a double counts; undefined when the calendar has no such day.
 * The arithmetic is that of http://howardhinnant.github.io/date_algorithms.html.
 */
export function daysOf({ year, month, day }: CalendarDay): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined
  const fromMarch = month <= 2 ? year - 1 : year
  const era = Math.floor(fromMarch / 400)
  const yearOfEra = fromMarch - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  const days = era * DAYS_PER_400_YEARS + dayOfEra - EPOCH_DAYS
  return calendarDay(days).day === day ? days : undefined
}

/** The day so many days after 1970-01-01. */
export function calendarDay(days: number): CalendarDay {
  const shifted = days + EPOCH_DAYS
  const era = Math.floor(shifted / DAYS_PER_400_YEARS)
  const dayOfEra = shifted - era * DAYS_PER_400_YEARS
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return { year, month, day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1 }
}
