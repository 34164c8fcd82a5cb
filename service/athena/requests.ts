import type { OrderByJson } from './first-rows.ts'
import type { BlockJson, Serde, SplitJson, TableReference } from './responses.ts'
import type { ValueSetJson } from './value-sets.ts'

/** The caller as Athena describes it; ids that it no longer sends are `UNKNOWN`. */
export interface Identity {
  readonly account: string
  readonly arn: string
  readonly tags: Readonly<Record<string, string>>
  readonly groups: readonly string[]
  /** For example `spill_bucket` and `spill_prefix`, which then win over the connector's environment. */
  readonly configOptions: Readonly<Record<string, string>>
}

/** What all requests of one query have in common. */
export interface RequestContext {
  readonly identity: Identity
  readonly queryId: string
  readonly catalogName: string
  readonly serde: Serde
}

/** A predicate, an order and a limit as they go down; keys that a serde version does not know are left out. */
export interface Pushdown {
  readonly summary: Readonly<Record<string, ValueSetJson>>
  /** Undefined: none goes down. */
  readonly limit?: number
  readonly orderBy?: readonly OrderByJson[]
}

export interface RequestEvent {
  readonly '@type': string
  readonly [key: string]: unknown
}

/** The one request with the catalog's name before the query's id. */
export function pingRequest(context: RequestContext): RequestEvent {
  const { catalogName, queryId } = context
  return { '@type': 'PingRequest', identity: identityJson(context), catalogName, queryId }
}

export function capabilitiesRequest(context: RequestContext): RequestEvent {
  return { '@type': 'GetDataSourceCapabilitiesRequest', ...preamble(context) }
}

export function listSchemasRequest(context: RequestContext): RequestEvent {
  return { '@type': 'ListSchemasRequest', ...preamble(context) }
}

export interface TablesPage {
  readonly schemaName: string
  readonly nextToken: string | null
  /** -1: everything at once. */
  readonly pageSize: number
}

export function listTablesRequest(context: RequestContext, page: TablesPage): RequestEvent {
  const { schemaName, nextToken, pageSize } = page
  return { '@type': 'ListTablesRequest', ...preamble(context), schemaName, nextToken, pageSize }
}

export function getTableRequest(context: RequestContext, table: TableReference): RequestEvent {
  return {
    '@type': 'GetTableRequest',
    ...preamble(context),
    tableName: tableJson(table),
    ...(context.serde >= 5 && { queryPassthroughArguments: {} }),
  }
}

export interface LayoutQuestion {
  readonly table: TableReference
  readonly pushdown: Pushdown
  /** The table's schema, base64. */
  readonly schema: string
  readonly partitionColumns: readonly string[]
}

export function getTableLayoutRequest(
  context: RequestContext,
  question: LayoutQuestion,
): RequestEvent {
  return {
    '@type': 'GetTableLayoutRequest',
    ...preamble(context),
    tableName: tableJson(question.table),
    constraints: constraintsJson(context.serde, question.pushdown),
    schema: question.schema,
    partitionColumns: question.partitionColumns,
  }
}

export interface SplitsQuestion {
  readonly table: TableReference
  readonly pushdown: Pushdown
  readonly partitions: BlockJson
  readonly partitionColumns: readonly string[]
  readonly continuationToken: string | null
}

export function getSplitsRequest(context: RequestContext, question: SplitsQuestion): RequestEvent {
  return {
    '@type': 'GetSplitsRequest',
    ...preamble(context),
    tableName: tableJson(question.table),
    partitions: question.partitions,
    partitionColumns: question.partitionColumns,
    constraints: constraintsJson(context.serde, question.pushdown),
    continuationToken: question.continuationToken,
  }
}

export interface ReadQuestion {
  readonly table: TableReference
  readonly pushdown: Pushdown
  /** The columns to return, base64. */
  readonly schema: string
  readonly split: SplitJson
  readonly maxBlockBytes: number
  readonly maxInlineBytes: number
}

/** The two sizes are decimal strings on the wire. */
export function readRecordsRequest(context: RequestContext, question: ReadQuestion): RequestEvent {
  return {
    '@type': 'ReadRecordsRequest',
    ...preamble(context),
    tableName: tableJson(question.table),
    schema: question.schema,
    split: splitJson(question.split),
    constraints: constraintsJson(context.serde, question.pushdown),
    maxBlockSize: String(question.maxBlockBytes),
    maxInlineBlockSize: String(question.maxInlineBytes),
  }
}

function preamble(context: RequestContext) {
  const { queryId, catalogName } = context
  return { identity: identityJson(context), queryId, catalogName }
}

function identityJson({ identity }: RequestContext) {
  return {
    id: 'UNKNOWN',
    principal: 'UNKNOWN',
    account: identity.account,
    arn: identity.arn,
    tags: identity.tags,
    groups: identity.groups,
    configOptions: identity.configOptions,
  }
}

function tableJson({ schemaName, tableName }: TableReference) {
  return { schemaName, tableName }
}

function constraintsJson(serde: Serde, { summary, limit, orderBy = [] }: Pushdown) {
  return {
    summary,
    ...(serde >= 4 && { expression: [], orderByClause: orderBy, limit: limit ?? -1 }),
    ...(serde >= 5 && { queryPassthroughArguments: {} }),
    ...(serde >= 6 && { queryPlan: null }),
  }
}

/** A split goes back as it came. */
function splitJson({ spillLocation, encryptionKey, properties }: SplitJson) {
  return {
    spillLocation: spillLocation && {
      '@type': 'S3SpillLocation',
      bucket: spillLocation.bucket,
      key: spillLocation.key,
      directory: spillLocation.directory,
    },
    encryptionKey: encryptionKey && { key: encryptionKey.key, nonce: encryptionKey.nonce },
    properties,
  }
}
