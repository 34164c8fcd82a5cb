import { decodeSchemaMessage, encodeSchemaMessage } from '../arrow/schema-message.ts'
import type { TableSource } from '../access/visible-catalog.ts'
import type { TableName } from '../catalog/table-name.ts'
import { formatTableName } from '../catalog/table-folders.ts'
import { GatewayError } from '../errors.ts'
import type { PlanPage, PlanRequest } from '../planning/plan-scan.ts'
import type { Split } from '../planning/split.ts'
import type { Frame, FrameLimits } from '../scan/frame.ts'
import { scanColumns } from '../scan/scan-columns.ts'
import type { ScanRequest } from '../scan/scan-request.ts'
import { readConstraints } from './athena-constraints.ts'
import { athenaFields, packedFields } from './athena-types.ts'
import type { FederationBackend, TablePage } from './federation-service.ts'

/** Lambda answers with at most 6 MB; a page of splits is JSON with tickets in base64. */
const PAGE_BYTES_MAX = 4_000_000
const SPLITS_MAX = 1_000
/** What the shim asks for; it holds when it names none. */
const BLOCK_BYTES_TARGET = 13_000_000
/** Athena refuses blocks above 16,000,000 bytes; the rest is for headers. */
const BLOCK_BYTES_MAX = 15_900_000
/** Narrow rows reach the byte target late; more rows than this help nobody. */
const BLOCK_ROWS_MAX = 8_000_000

export interface AthenaBackendParts {
  readonly catalog: TableSource
  plan(request: Omit<PlanRequest, 'holder'>, signal: AbortSignal): Promise<PlanPage>
  /** @throws {GatewayError} `invalid_request` the ticket is not ours, or too old. */
  openTicket(ticket: Uint8Array): Split
  scan(request: ScanRequest, signal: AbortSignal): AsyncIterable<Frame>
}

/** Athena's questions, answered by catalog, planning and scan in Athena's own types. */
export function athenaBackend(parts: AthenaBackendParts): FederationBackend {
  const { catalog } = parts
  return {
    listSchemas: (signal) => catalog.listSchemas(signal),
    listTables: async ({ schema, pageSize, pageToken }, signal) =>
      tablePage(await catalog.listTables(schema, signal), pageSize, pageToken),
    describeTable: async (name, signal) => describe(parts, name, signal),
    planSplits: async (request, signal) => {
      const { schema, table, constraintsJson, continuationToken } = request
      const { predicate, notUnderstood: notApplied } = readConstraints(constraintsJson)
      const page = await parts.plan(
        {
          table: { schema, table },
          predicate,
          notApplied,
          ...(continuationToken !== '' && { continuation: continuationToken }),
          splitsMax: limited(request.splitCountMax, SPLITS_MAX),
          pageBytesMax: limited(request.pageBytesMax, PAGE_BYTES_MAX),
        },
        signal,
      )
      const tickets = page.splits.map(({ ticket }) => ticket)
      return { tickets, continuationToken: page.continuation ?? '' }
    },
    readSplit: (request, signal) => {
      const split = parts.openTicket(request.ticket)
      assertSameTable(split, request)
      const { fields } = decodeSchemaMessage(request.arrowSchema)
      const { predicate, rowLimit, top } = readConstraints(request.constraintsJson)
      const scan: ScanRequest = {
        split,
        columns: scanColumns(packedFields(fields), split),
        predicate,
        frames: blockLimits(request.blockBytesTarget, request.blockBytesMax),
        ...(rowLimit !== undefined && { rowLimit }),
        ...(top && { top }),
      }
      return parts.scan(scan, signal)
    },
  }
}

async function describe(
  { catalog }: AthenaBackendParts,
  name: TableName,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { fields, partitionFields } = await catalog.describeTable(name, signal)
  const columns = athenaFields([...fields, ...partitionFields], formatTableName(name))
  if (columns.length === 0) {
    throw new GatewayError('unsupported', `${formatTableName(name)} has no columns at all`)
  }
  return encodeSchemaMessage({ fields: columns })
}

/** Stateless paging: names are sorted, the token is the last name of the page before. */
function tablePage(tables: readonly string[], pageSize: number, pageToken: string): TablePage {
  const rest = pageToken === '' ? tables : tables.filter((table) => table > pageToken)
  if (pageSize <= 0 || rest.length <= pageSize) return { tables: rest, nextPageToken: '' }
  const page = rest.slice(0, pageSize)
  return { tables: page, nextPageToken: page.at(-1) ?? '' }
}

/** Names are lower case in tickets, but may be asked for in any case. */
function assertSameTable({ table }: Split, asked: TableName): void {
  const isSame =
    table.schema === asked.schema.toLowerCase() && table.table === asked.table.toLowerCase()
  if (isSame) return
  throw new GatewayError(
    'invalid_request',
    `the split is of ${formatTableName(table)}, not of ${formatTableName(asked)}`,
  )
}

/** Blocks keep to what was asked; only a single row may pass it, up to what Athena takes at all. */
function blockLimits(targetBytes: number, mostBytes: number): FrameLimits {
  return {
    bodyBytesTarget: Math.min(
      limited(targetBytes, BLOCK_BYTES_TARGET),
      limited(mostBytes, BLOCK_BYTES_MAX),
    ),
    bodyBytesMax: BLOCK_BYTES_MAX,
    rowsMax: BLOCK_ROWS_MAX,
  }
}

/** What was asked for, within our own limit; 0 asks for nothing in particular. */
function limited(asked: number, most: number): number {
  return asked > 0 ? Math.min(asked, most) : most
}
