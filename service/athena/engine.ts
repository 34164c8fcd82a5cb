import { randomUUID } from 'node:crypto'
import type { Invoke } from './invoke.ts'
import { capabilities, getTable, listSchemas, listTables, ping } from './metadata.ts'
import type { Capabilities, Table } from './metadata.ts'
import { startQuery } from './query.ts'
import type { QueryLimits, QueryRequest, QueryResult } from './query.ts'
import type { Identity } from './requests.ts'
import type { PingResponse, Serde } from './responses.ts'
import { defaultRetry, startSession } from './session.ts'
import type { RetryPolicy, Session } from './session.ts'
import type { SpillReader } from './spilled-blocks.ts'

export interface AthenaOptions {
  /** The connector: `invokeInProcess(handler)` or `invokeOverHttp(url)`. */
  readonly invoke: Invoke
  /** Where spilled blocks are fetched from: `s3SpillReader(…)`. */
  readonly spills: SpillReader
  /** The data catalog's name. Default `minio`. */
  readonly catalog?: string
  /** Parts of the caller's identity, over those of a made-up analyst. */
  readonly identity?: Partial<Identity>
  /** Version of the protocol to speak. Default: the one that ping announces. */
  readonly serde?: Serde
  readonly limits?: Partial<QueryLimits>
  readonly retry?: RetryPolicy
}

/**
 * Plays Amazon Athena's engine against any connector: same calls in the same order, same limits, same checks.
 * Where the connector breaks the protocol the error's `brokenRule` tells which rule;
 * where it failed, `functionFailure` tells what it said.
 */
export interface Athena {
  ping(signal: AbortSignal): Promise<PingResponse>
  capabilities(signal: AbortSignal): Promise<Capabilities>
  listSchemas(signal: AbortSignal): Promise<readonly string[]>
  /** All tables of a schema; with a page size, fetched in pages of that many. */
  listTables(
    request: { readonly schema: string; readonly pageSize?: number },
    signal: AbortSignal,
  ): Promise<readonly string[]>
  getTable(
    request: { readonly schema: string; readonly table: string },
    signal: AbortSignal,
  ): Promise<Table>
  query(request: QueryRequest, signal: AbortSignal): Promise<QueryResult>
}

/**
 * What Athena was seen to send: blocks of 16,000,000 bytes; 5 MiB inline is the value of the SDK's own validator.
 * How many splits Athena reads at once is not published; four keep two cores busy.
 */
export const defaultLimits: QueryLimits = {
  maxInlineBytes: 5_242_880,
  maxBlockBytes: 16_000_000,
  parallel: 4,
  partitionBatchRows: 1000,
}

const analyst: Identity = {
  account: '000000000000',
  arn: 'arn:aws:sts::000000000000:assumed-role/athena-in-a-box/analyst',
  tags: {},
  groups: [],
  configOptions: {},
}

/** An engine for one connector. It holds nothing open: `close` the spill reader when done. */
export function athena(options: AthenaOptions): Athena {
  const { invoke, spills, retry = defaultRetry } = options
  const limits = { ...defaultLimits, ...options.limits }
  const identity = { ...analyst, ...options.identity }
  const start = (): Session =>
    startSession({
      invoke,
      retry,
      // Ping looks the same in every version.
      context: {
        identity,
        queryId: randomUUID(),
        catalogName: options.catalog ?? 'minio',
        serde: options.serde ?? 6,
      },
    })
  /** Every query begins with a ping, and speaks what that announces. */
  const open = async (signal: AbortSignal): Promise<Session> => {
    const session = start()
    const { serDeVersion } = await ping(session, signal)
    session.speak(options.serde ?? (serDeVersion as Serde))
    return session
  }
  return {
    ping: (signal) => ping(start(), signal),
    capabilities: async (signal) => capabilities(await open(signal), signal),
    listSchemas: async (signal) => listSchemas(await open(signal), signal),
    listTables: async ({ schema, pageSize = -1 }, signal) =>
      listTables(await open(signal), schema, pageSize, signal),
    getTable: async ({ schema, table }, signal) =>
      getTable(await open(signal), { schemaName: schema, tableName: table }, signal),
    query: async (request, signal) =>
      startQuery({ session: await open(signal), spills, limits }, request, signal),
  }
}
