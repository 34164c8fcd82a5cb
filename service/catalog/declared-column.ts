import type { ArrowType } from '../arrow/arrow-type.ts'
import { parseDate, parseFolderDate } from './parse-temporal.ts'

/** A partition column whose folders are known without listing them. */
export interface DeclaredColumn {
  readonly name: string
  readonly type: ArrowType
  /** How many values there are now. */
  count(nowMs: number): number
  /** Texts of the values as folders write them, %-escapes apart, in the order of the declaration. */
  texts(nowMs: number): Iterable<string>
  /** True when the text is one of them. */
  has(text: string, nowMs: number): boolean
}

/** Says what is wrong with a declaration; never returns. */
export type Refuse = (what: string) => never

const VALUES_MAX = 10_000
const VALUE_CHARACTERS_MAX = 512
const DIGITS_MAX = 19

/** A column from its declaration, as JSON has it. */
export function declaredColumn(name: string, given: unknown, refuse: Refuse): DeclaredColumn {
  const declaration = membersOf(given)
  if (!declaration) return refuse('is no object')
  const type = declaration.get('type')
  if (type === 'enum') {
    refuseOthers(declaration, ['type', 'values'], refuse)
    return enumColumn(name, declaration.get('values'), refuse)
  }
  if (type === 'integer') {
    refuseOthers(declaration, ['type', 'range', 'digits'], refuse)
    return integerColumn(name, declaration, refuse)
  }
  if (type === 'date') {
    refuseOthers(declaration, ['type', 'range', 'format'], refuse)
    return dateColumn(name, declaration, refuse)
  }
  return refuse(`has the type ${shown(type)}, expected "date", "integer" or "enum"`)
}

/** Members of a JSON object; undefined: it is something else. */
export function membersOf(json: unknown): ReadonlyMap<string, unknown> | undefined {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  return isObject ? new Map(Object.entries(json)) : undefined
}

/** Refuses members of other names: what is misspelt must not be passed over. */
export function refuseOthers(
  members: ReadonlyMap<string, unknown>,
  known: readonly string[],
  refuse: Refuse,
): void {
  const other = [...members.keys()].find((name) => !known.includes(name))
  if (other !== undefined) refuse(`has ${shown(other)}, expected only ${known.join(', ')}`)
}

function shown(json: unknown): string {
  return (JSON.stringify(json) ?? 'nothing').slice(0, 100)
}

function enumColumn(name: string, given: unknown, refuse: Refuse): DeclaredColumn {
  const values = Array.isArray(given) ? given.filter(isValue) : []
  if (!Array.isArray(given) || values.length !== given.length || values.length === 0) {
    return refuse(`has the values ${shown(given)}, expected an array of texts, none of them empty`)
  }
  if (values.length > VALUES_MAX) return refuse(`has more than ${VALUES_MAX} values`)
  const known = new Set(values)
  return {
    name,
    type: { kind: 'utf8' },
    count: () => known.size,
    texts: () => known,
    has: (text) => known.has(text),
  }
}

function isValue(given: unknown): given is string {
  return typeof given === 'string' && given !== '' && given.length <= VALUE_CHARACTERS_MAX
}

function integerColumn(
  name: string,
  declaration: ReadonlyMap<string, unknown>,
  refuse: Refuse,
): DeclaredColumn {
  const range = declaration.get('range')
  const [low, high] = Array.isArray(range) && range.length === 2 ? range : []
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low > high) {
    return refuse(`has the range ${shown(range)}, expected two integers, the lower one first`)
  }
  const digits = declaration.get('digits') ?? 1
  if (
    typeof digits !== 'number' ||
    !Number.isInteger(digits) ||
    digits < 1 ||
    digits > DIGITS_MAX
  ) {
    return refuse(`has the digits ${shown(digits)}, expected 1 to ${DIGITS_MAX}`)
  }
  const textOf = (value: number): string =>
    (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(digits, '0')
  const isSmall = low >= -(2 ** 31) && high < 2 ** 31
  return {
    name,
    type: { kind: 'int', bitWidth: isSmall ? 32 : 64, signed: true },
    count: () => high - low + 1,
    *texts() {
      for (let value = low; value <= high; value++) yield textOf(value)
    },
    has(text) {
      const value = Number(text)
      return value >= low && value <= high && textOf(value) === text
    },
  }
}

/** What a step of each format is. */
const formats = {
  'yyyy-MM-dd': 'day',
  yyyyMMdd: 'day',
  'yyyy-MM': 'month',
  yyyyMM: 'month',
  yyyy: 'year',
} as const
type DateFormat = keyof typeof formats

const nowPattern = /^NOW(?:([+-]\d{1,6})(DAY|WEEK|MONTH|YEAR)S?)?$/

/** Years that four digits write. */
const YEAR_MAX = 9999

function dateColumn(
  name: string,
  declaration: ReadonlyMap<string, unknown>,
  refuse: Refuse,
): DeclaredColumn {
  const format = declaration.get('format') ?? 'yyyy-MM-dd'
  if (!isFormat(format)) {
    return refuse(
      `has the format ${shown(format)}, expected one of ${Object.keys(formats).join(', ')}`,
    )
  }
  const range = declaration.get('range')
  const [low, high] = (Array.isArray(range) && range.length === 2 ? range : []).map(momentOf)
  if (!low || !high) {
    return refuse(
      `has the range ${shown(range)}, expected two days such as "2024-01-01" or "NOW-3YEARS"`,
    )
  }
  const ordinals = (nowMs: number) => {
    const [first, last] = [ordinalOf(low(nowMs), format), ordinalOf(high(nowMs), format)]
    return { first, count: Math.max(0, last - first + 1) }
  }
  return {
    name,
    type: { kind: 'date', unit: 'day' },
    count: (nowMs) => ordinals(nowMs).count,
    *texts(nowMs) {
      const { first, count } = ordinals(nowMs)
      for (let step = 0; step < count; step++) yield dateText(first + step, format)
    },
    has(text, nowMs) {
      const days = parseFolderDate(text)
      if (days === undefined) return false
      const { first, count } = ordinals(nowMs)
      const ordinal = ordinalOf(dateOf(days), format)
      return ordinal >= first && ordinal < first + count && dateText(ordinal, format) === text
    },
  }
}

function isFormat(given: unknown): given is DateFormat {
  return typeof given === 'string' && Object.hasOwn(formats, given)
}

const MILLISECONDS_PER_DAY = 86_400_000

function dateOf(days: bigint): Date {
  return new Date(Number(days) * MILLISECONDS_PER_DAY)
}

/** An end of a range: a day, or one told from now; undefined: neither. */
function momentOf(given: unknown): ((nowMs: number) => Date) | undefined {
  if (typeof given !== 'string') return undefined
  const days = parseDate(given)
  if (days !== undefined) return () => dateOf(days)
  const [isNow, count = '0', unit = 'DAY'] = nowPattern.exec(given) ?? []
  if (isNow === undefined) return undefined
  return (nowMs) => within(shifted(new Date(nowMs), Number(count), unit))
}

/** In UTC; the 31st of a month that has 30 days is the 1st of the next. */
function shifted(from: Date, count: number, unit: string): Date {
  const [year, month, day] = [from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate()]
  if (unit === 'YEAR') return new Date(Date.UTC(year + count, month, day))
  if (unit === 'MONTH') return new Date(Date.UTC(year, month + count, day))
  return new Date(Date.UTC(year, month, day + (unit === 'WEEK' ? 7 * count : count)))
}

function within(date: Date): Date {
  const year = date.getUTCFullYear()
  if (year > YEAR_MAX || Number.isNaN(year)) return new Date(Date.UTC(YEAR_MAX, 11, 31))
  return year < 0 ? new Date('0000-01-01T00:00:00Z') : date
}

/** Days, months or years in order. */
function ordinalOf(date: Date, format: DateFormat): number {
  const year = date.getUTCFullYear()
  if (formats[format] === 'year') return year
  if (formats[format] === 'month') return year * 12 + date.getUTCMonth()
  return Math.floor(date.getTime() / MILLISECONDS_PER_DAY)
}

function dateText(ordinal: number, format: DateFormat): string {
  if (formats[format] === 'year') return String(ordinal).padStart(4, '0')
  if (formats[format] === 'month') {
    const year = String(Math.floor(ordinal / 12)).padStart(4, '0')
    const month = String((ordinal % 12) + 1).padStart(2, '0')
    return format === 'yyyyMM' ? year + month : `${year}-${month}`
  }
  const text = new Date(ordinal * MILLISECONDS_PER_DAY).toISOString().slice(0, 10)
  return format === 'yyyyMMdd' ? text.replaceAll('-', '') : text
}
