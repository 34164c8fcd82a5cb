import { readRequest, responseBytesMax, type Request } from './athena-messages.ts'
import type { Environment } from './config.ts'
import { ConnectorError, oneLine } from './errors.ts'
import { getSplits } from './get-splits.ts'
import { fieldsOf, valueOf } from './json-fields.ts'
import {
  getCapabilities,
  getTable,
  getTableLayout,
  listSchemas,
  listTables,
  ping,
} from './metadata-calls.ts'
import { readRecords } from './read-records.ts'
import { openShim, type Answer, type Invocation, type Shim } from './shim.ts'

/** What we use of Lambda's context; absent in a test event of the console's own making. */
export interface LambdaContext {
  readonly awsRequestId?: string
  getRemainingTimeInMillis?(): number
}

export type Handler = (event: unknown, context?: LambdaContext) => Promise<Answer['response']>

/** Lambda's own limit for requests and responses of a synchronous call. */
const eventBytesMax = 6_291_556
/** Lambda's longest run. */
const runMsMax = 900_000
/** Left for the error to reach Athena when the time is up. */
const deadlineMarginMs = 1_500

type Call = (request: Request, invocation: Invocation) => Promise<Answer>

/** The closed list of what Athena may ask. A Map: `__proto__` and `constructor` are no keys of it. */
const calls: ReadonlyMap<string, Call> = new Map([
  ['PingRequest', metadata(ping)],
  ['GetDataSourceCapabilitiesRequest', metadata(getCapabilities)],
  ['ListSchemasRequest', metadata(listSchemas)],
  ['ListTablesRequest', metadata(listTables)],
  ['GetTableRequest', metadata(getTable)],
  ['GetTableLayoutRequest', metadata(getTableLayout)],
  ['GetSplitsRequest', metadata(getSplits)],
  ['ReadRecordsRequest', readRecords],
])

export interface HandlerOptions {
  /** Settings; by default the process's own. */
  readonly environment?: Environment
  /** Takes one line of the log, without its end. */
  readonly log?: (line: string) => void
}

/** A connector function. It opens its connections at the first call that needs them and keeps them. */
export function createHandler(options: HandlerOptions = {}): Handler & { close(): void } {
  const log = options.log ?? ((line: string) => void process.stdout.write(`${line}\n`))
  let shim: Shim | null = null
  const open = (): Shim => (shim ??= openShim(options.environment))

  async function handle(event: unknown, context: LambdaContext = {}): Promise<Answer['response']> {
    const startedAtMs = performance.now()
    const record: Record<string, unknown> = { requestId: context.awsRequestId }
    try {
      const { type, call } = dispatch(event)
      record['type'] = type
      const request = readRequest(event, type)
      record['queryId'] = oneLine(request.queryId, 128)
      const answer = await call(request, invocationOf(open, context))
      Object.assign(record, tallyOf(answer))
      return answer.response
    } catch (reason) {
      const failure = ConnectorError.from(reason)
      Object.assign(record, { error: failure.message, cause: causeOf(failure) })
      throw withRequestId(failure, context.awsRequestId)
    } finally {
      log(JSON.stringify({ ...record, ms: Math.round(performance.now() - startedAtMs) }))
    }
  }

  return Object.assign(handle, {
    close(): void {
      shim?.gateway.close()
      shim = null
    },
  })
}

/** The function that Lambda calls: resolves to the object whose `JSON.stringify` is Athena's wire form. */
export const handler: Handler = createHandler()

function metadata(
  call: (request: Request, invocation: Invocation) => Promise<Answer['response']>,
): Call {
  return async (request, invocation) => {
    const response = await call(request, invocation)
    return { response, rowCount: 0, blockBytes: 0, spilledCount: 0 }
  }
}

function dispatch(event: unknown): { readonly type: string; readonly call: Call } {
  checkEventSize(event)
  const type = valueOf(fieldsOf(event, 'the event'), '@type')
  const call = typeof type === 'string' ? calls.get(type) : undefined
  if (typeof type === 'string' && call !== undefined) return { type, call }
  const found = typeof type === 'string' ? `"${oneLine(type, 64)}"` : 'missing or not a string'
  throw new ConnectorError(
    'invalid_request',
    `the event's @type is ${found}, expected one of ${[...calls.keys()].join(', ')}`,
  )
}

function checkEventSize(event: unknown): void {
  let bytes: number
  try {
    bytes = Buffer.byteLength(JSON.stringify(event) ?? '')
  } catch (cause) {
    throw new ConnectorError('invalid_request', 'the event is not JSON', { cause })
  }
  if (bytes > eventBytesMax)
    throw new ConnectorError(
      'too_large',
      `the event has ${bytes} bytes, Lambda carries at most ${eventBytesMax}: ask with fewer values in the WHERE clause`,
    )
}

function invocationOf(shim: () => Shim, context: LambdaContext): Invocation {
  const leftMs = context.getRemainingTimeInMillis?.() ?? runMsMax
  const usableMs = Math.min(runMsMax, Math.max(1, Math.floor(leftMs - deadlineMarginMs)))
  return {
    shim,
    deadline: new Date(Date.now() + usableMs),
    signal: AbortSignal.timeout(usableMs),
  }
}

/** Checks that Lambda can carry the answer, and says what the log tells of it. */
function tallyOf({ response, rowCount, blockBytes, spilledCount }: Answer): object {
  const responseBytes = Buffer.byteLength(JSON.stringify(response))
  if (responseBytes > responseBytesMax)
    throw new ConnectorError(
      'too_large',
      `the ${response['@type']} has ${responseBytes} bytes, Lambda carries about 6 MB`,
    )
  return { responseBytes, rows: rowCount, bytes: blockBytes, spilled: spilledCount }
}

function causeOf({ cause }: ConnectorError): string | undefined {
  if (cause === undefined) return undefined
  return oneLine(cause instanceof Error ? (cause.stack ?? cause.message) : typeof cause)
}

/** The request id leads from Athena's error text to the log line. */
function withRequestId(failure: ConnectorError, requestId: string | undefined): ConnectorError {
  if (requestId === undefined) return failure
  return new ConnectorError(failure.code, `${failure.text} (request ${oneLine(requestId, 64)})`)
}
