import { GatewayError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { broken } from './broken-rule.ts'

/** Lambda's limit on the JSON of a synchronous request or response, in bytes: AWS's quota "6 MB", as its error text names it. */
export const payloadBytesMax = 6_291_556

/** Lambda's longest run, in milliseconds. */
const invocationTimeoutMs = 900_000

/** What a function may keep of an error: longer text is cut. */
const errorCharactersMax = 4_096

/** What a Node handler of a connector looks like from outside. */
export type ConnectorFunction = (event: object, context: InvocationContext) => Promise<unknown>

/** The part of Lambda's context that connectors use. */
export interface InvocationContext {
  readonly awsRequestId: string
  readonly functionName: string
  readonly invokedFunctionArn: string
  readonly memoryLimitInMB: string
  getRemainingTimeInMillis(): number
}

/** Invokes a connector once: a JSON event in, its JSON answer out, whatever the answer holds. */
export type Invoke = (event: object, signal: AbortSignal) => Promise<unknown>

/** What a function that failed said of itself; the cause of the error that an `Invoke` throws. */
export interface FunctionFailure {
  readonly errorType: string
  readonly errorMessage: string
}

/** What the connector said when it failed, if that is why the error was thrown. */
export function functionFailure(error: unknown): FunctionFailure | undefined {
  if (!(error instanceof GatewayError)) return undefined
  const { cause } = error
  return typeof cause === 'object' && cause !== null && 'errorType' in cause
    ? (cause as FunctionFailure)
    : undefined
}

/** Throws `cancelled` once the signal was aborted, its reason as the cause. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal)
}

function cancelled(signal: AbortSignal): GatewayError {
  return new GatewayError('cancelled', 'the query was cancelled', { cause: signal.reason })
}

export interface InProcessOptions {
  /** Default: Lambda's 900 s. */
  readonly timeoutMs?: number
  readonly functionName?: string
}

/** Invokes a handler in this process as Lambda would: only JSON crosses, sizes and time are limited. */
export function invokeInProcess(
  connector: ConnectorFunction,
  options: InProcessOptions = {},
): Invoke {
  const { timeoutMs = invocationTimeoutMs, functionName = 'connector' } = options
  return async (event, signal) => {
    const request = encodeEvent(event)
    const endMs = Date.now() + timeoutMs
    const context: InvocationContext = {
      awsRequestId: crypto.randomUUID(),
      functionName,
      invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
      memoryLimitInMB: '1024',
      getRemainingTimeInMillis: () => Math.max(0, endMs - Date.now()),
    }
    const answer = await settled(
      async () => connector(JSON.parse(request) as object, context),
      timeoutMs,
      signal,
    )
    const response = JSON.stringify(answer ?? null) ?? 'null'
    const sizeBytes = Buffer.byteLength(response)
    if (sizeBytes > payloadBytesMax) throw responseTooLarge(sizeBytes)
    return JSON.parse(response) as unknown
  }
}

/** The function's outcome, or the abort's or the clock's when one of those is first. */
async function settled(
  run: () => Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<unknown> {
  throwIfCancelled(signal)
  const done = new AbortController()
  const stopped = new Promise<never>((_, reject) => {
    const aborted = () => reject(cancelled(signal))
    signal.addEventListener('abort', aborted, { once: true, signal: done.signal })
    const timedOut = () =>
      reject(failed('Sandbox.Timedout', `task timed out after ${timeoutMs / 1000} seconds`))
    const timer = setTimeout(timedOut, timeoutMs)
    done.signal.addEventListener('abort', () => clearTimeout(timer))
  })
  try {
    return await Promise.race([run(), stopped])
  } catch (reason) {
    throwIfCancelled(signal)
    throw functionFailure(reason) === undefined ? thrown(reason) : reason
  } finally {
    done.abort()
  }
}

/** A thrown error as Lambda's Node runtime reports it. */
function thrown(reason: unknown): GatewayError {
  return reason instanceof Error
    ? failed(reason.name, reason.message)
    : failed(typeof reason, String(reason))
}

export interface HttpOptions {
  /** Used when the URL names no path. Default `function`. */
  readonly functionName?: string
  /** Default: Lambda's 900 s; Node's own client waits at most 300 s for the first byte. */
  readonly timeoutMs?: number
}

/**
 * Invokes a function by Lambda's Invoke API over plain HTTP. A URL without a path
 * gets `/2015-03-31/functions/<functionName>/invocations`.
 */
export function invokeOverHttp(url: string, options: HttpOptions = {}): Invoke {
  const target = invocationUrl(url, options.functionName ?? 'function')
  const { timeoutMs = invocationTimeoutMs } = options
  return async (event, signal) => {
    const body = encodeEvent(event)
    try {
      const response = await fetch(target, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-amz-invocation-type': 'RequestResponse',
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      return readResponse(response, await readBody(response))
    } catch (reason) {
      if (reason instanceof GatewayError) throw reason
      throwIfCancelled(signal)
      throw new GatewayError('unavailable', `no answer from the function at ${target.origin}`, {
        cause: reason,
      })
    }
  }
}

function invocationUrl(url: string, functionName: string): URL {
  const given = new URL(url)
  return given.pathname === '/'
    ? new URL(`/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`, given)
    : given
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > payloadBytesMax) throw responseTooLarge(sizeBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function readResponse(response: Response, body: string): unknown {
  if (response.status === 429)
    throw failed('TooManyRequestsException', 'the function is throttled (HTTP 429)')
  if (response.status === 413) throw requestTooLarge()
  if (response.status >= 500)
    throw new GatewayError('unavailable', `the function answers HTTP ${response.status}`)
  if (response.status !== 200)
    throw broken('answer', `the function answers HTTP ${response.status}, not 200`)
  const answer = parseJson(body)
  if (!response.headers.has('x-amz-function-error')) return answer
  const { errorType, errorMessage } = (answer ?? {}) as Partial<FunctionFailure>
  if (typeof errorMessage !== 'string')
    throw broken('answer', 'an error without errorMessage, the only thing a user of Athena sees')
  throw failed(typeof errorType === 'string' ? errorType : 'Unhandled', errorMessage)
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch (reason) {
    throw broken('answer', 'the answer is not JSON', reason)
  }
}

function encodeEvent(event: object): string {
  const request = JSON.stringify(event)
  if (Buffer.byteLength(request) > payloadBytesMax) throw requestTooLarge()
  return request
}

function requestTooLarge(): GatewayError {
  return new GatewayError(
    'too_large',
    `the request must be smaller than ${payloadBytesMax} bytes for lambda to take it; ask for fewer columns, a shorter list of values or smaller partition batches`,
  )
}

function responseTooLarge(sizeBytes: number): GatewayError {
  return failed(
    'Function.ResponseSizeTooLarge',
    `the response of ${sizeBytes} bytes exceeds lambda's limit of ${payloadBytesMax} bytes`,
  )
}

function failed(errorType: string, message: string): GatewayError {
  const errorMessage = message.slice(0, errorCharactersMax)
  const cause: FunctionFailure = { errorType, errorMessage }
  const text = `the connector failed with ${errorType}: ${errorMessage}`
  return new GatewayError(failureCode(errorType), text, { cause })
}

/** The class names that mean back-pressure in the SDK and in Lambda itself. */
const throttles =
  /(^|\.)(FederationThrottleException|ThrottlingException|TooManyRequestsException)$/

function failureCode(errorType: string): ErrorCode {
  if (throttles.test(errorType)) return 'busy'
  if (errorType === 'Runtime.ExitError') return 'unavailable'
  if (errorType === 'Sandbox.Timedout') return 'deadline_exceeded'
  return errorType === 'Function.ResponseSizeTooLarge' ? 'too_large' : 'internal'
}
