import { daysOf } from '../arrow/calendar.ts'
import { instantIn } from './time-zone.ts'

/** A number as it is written: `unscaled` / 10^`scale`. */
export interface ExactNumber {
  readonly unscaled: bigint
  /** 0 or more. */
  readonly scale: number
}

/** A value written in SQL that has not met what it is compared with. */
export type Literal =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  /** `exact` is absent of what is no number or infinite. Without `width` it is an integer or a decimal. */
  | {
      readonly kind: 'number'
      readonly exact?: ExactNumber
      readonly float: number
      readonly width?: 32 | 64
    }
  | { readonly kind: 'text' | 'bytes'; readonly bytes: Uint8Array }
  /** Seconds since midnight, or since 1970 without a zone (`local`) or with one (`instant`). */
  | {
      readonly kind: 'time' | 'local' | 'instant'
      readonly seconds: ExactNumber
    }

export type NumberLiteral = Extract<Literal, { kind: 'number' }>

export const nullLiteral: Literal = { kind: 'null' }

/** Digits and exponent that a number may have, so that its exact value stays small. */
const DIGITS_MAX = 1_000
const EXPONENT_MAX = 400

const numberForm = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

/** Undefined when it is no number, or one of more than 1000 digits or with an exponent beyond ±400. */
export function numberLiteral(text: string): NumberLiteral | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = numberForm.exec(text) ?? []
  const digits = whole + fraction
  if (digits === '' || digits.length > DIGITS_MAX) return undefined
  const power = Number(exponent) - fraction.length
  if (Math.abs(power) > EXPONENT_MAX + DIGITS_MAX || Math.abs(Number(exponent)) > EXPONENT_MAX) {
    return undefined
  }
  const unscaled = BigInt(digits) * (sign === '-' ? -1n : 1n)
  const exact =
    power > 0
      ? { unscaled: unscaled * 10n ** BigInt(power), scale: 0 }
      : { unscaled, scale: -power }
  const isDouble = /e/i.test(text)
  return { kind: 'number', exact, float: Number(text), ...(isDouble && { width: 64 }) }
}

export function negatedNumber(number: NumberLiteral): NumberLiteral {
  const { exact } = number
  return {
    ...number,
    float: -number.float,
    ...(exact && { exact: { ...exact, unscaled: -exact.unscaled } }),
  }
}

/** Types whose name before a text makes it a value, and how such a text looks. */
export const typedForms: Readonly<Record<string, string>> = {
  date: "DATE '2026-11-02'",
  timestamp:
    "TIMESTAMP '2026-11-02 10:00:00.5 UTC', with +02:00 or Europe/Berlin, or without a zone",
  time: "TIME '10:00:00.5'",
  decimal: "DECIMAL '1.50'",
  double: "DOUBLE '1.5'",
  real: "REAL '1.5'",
  bigint: "BIGINT '15'",
  integer: "INTEGER '15'",
  varchar: "VARCHAR 'text'",
  x: "X'00FF', pairs of hexadecimal digits",
  uuid: "UUID '01234567-89ab-cdef-0123-456789abcdef'",
}

/** A text that has the form of a value, but is none. */
export interface WrongLiteral {
  readonly kind: 'wrong'
  readonly why: string
}

/** The value of a text behind the name of a type in lower case; undefined when it is none. */
export function typedLiteral(type: string, text: string): Literal | WrongLiteral | undefined {
  switch (type) {
    case 'date': {
      const days = daysFrom(dateForm.exec(text))
      return days === undefined ? undefined : { kind: 'local', seconds: seconds(days, 0n, 0) }
    }
    case 'timestamp':
      return timestampLiteral(text)
    case 'time': {
      const clock = clockFrom(timeForm.exec(text) ?? undefined)
      return clock && { kind: 'time', seconds: clock }
    }
    case 'double':
    case 'real':
      return floatLiteral(text, type === 'real' ? 32 : 64)
    case 'decimal':
    case 'bigint':
    case 'integer': {
      const number = numberLiteral(text.trim())
      const isWhole = type !== 'decimal'
      if (!number || number.width || (isWhole && text.includes('.'))) return undefined
      return number
    }
    case 'varchar':
      return { kind: 'text', bytes: Buffer.from(text) }
    case 'x': {
      const digits = text.replaceAll(/\s/g, '')
      return /^(?:[\da-f]{2})*$/i.test(digits) ? bytesFrom(digits) : undefined
    }
    case 'uuid':
      return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)
        ? bytesFrom(text.replaceAll('-', ''))
        : undefined
    default:
      return undefined
  }
}

export function floatLiteral(text: string, width: 32 | 64): Literal | undefined {
  const round = (value: number) => (width === 32 ? Math.fround(value) : value)
  if (text === 'NaN') return { kind: 'number', float: Number.NaN, width }
  if (/^[+-]?Infinity$/.test(text)) return { kind: 'number', float: Number(text), width }
  const number = numberLiteral(text.trim())
  return number && { ...number, float: round(number.float), width }
}

function bytesFrom(hexadecimal: string): Literal {
  return { kind: 'bytes', bytes: Uint8Array.from(Buffer.from(hexadecimal, 'hex')) }
}

const dateForm = /^\s*([+-]?\d{4,12})-(\d{1,2})-(\d{1,2})\s*$/
const timeForm = /^\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,12}))?)?\s*$/
const timestampForm =
  /^\s*([+-]?\d{4,12}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?))?\s*(.*?)\s*$/
const zoneForm = /^(?:(?:utc|gmt|z)|(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2}))$/i
const SECONDS_PER_DAY = 86_400n

function timestampLiteral(text: string): Literal | WrongLiteral | undefined {
  const [, date = '', clockText, zoneText = ''] = timestampForm.exec(text) ?? []
  const days = daysFrom(dateForm.exec(date))
  const clock = clockText === undefined ? seconds(0, 0n, 0) : clockFrom(timeForm.exec(clockText))
  if (days === undefined || !clock) return undefined
  const local = seconds(days, clock.unscaled, clock.scale)
  if (zoneText === '') return { kind: 'local', seconds: local }
  const zone = zoneForm.exec(zoneText)
  if (!zone) return regionLiteral(local, zoneText)
  const [, sign, hours = '0', minutes = '0'] = zone
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60)
  const shift = BigInt(offset) * 10n ** BigInt(local.scale)
  return { kind: 'instant', seconds: { ...local, unscaled: local.unscaled - shift } }
}

function regionLiteral(local: ExactNumber, region: string): Literal | WrongLiteral | undefined {
  const size = 10n ** BigInt(local.scale)
  const ofSecond = ((local.unscaled % size) + size) % size
  const instant = instantIn(region, Number((local.unscaled - ofSecond) / size))
  switch (instant) {
    case 'unknown region':
      return undefined
    case 'too far':
      return { kind: 'wrong', why: `the time is too far away for ${region}; write it in UTC` }
    case 'skipped':
      return {
        kind: 'wrong',
        why: `clocks in ${region} jump over this time; write it with an offset such as +01:00`,
      }
    default:
      return {
        kind: 'instant',
        seconds: { ...local, unscaled: BigInt(instant) * size + ofSecond },
      }
  }
}

function daysFrom(form: RegExpExecArray | null): number | undefined {
  if (!form) return undefined
  const [year = 0, month = 0, day = 0] = form.slice(1).map(Number)
  return daysOf({ year, month, day })
}

function clockFrom(form: RegExpExecArray | null | undefined): ExactNumber | undefined {
  if (!form) return undefined
  const [, hours = '', minutes = '', whole = '0', fraction = ''] = form
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(whole) > 59) return undefined
  const total = BigInt((Number(hours) * 60 + Number(minutes)) * 60 + Number(whole))
  const scale = fraction.length
  return { unscaled: total * 10n ** BigInt(scale) + BigInt(fraction || '0'), scale }
}

function seconds(days: number, unscaled: bigint, scale: number): ExactNumber {
  return { unscaled: BigInt(days) * SECONDS_PER_DAY * 10n ** BigInt(scale) + unscaled, scale }
}
