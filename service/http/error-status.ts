import type { ErrorCode, GatewayError } from '../errors.ts'

/** The HTTP status of every error code: the table of README.md. 499 is nginx's word for a client that left. */
export const httpStatus = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  table_not_found: 404,
  unsupported: 422,
  unreadable_file: 422,
  too_large: 413,
  object_changed: 409,
  busy: 429,
  unavailable: 503,
  deadline_exceeded: 504,
  cancelled: 499,
  internal: 500,
} as const satisfies Record<ErrorCode, number>

/** The JSON body of an error. */
export function errorBody(error: GatewayError) {
  return { error: { code: error.code, message: error.message, retry: error.retry } }
}

/** When to ask again, in whole seconds, where the error says so. */
export function retryHeaders({ retryAfterMs }: GatewayError): Record<string, string> {
  return retryAfterMs === undefined
    ? {}
    : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
}
