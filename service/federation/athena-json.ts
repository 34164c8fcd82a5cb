import { GatewayError } from '../errors.ts'
import type { BlockJson } from './athena-values.ts'

/** An object of Athena's JSON, its keys not checked yet. */
export type Json = Readonly<Record<string, unknown>>

/** What is no object has no keys. */
export function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

/** What is no array has no items. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

/** @throws {GatewayError} `invalid_request` it is no block. */
export function asBlock(value: unknown): BlockJson {
  const { schema, records } = asObject(value)
  if (typeof schema !== 'string' || typeof records !== 'string') {
    throw new GatewayError('invalid_request', 'a constraint holds a malformed block')
  }
  return { schema, records }
}
