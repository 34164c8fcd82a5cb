import { ConnectorError } from './errors.ts'

/** One JSON object of a request, with the path that errors name. */
export interface Fields {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
}

/** @throws {ConnectorError} invalid_request when the value is not a JSON object */
export function fieldsOf(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConnectorError('invalid_request', `${path} is ${kindOf(value)}, expected an object`)
  return { path, values: value as Record<string, unknown> }
}

/** The object's own value, undefined where there is none; null counts as none. */
export function valueOf(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields.values, key) ? (fields.values[key] ?? undefined) : undefined
}

/** @throws {ConnectorError} invalid_request when missing or not a string */
export function textOf(fields: Fields, key: string): string {
  const value = valueOf(fields, key)
  if (typeof value !== 'string') throw unexpected(fields, key, 'a string')
  return value
}

/** @throws {ConnectorError} invalid_request when neither missing nor a string */
export function optionalTextOf(fields: Fields, key: string): string | null {
  return valueOf(fields, key) === undefined ? null : textOf(fields, key)
}

/** @throws {ConnectorError} invalid_request when missing or not an object */
export function objectOf(fields: Fields, key: string): Fields {
  const value = valueOf(fields, key)
  if (value === undefined) throw unexpected(fields, key, 'an object')
  return fieldsOf(value, `${fields.path}.${key}`)
}

/** @throws {ConnectorError} invalid_request when neither missing nor an object */
export function optionalObjectOf(fields: Fields, key: string): Fields | null {
  return valueOf(fields, key) === undefined ? null : objectOf(fields, key)
}

/**
 * A whole number, written as one or as decimal digits (Athena writes sizes as strings), or the default where missing.
 * @throws {ConnectorError} invalid_request when anything else
 */
export function wholeNumberOf(fields: Fields, key: string, defaultValue: number): number {
  const value = valueOf(fields, key) ?? defaultValue
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    throw unexpected(fields, key, 'a whole number')
  return number
}

/**
 * Standard base64, or base64url, decoded.
 * @throws {ConnectorError} invalid_request when missing or of another alphabet
 */
export function bytesOf(fields: Fields, key: string): Buffer {
  const text = textOf(fields, key)
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw unexpected(fields, key, 'base64')
  return Buffer.from(text, 'base64')
}

/** The error that says what was found instead; never the value itself. */
function unexpected(fields: Fields, key: string, expected: string): ConnectorError {
  const value = valueOf(fields, key)
  const found = value === undefined ? 'missing' : kindOf(value)
  return new ConnectorError(
    'invalid_request',
    `${fields.path}.${key} is ${found}, expected ${expected}`,
  )
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'missing'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
