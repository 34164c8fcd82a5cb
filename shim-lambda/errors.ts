/** The closed list of error codes, the same words as at the gateway's own doors (README.md, Errors). */
export const errorCodes = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'table_not_found',
  'unsupported',
  'unreadable_file',
  'too_large',
  'object_changed',
  'busy',
  'unavailable',
  'deadline_exceeded',
  'cancelled',
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** Lambda reports `error.name` as errorType; this one makes Athena print our errors like any connector's. */
const athenaErrorName = 'com.amazonaws.athena.connector.lambda.exceptions.AthenaConnectorException'

/** Athena shows one line to the analyst; longer texts are cut here. */
const textLengthMax = 1_000

export interface ConnectorErrorOptions {
  readonly cause?: unknown
}

/**
 * The only error the handler throws. The message is one line, `code: text`; the text names the object
 * and what to do. The cause is for the log and never leaves the function.
 */
export class ConnectorError extends Error {
  readonly code: ErrorCode
  /** The message without its code. */
  readonly text: string

  constructor(code: ErrorCode, text: string, options: ConnectorErrorOptions = {}) {
    const line = oneLine(text)
    super(`${code}: ${line}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = athenaErrorName
    this.code = code
    this.text = line
  }

  /** Anything thrown, as a ConnectorError; what we do not know becomes `internal`, its text kept as the cause only. */
  static from(reason: unknown): ConnectorError {
    if (reason instanceof ConnectorError) return reason
    if (reason instanceof Error && reason.name === 'TimeoutError')
      return new ConnectorError(
        'deadline_exceeded',
        'the function ran out of time; give it a longer timeout or more memory',
        { cause: reason },
      )
    return new ConnectorError(
      'internal',
      "the connector failed; the function's log has the cause",
      {
        cause: reason,
      },
    )
  }
}

/** A gRPC status with its details and the trailer `spillway-code`, as a ConnectorError. */
export function errorOfStatus(
  status: { readonly code: number; readonly details: string; readonly trailerCode: string | null },
  gatewayAddress: string,
  cause: unknown,
): ConnectorError {
  const code = errorCodes.find((known) => known === status.trailerCode)
  if (code !== undefined)
    return new ConnectorError(code, withoutCode(code, status.details), { cause })
  const guess = codeOfStatus.get(status.code) ?? 'internal'
  return new ConnectorError(
    guess,
    `gateway ${gatewayAddress}: ${withoutCode(guess, status.details)}`,
    { cause },
  )
}

/** What a status means when nobody at the gateway said more: the connection or a proxy made it. */
const codeOfStatus: ReadonlyMap<number, ErrorCode> = new Map([
  [1, 'cancelled'],
  [3, 'invalid_request'],
  [4, 'deadline_exceeded'],
  [5, 'table_not_found'],
  [7, 'forbidden'],
  [8, 'too_large'],
  [10, 'object_changed'],
  [11, 'too_large'],
  [12, 'unsupported'],
  [14, 'unavailable'],
  [15, 'unreadable_file'],
  [16, 'unauthenticated'],
])

function withoutCode(code: ErrorCode, details: string): string {
  return details.startsWith(`${code}: `) ? details.slice(code.length + 2) : details
}

/** Text fit for one line of a log or an error: control characters become spaces, the rest is cut. */
export function oneLine(text: string, lengthMax: number = textLengthMax): string {
  const line = text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax)}…`
}
