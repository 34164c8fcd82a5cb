import { inspect } from 'node:util'
import { type ErrorCode, GatewayError } from '../errors.ts'

/** An error on its way between threads, where classes do not survive. */
export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterMs?: number
  /** The cause, for the log. */
  readonly cause?: string
}

export function toPlainError(reason: unknown): PlainError {
  const { code, message, retryAfterMs, cause } = GatewayError.from(reason)
  return {
    code,
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause: inspect(cause) }),
  }
}

export function fromPlainError(plain: PlainError): GatewayError {
  const { code, message, retryAfterMs, cause } = plain
  return new GatewayError(code, message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  })
}
