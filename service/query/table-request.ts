import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'

/** What somebody wants of a table: Flight's command, and the body of HTTP's reads and plans. */
export interface TableRequest {
  /** As it was written: names are looked up without regard to case. */
  readonly table: TableName
  /** In the order of the answer; absent: all. */
  readonly columns?: readonly string[]
  /** A SQL boolean expression over the table's columns, selected or not. */
  readonly filter?: string
  /** Rows of the whole answer. */
  readonly limit?: number
  /** Pieces to read side by side, from 1; there are fewer when the table has fewer row groups. Absent: 1. */
  readonly endpoints?: number
  /** Columns that are dictionary-encoded in the files stay so. Absent: they are decoded. */
  readonly dictionaries?: boolean
}

/** A filter that names 100,000 ids is about this long. */
export const REQUEST_BYTES_MAX = 1024 * 1024
/** More columns than any table of one Arrow message has. */
const COLUMNS_MAX = 65_536
/** Names of buckets and folders are shorter. */
const TABLE_NAME_CHARACTERS_MAX = 1_024
export const ENDPOINTS_MAX = 256

const members = [
  'schema',
  'table',
  'columns',
  'filter',
  'limit',
  'endpoints',
  'dictionaries',
] as const

/**
 * A request from its JSON in UTF-8.
 *
 * @throws {GatewayError} `invalid_request` it is no JSON, or none of a request; `too_large` it is longer than the
 *   limit.
 */
export function parseTableRequest(json: Uint8Array): TableRequest {
  if (json.length > REQUEST_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `the request has ${json.length} bytes, more than ${REQUEST_BYTES_MAX}`,
    )
  }
  return readTableRequest(parseJson(json))
}

/** @throws {GatewayError} `invalid_request` the bytes are no JSON in UTF-8. */
export function parseJson(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
  } catch (cause) {
    throw new GatewayError(
      'invalid_request',
      'the request is not JSON in UTF-8; expected {"schema": …, "table": …}',
      { cause },
    )
  }
}

/**
 * A request from parsed JSON.
 *
 * @throws {GatewayError} `invalid_request` a member is unknown, missing or of the wrong type; `too_large` the filter
 *   is longer than the limit.
 */
export function readTableRequest(value: unknown): TableRequest {
  const given = membersOf(value, members)
  const columns = readColumns(given.get('columns'))
  const filter = readFilter(given.get('filter'))
  const limit = readCount('limit', given.get('limit'), { min: 0, max: Number.MAX_SAFE_INTEGER })
  const endpoints = readCount('endpoints', given.get('endpoints'), { min: 1, max: ENDPOINTS_MAX })
  const dictionaries = readFlag('dictionaries', given.get('dictionaries'))
  return {
    table: {
      schema: readName('schema', given.get('schema')),
      table: readName('table', given.get('table')),
    },
    ...(columns && { columns }),
    ...(filter !== undefined && { filter }),
    ...(limit !== undefined && { limit }),
    ...(endpoints !== undefined && { endpoints }),
    ...(dictionaries !== undefined && { dictionaries }),
  }
}

/**
 * The members of a JSON object that may have only these.
 *
 * @throws {GatewayError} `invalid_request` it is no object, or has another member.
 */
export function membersOf(value: unknown, known: readonly string[]): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GatewayError('invalid_request', `the request is ${shown(value)}, expected an object`)
  }
  const given = new Map<string, unknown>(Object.entries(value))
  const other = [...given.keys()].find((name) => !known.includes(name))
  if (other === undefined) return given
  throw new GatewayError(
    'invalid_request',
    `the request has the unknown member ${shown(other)}; known are ${known.join(', ')}`,
  )
}

/** @throws {GatewayError} `invalid_request` it is no name. */
export function readName(member: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= TABLE_NAME_CHARACTERS_MAX) {
    return value
  }
  throw wrong(member, value, 'a name')
}

/** @throws {GatewayError} `invalid_request` it is there, but is no integer of the range (both ends belong to it). */
export function readCount(
  member: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value
  }
  throw wrong(member, value, `an integer from ${min} to ${max}`)
}

function readFlag(member: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw wrong(member, value, 'true or false')
}

function readColumns(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length === 0 || !value.every(isText)) {
    throw wrong('columns', value, 'an array of column names, at least one')
  }
  if (value.length <= COLUMNS_MAX) return value
  throw new GatewayError('too_large', `${value.length} columns, more than ${COLUMNS_MAX}`)
}

function readFilter(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (!isText(value) || value.trim() === '') {
    throw wrong('filter', value, 'a SQL expression such as "price > 10"')
  }
  if (Buffer.byteLength(value) <= REQUEST_BYTES_MAX) return value
  throw new GatewayError('too_large', `the filter is longer than ${REQUEST_BYTES_MAX} bytes`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function wrong(member: string, value: unknown, expected: string): GatewayError {
  const found = value === undefined ? 'missing' : shown(value)
  return new GatewayError('invalid_request', `"${member}" is ${found}, expected ${expected}`)
}

/** Enough of it to be recognised. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
