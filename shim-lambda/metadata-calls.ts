import type { MessageInitShape } from '@bufbuild/protobuf'
import { Federation, type CallContextSchema } from '../proto/gen/spillway/v1/federation_pb.ts'
import { onePartition } from './athena-blocks.ts'
import {
  capabilitiesResponse,
  getTableLayoutResponse,
  getTableResponse,
  listSchemasResponse,
  listTablesResponse,
  pingResponse,
  readTableName,
  type Request,
  type Response,
} from './athena-messages.ts'
import { ConnectorError } from './errors.ts'
import { optionalObjectOf, optionalTextOf, textOf, wholeNumberOf } from './json-fields.ts'
import type { Invocation } from './shim.ts'

/** Serde 6 would only add Substrait plans, which an engine may then send instead of value sets. */
const serDeVersion = 5
/** The constant of every SDK since 2020. */
const capabilities = 24
const sourceType = 'spillway'

/** Answered alone: a connector can be registered before its gateway runs. */
export async function ping({ catalogName, queryId }: Request): Promise<Response> {
  return pingResponse({ catalogName, queryId, sourceType, capabilities, serDeVersion })
}

export async function getCapabilities(request: Request, call: Invocation): Promise<Response> {
  const answer = await call
    .shim()
    .gateway.call(
      Federation.method.getCapabilities,
      { context: contextOf(request) },
      call.deadline,
      call.signal,
    )
  const offered = new Map(
    answer.capabilities.map(({ name, optimizations }) => [name, optimizations]),
  )
  return capabilitiesResponse(request.catalogName, offered)
}

export async function listSchemas(request: Request, call: Invocation): Promise<Response> {
  const { schemas } = await call
    .shim()
    .gateway.call(
      Federation.method.listSchemas,
      { context: contextOf(request) },
      call.deadline,
      call.signal,
    )
  return listSchemasResponse(request.catalogName, schemas)
}

/** Athena's page size of all tables. */
const pageSizeAll = -1
const pageSizeMax = 0x7fff_ffff

export async function listTables(request: Request, call: Invocation): Promise<Response> {
  const schemaName = textOf(request.fields, 'schemaName')
  const pageSize = wholeNumberOf(request.fields, 'pageSize', pageSizeAll)
  if (pageSize < pageSizeAll || pageSize > pageSizeMax)
    throw new ConnectorError(
      'invalid_request',
      `ListTablesRequest.pageSize is ${pageSize}, expected -1 or more`,
    )
  const pageToken = optionalTextOf(request.fields, 'nextToken') ?? ''
  const page = await call
    .shim()
    .gateway.call(
      Federation.method.listTables,
      { context: contextOf(request), schema: schemaName, pageSize, pageToken },
      call.deadline,
      call.signal,
    )
  const tables = page.tables.map((tableName) => ({ schemaName, tableName }))
  return listTablesResponse(tables, request.catalogName, page.nextPageToken || null)
}

export async function getTable(request: Request, call: Invocation): Promise<Response> {
  const tableName = readTableName(request)
  const passthrough = optionalObjectOf(request.fields, 'queryPassthroughArguments')
  if (passthrough !== null && Object.keys(passthrough.values).length > 0)
    throw new ConnectorError('unsupported', 'query passthrough: select from the table instead')
  const { arrowSchema } = await call.shim().gateway.call(
    Federation.method.describeTable,
    {
      context: contextOf(request),
      schema: tableName.schemaName,
      table: tableName.tableName,
    },
    call.deadline,
    call.signal,
  )
  const schema = Buffer.from(arrowSchema).toString('base64')
  return getTableResponse(request.catalogName, tableName, schema)
}

/** One dummy partition for every table, without asking the gateway. */
export async function getTableLayout(request: Request): Promise<Response> {
  return getTableLayoutResponse(request.catalogName, readTableName(request), onePartition)
}

/** Who asks, as the gateway's receipts and logs name it. */
export function contextOf(request: Request): MessageInitShape<typeof CallContextSchema> {
  return {
    queryId: request.queryId,
    catalog: request.catalogName,
    principal: request.principal,
    account: request.account,
  }
}
