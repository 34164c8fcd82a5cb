import type { TableRequest } from '../query/table-request.ts'
import { readTableRequest } from '../query/table-request.ts'

/** The query of `GET /v1/read`; one that stands several times is an array. */
export type ReadParameters = Readonly<Record<string, string | readonly string[]>>

/**
 * A request from a link: `columns=a,b`, or `column=a&column=b` where names have commas.
 *
 * @throws {GatewayError} `invalid_request` as {@link readTableRequest}.
 */
export function requestOfParameters(parameters: ReadParameters): TableRequest {
  const { columns, column, limit, dictionaries, ...others } = parameters
  const names = [...listOf(columns).flatMap((text) => text.split(',')), ...listOf(column)]
  return readTableRequest({
    ...Object.fromEntries(Object.entries(others).filter(([name]) => name !== 'format')),
    ...(names.length > 0 && { columns: names }),
    ...(limit !== undefined && { limit: countOf(limit) }),
    ...(dictionaries !== undefined && { dictionaries: flagOf(dictionaries) }),
  })
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/** What is no flag is left for the request to refuse. */
function flagOf(value: string | readonly string[]): unknown {
  return value === 'true' ? true : value === 'false' ? false : value
}

/** What is no number is left for the request to refuse. */
function countOf(value: string | readonly string[]): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}
