/** What the caller may do about an error: nothing, ask again later, or plan again. */
export type Retry = 'never' | 'later' | 'replan'

/** The closed list of error codes, the same word at every door, with what the caller may do. */
export const errorCodes = {
  invalid_request: 'never',
  unauthenticated: 'never',
  forbidden: 'never',
  table_not_found: 'never',
  unsupported: 'never',
  unreadable_file: 'never',
  too_large: 'never',
  object_changed: 'replan',
  busy: 'later',
  unavailable: 'later',
  deadline_exceeded: 'later',
  cancelled: 'never',
  internal: 'never',
} as const satisfies Record<string, Retry>

export type ErrorCode = keyof typeof errorCodes

export interface GatewayErrorOptions {
  readonly cause?: unknown
  /** For `busy` and `unavailable`: when to ask again, in milliseconds. */
  readonly retryAfterMs?: number
}

/**
 * The only error that crosses a room's border. The message names the object and what to do,
 * in lower case without a full stop; the cause is for the log and never crosses a door.
 */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GatewayError'
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }

  get retry(): Retry {
    return errorCodes[this.code]
  }

  /** Anything thrown, as a GatewayError; what we do not know becomes `internal`, its text kept as the cause only. */
  static from(reason: unknown): GatewayError {
    if (reason instanceof GatewayError) return reason
    if (isAbort(reason))
      return new GatewayError('cancelled', 'the request was cancelled', { cause: reason })
    return new GatewayError('internal', 'internal error', { cause: reason })
  }
}

function isAbort(reason: unknown): boolean {
  return reason instanceof Error && (reason.name === 'AbortError' || reason.name === 'TimeoutError')
}
