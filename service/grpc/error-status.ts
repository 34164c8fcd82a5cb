import { Metadata, status } from '@grpc/grpc-js'
import type { ErrorCode, GatewayError } from '../errors.ts'

/** The gRPC status of every error code: the table of README.md. */
export const grpcStatus = {
  invalid_request: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  table_not_found: status.NOT_FOUND,
  unsupported: status.UNIMPLEMENTED,
  unreadable_file: status.DATA_LOSS,
  too_large: status.OUT_OF_RANGE,
  object_changed: status.ABORTED,
  busy: status.UNAVAILABLE,
  unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
} as const satisfies Record<ErrorCode, status>

export interface StatusAnswer {
  readonly code: status
  readonly details: string
  readonly metadata: Metadata
}

/** Clients take 8 KiB of trailers at least; a character that is not ASCII is written as up to nine. */
const DETAILS_CHARACTERS_MAX = 800

/** An error as gRPC says it: `code: message` in the status, the code alone in the trailer `spillway-code`. */
export function statusOf(error: GatewayError): StatusAnswer {
  const metadata = new Metadata()
  metadata.set('spillway-code', error.code)
  if (error.retryAfterMs !== undefined) {
    metadata.set('retry-after', String(Math.ceil(error.retryAfterMs / 1000)))
  }
  const details = `${error.code}: ${error.message}`
  const isShort = details.length <= DETAILS_CHARACTERS_MAX
  return {
    code: grpcStatus[error.code],
    details: isShort ? details : `${details.slice(0, DETAILS_CHARACTERS_MAX - 1)}…`,
    metadata,
  }
}
