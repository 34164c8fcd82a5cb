import { Schema } from 'apache-arrow'
import { decodeBlock, decodeSchema, encodeBlock } from './arrow-blocks.ts'
import type { Block } from './arrow-blocks.ts'
import { broken } from './broken-rule.ts'
import {
  capabilitiesRequest,
  getSplitsRequest,
  getTableLayoutRequest,
  getTableRequest,
  listSchemasRequest,
  listTablesRequest,
  pingRequest,
} from './requests.ts'
import type { LayoutQuestion, SplitsQuestion } from './requests.ts'
import {
  readCapabilities,
  readGetSplits,
  readGetTable,
  readGetTableLayout,
  readListSchemas,
  readListTables,
  readPing,
} from './responses.ts'
import type {
  BlockJson,
  CapabilityKind,
  PingResponse,
  SplitJson,
  TableReference,
} from './responses.ts'
import { cellReader } from './rows.ts'
import { assertEcho, assertTableEcho } from './session.ts'
import type { Session } from './session.ts'
import { assertKey } from './spilled-blocks.ts'
import { assertProjection, assertReachable, assertUnique, checkColumns } from './supported-types.ts'
import type { ColumnFilter } from './where.ts'

/** Pages of one listing before it counts as endless. */
const pagesMax = 100_000

/** A table as GetTable describes it. */
export interface Table {
  readonly name: TableReference
  readonly schema: Schema
  /** The schema's own base64, to be sent back unchanged. */
  readonly schemaBase64: string
  readonly partitionColumns: readonly string[]
}

export type Capabilities = ReadonlyMap<string, readonly CapabilityKind[]>

/** The first call to any function: which version of the protocol it speaks. */
export async function ping(session: Session, signal: AbortSignal): Promise<PingResponse> {
  const { context } = session
  const answer = await session.ask(pingRequest(context), readPing, signal)
  assertEcho('queryId', context.queryId, answer.queryId)
  const { serDeVersion } = answer
  if (serDeVersion < 2 || serDeVersion > 6)
    throw broken(
      'serde_version',
      `serDeVersion is ${serDeVersion} (absent means 1), must be 2 to 6`,
    )
  if (answer.capabilities !== 23 && answer.capabilities !== 24)
    session.warn(
      `ping announces capabilities ${answer.capabilities}; only 23 and 24 were ever sent`,
    )
  return answer
}

const knownCapabilities: Readonly<Record<string, readonly string[]>> = {
  supports_limit_pushdown: ['integer_constant'],
  supports_top_n_pushdown: ['SUPPORTS_ORDER_BY'],
  supports_filter_pushdown: [
    'sorted_range_set',
    'equatable_range_set',
    'all_or_none_value_set',
    'nullable_comparison',
  ],
  supports_complex_expression_pushdown: ['supported_function_expression_types'],
  data_source_hints: ['non_default_collate'],
}

/** What may be pushed down; nothing before serde 4, which does not know the call. */
export async function capabilities(session: Session, signal: AbortSignal): Promise<Capabilities> {
  if (session.context.serde < 4) return new Map()
  const event = capabilitiesRequest(session.context)
  const answer = await session.ask(event, readCapabilities, signal)
  for (const [name, kinds] of answer.capabilities) assertCapability(name, kinds)
  return answer.capabilities
}

function assertCapability(name: string, kinds: readonly CapabilityKind[]): void {
  const known = Object.hasOwn(knownCapabilities, name) ? knownCapabilities[name] : undefined
  // Names with a dot are table functions of the connector's own.
  if (known === undefined && !name.includes('.'))
    throw broken('capabilities', `unknown capability ${name}`)
  for (const { subType, properties } of kinds) {
    if (known?.includes(subType) === false)
      throw broken('capabilities', `${name} has no subType ${subType}; known: ${known.join(', ')}`)
    if (subType === 'supported_function_expression_types' && properties.length === 0)
      throw broken('capabilities', `${name} must list at least one function`)
  }
}

export async function listSchemas(
  session: Session,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const event = listSchemasRequest(session.context)
  const { schemas } = await session.ask(event, readListSchemas, signal)
  for (const schema of schemas) assertReachable('schema', schema)
  assertUnique('schema', schemas)
  return schemas
}

/** All tables, page by page; a page size of -1 asks for everything at once. */
export async function listTables(
  session: Session,
  schemaName: string,
  pageSize: number,
  signal: AbortSignal,
): Promise<string[]> {
  const tables: string[] = []
  await followTokens('nextToken', async (nextToken) => {
    const event = listTablesRequest(session.context, { schemaName, nextToken, pageSize })
    const answer = await session.ask(event, readListTables, signal)
    if (pageSize >= 0 && answer.tables.length > pageSize)
      throw broken('paging', `${answer.tables.length} tables in a page of at most ${pageSize}`)
    for (const table of answer.tables) {
      assertEcho('schemaName', schemaName, table.schemaName)
      assertReachable('table', table.tableName)
      tables.push(table.tableName)
    }
    if (pageSize < 0 && answer.nextToken !== null)
      throw broken('paging', `nextToken "${answer.nextToken}" although everything was asked for`)
    return answer.nextToken
  })
  assertUnique('table', tables)
  return tables
}

/** Asks again with each answer's token until there is none; a token that was seen before would never end. */
async function followTokens(
  what: string,
  page: (token: string | null) => Promise<string | null>,
): Promise<number> {
  const seen = new Set<string>()
  let token: string | null = null
  do {
    token = await page(token)
    if (token !== null && seen.has(token))
      throw broken('paging', `${what} "${token}" came before: paging would never end`)
    if (token !== null) seen.add(token)
  } while (token !== null && seen.size < pagesMax)
  if (token !== null) throw broken('paging', `still more after ${pagesMax} pages`)
  return seen.size + 1
}

export async function getTable(
  session: Session,
  name: TableReference,
  signal: AbortSignal,
): Promise<Table> {
  const event = getTableRequest(session.context, name)
  const answer = await session.ask(event, readGetTable, signal)
  assertTableEcho(name, answer.tableName)
  const schema = decodeSchema(answer.schema, `the schema of table ${name.tableName}`)
  for (const warning of checkColumns(schema, answer.partitionColumns)) session.warn(warning)
  const { schema: schemaBase64, partitionColumns } = answer
  return { name, schema, schemaBase64, partitionColumns }
}

/** The partitions to read, one row each, in batches for GetSplits. */
export interface Layout {
  readonly partitionCount: number
  readonly batches: readonly BlockJson[]
}

export interface LayoutRequest extends LayoutQuestion {
  readonly tableSchema: Schema
  readonly filters: readonly ColumnFilter[]
  /** Partitions in one GetSplits request. */
  readonly batchRows: number
}

/** Asks for the partitions and drops those that the filters on partition columns rule out, as the engine does. */
export async function getTableLayout(
  session: Session,
  question: LayoutRequest,
  signal: AbortSignal,
): Promise<Layout> {
  const event = getTableLayoutRequest(session.context, question)
  const answer = await session.ask(event, readGetTableLayout, signal)
  assertTableEcho(question.table, answer.tableName)
  const block = decodeBlock(answer.partitions, 'the partitions block')
  assertPartitionColumns(question, block.schema)
  const pruning = question.filters.filter(({ column }) =>
    question.partitionColumns.includes(column),
  )
  const kept = keptRows(block, pruning)
  const untouched = kept.length === block.rowCount && kept.length <= question.batchRows
  if (untouched)
    return { partitionCount: kept.length, batches: kept.length > 0 ? [answer.partitions] : [] }
  return {
    partitionCount: kept.length,
    batches: rowBatches(block, kept, question.batchRows).map((rows) =>
      encodeBlock(block.schema, rows, session.framing),
    ),
  }
}

function assertPartitionColumns(question: LayoutRequest, found: Schema): void {
  for (const column of question.partitionColumns) {
    const wanted = question.tableSchema.fields.find(({ name }) => name === column)
    const field = found.fields.find(({ name }) => name === column)
    if (wanted === undefined || field === undefined)
      throw broken('partition_columns', `the partitions block lacks partition column ${column}`)
    assertProjection(new Schema([wanted]), new Schema([field]), 'the partitions block')
  }
}

function keptRows(block: Block, filters: readonly ColumnFilter[]): number[] {
  const tests = filters.flatMap(({ column, matches }) => {
    const data = block.columns[block.schema.fields.findIndex((field) => field.name === column)]
    return data === undefined ? [] : [{ cell: cellReader(data), matches }]
  })
  const rows = Array.from({ length: block.rowCount }, (_, row) => row)
  return rows.filter((row) => tests.every(({ cell, matches }) => matches(cell(row))))
}

function rowBatches(block: Block, kept: readonly number[], batchRows: number) {
  const cells = block.columns.map(cellReader)
  const rows = kept.map((row) => cells.map((cell) => cell(row)))
  const batchCount = Math.ceil(rows.length / batchRows)
  return Array.from({ length: batchCount }, (_, index) =>
    rows.slice(index * batchRows, (index + 1) * batchRows),
  )
}

export interface Splits {
  readonly splits: readonly SplitJson[]
  readonly pageCount: number
}

/** All splits of one batch of partitions. `seen` gathers spill locations over all batches: none may come twice. */
export async function getSplits(
  session: Session,
  question: Omit<SplitsQuestion, 'continuationToken'>,
  seen: Set<string>,
  signal: AbortSignal,
): Promise<Splits> {
  const splits: SplitJson[] = []
  const pageCount = await followTokens('continuationToken', async (continuationToken) => {
    const event = getSplitsRequest(session.context, { ...question, continuationToken })
    const answer = await session.ask(event, readGetSplits, signal)
    for (const split of answer.splits) assertSplit(session, split, seen)
    splits.push(...answer.splits)
    return answer.continuationToken
  })
  return { splits, pageCount }
}

/** Equal splits collapse into one in the engine, and two with one spill location overwrite each other. */
function assertSplit(session: Session, split: SplitJson, seen: Set<string>): void {
  const location = split.spillLocation
  const identity = location === null ? JSON.stringify(split) : `${location.bucket}/${location.key}`
  if (seen.has(identity)) throw broken('splits', `two splits are or spill to ${identity}`)
  seen.add(identity)
  if (location !== null && (location.bucket === '' || location.key === ''))
    throw broken('splits', "a split's spillLocation lacks bucket or key")
  if (location?.directory === false)
    session.warn("a split's spillLocation has directory:false; the reference writes true")
  if (split.encryptionKey !== null) assertKey(split.encryptionKey)
}
