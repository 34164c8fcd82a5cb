import { Schema } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import { encodeSchema } from './arrow-messages.ts'
import { nameChildren } from './column-data.ts'
import { assertOrder, firstRows, orderByJson } from './first-rows.ts'
import type { RowOrder } from './first-rows.ts'
import { capabilities, getSplits, getTable, getTableLayout } from './metadata.ts'
import type { Capabilities, Table } from './metadata.ts'
import type { Pushdown, ReadQuestion } from './requests.ts'
import type { SplitJson } from './responses.ts'
import { cellReader } from './rows.ts'
import type { Value } from './rows.ts'
import type { Session } from './session.ts'
import type { SpillReader } from './spilled-blocks.ts'
import { readSplit } from './split-reader.ts'
import type { SplitBlock, SplitBlocks } from './split-reader.ts'
import { statistics } from './statistics.ts'
import type { Counters, Statistics } from './statistics.ts'
import { athenaType } from './supported-types.ts'
import { summaryJson } from './value-sets.ts'
import { columnFilters } from './where.ts'
import type { ColumnFilter, Where } from './where.ts'

/** Splits of one query: what a plan may grow to before it is refused. */
const splitsMax = 1_000_000

/** `SELECT columns FROM schema.table WHERE … ORDER BY … LIMIT …`. */
export interface QueryRequest {
  readonly schema: string
  readonly table: string
  /** In this order; default all. None at all asks for rows without columns, as `count(*)` does. */
  readonly columns?: readonly string[]
  readonly where?: Where
  /** Only with a limit; rows come in this order then. */
  readonly orderBy?: readonly RowOrder[]
  readonly limit?: number
  /** Called after each step of the plan and each block, with numbers so far. */
  readonly onProgress?: (statistics: Statistics) => void
}

export interface ResultColumn {
  readonly name: string
  readonly type: DataType
  /** As DESCRIBE shows it, for example `decimal(12,2)`. */
  readonly athenaType: string
}

/** Some rows of the result, in columns underneath. */
export interface RowBatch {
  readonly rowCount: number
  /** One value per column of the result. */
  row(index: number): Value[]
}

/** A query whose splits are planned. Rows are read as they are asked for, once. */
export interface QueryResult {
  readonly queryId: string
  readonly columns: readonly ResultColumn[]
  readonly warnings: readonly string[]
  /** Numbers so far; final when the rows have ended. */
  readonly statistics: Statistics
  /** Rows in split order, unless another is asked for. Leaving early stops reading. */
  batches(): AsyncGenerator<RowBatch, void, undefined>
  rows(): AsyncGenerator<Value[], void, undefined>
}

/** Sizes in bytes as they are sent to the connector, and how much happens at once. */
export interface QueryLimits {
  readonly maxInlineBytes: number
  readonly maxBlockBytes: number
  /** ReadRecords invocations in flight. */
  readonly parallel: number
  readonly partitionBatchRows: number
}

interface Plan {
  readonly table: Table
  readonly output: Schema
  /** What is asked for: the output, then columns that only filters and order need. */
  readonly projection: Schema
  readonly order: readonly RowOrder[]
  readonly filters: readonly ColumnFilter[]
  readonly pushdown: Pushdown
}

/** Plans the query: capabilities, table, layout and all splits. The signal also ends the reading. */
export async function startQuery(
  environment: {
    readonly session: Session
    readonly spills: SpillReader
    readonly limits: QueryLimits
  },
  request: QueryRequest,
  signal: AbortSignal,
): Promise<QueryResult> {
  const { session, limits } = environment
  const counted = statistics(session)
  const progress = () => request.onProgress?.(counted.now())
  const known = await capabilities(session, signal)
  const name = { schemaName: request.schema, tableName: request.table }
  const table = await getTable(session, name, signal)
  progress()
  const plan = planQuery(session, table, known, request)
  const splits = await planSplits(session, plan, limits, signal)
  counted.splits(splits.splits.length, splits.pageCount, splits.partitionCount)
  progress()

  const isSorted = plan.order.length > 0
  const stop = new AbortController()
  const reading = AbortSignal.any([signal, stop.signal])
  const question = readQuestion(session, plan, limits)
  const ask = async (split: SplitJson) => {
    const asked = { ...question, split, projection: plan.projection }
    const blocks = await readSplit(session, environment.spills, asked, reading)
    // Rows in an order are sorted again, wherever they come from.
    return isSorted ? blocks : watchLimit(session, blocks, plan.pushdown.limit)
  }
  const batches = async function* (): AsyncGenerator<RowBatch, void, undefined> {
    const ahead =
      request.limit === undefined || isSorted ? () => limits.parallel : growing(limits.parallel)
    let wanted = request.limit ?? Number.POSITIVE_INFINITY
    const first = firstRows(plan.projection, plan.order, wanted)
    try {
      if (wanted > 0)
        for await (const block of inOrder(splits.splits, ask, ahead)) {
          const batch = filtered(block, plan, isSorted ? Number.POSITIVE_INFINITY : wanted)
          counted.block(block, isSorted ? { ...batch, rowCount: 0 } : batch)
          progress()
          if (isSorted) {
            for (let row = 0; row < batch.rowCount; row += 1) first.add(batch.row(row))
            continue
          }
          wanted -= batch.rowCount
          if (batch.rowCount > 0) yield batch
          if (wanted <= 0) break
        }
      const sorted = sortedBatch(first.sorted(), plan)
      counted.sorted(sorted.rowCount)
      if (sorted.rowCount > 0) yield sorted
    } finally {
      stop.abort()
      counted.end()
    }
  }
  return queryResult(session, plan, counted, batches)
}

function queryResult(
  session: Session,
  plan: Plan,
  counted: Counters,
  batches: () => AsyncGenerator<RowBatch, void, undefined>,
): QueryResult {
  const once = takenOnce(batches)
  return {
    queryId: session.context.queryId,
    columns: plan.output.fields.map(({ name, type }: { name: string; type: DataType }) => ({
      name,
      type,
      athenaType: athenaType(type) ?? 'unknown',
    })),
    get warnings() {
      return session.warnings
    },
    get statistics() {
      return counted.now()
    },
    batches: once,
    async *rows() {
      for await (const batch of once())
        for (let index = 0; index < batch.rowCount; index += 1) yield batch.row(index)
    },
  }
}

function takenOnce<T>(start: () => T): () => T {
  let taken = false
  return () => {
    if (taken)
      throw new GatewayError('invalid_request', 'the rows of a query can be read only once')
    taken = true
    return start()
  }
}

function planQuery(
  session: Session,
  table: Table,
  known: Capabilities,
  request: QueryRequest,
): Plan {
  const { columns, where = {}, orderBy = [], limit } = request
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0))
    throw new GatewayError('invalid_request', `the limit is ${limit}, must be an integer from 0`)
  if (orderBy.length > 0 && limit === undefined)
    throw new GatewayError('invalid_request', 'rows come in an order only with a limit')
  assertOrder(orderBy, table.schema)
  const output = columns === undefined ? table.schema : select(table, columns)
  const filters = columnFilters(where, table.schema)
  const shown = output.fields.map(({ name }) => name)
  const needed = [...filters, ...orderBy].map(({ column }) => column)
  const extra = [...new Set(needed)].filter((column) => !shown.includes(column))
  // A limit may go down only when no filter stays above it, and only when the connector says it obeys.
  const [name, subType] =
    orderBy.length === 0
      ? ['supports_limit_pushdown', 'integer_constant']
      : ['supports_top_n_pushdown', 'SUPPORTS_ORDER_BY']
  const obeys = known.get(name)?.some((kind) => kind.subType === subType) === true
  const goesDown = limit !== undefined && obeys && filters.length === 0
  return {
    table,
    output,
    projection: select(table, [...shown, ...extra]),
    filters,
    order: orderBy,
    pushdown: {
      summary: summaryJson(filters, session.framing),
      ...(goesDown && { limit, orderBy: orderBy.map(orderByJson) }),
    },
  }
}

function select(table: Table, columns: readonly string[]): Schema {
  const fields = columns.map((column, index) => {
    const field = table.schema.fields.find(({ name }) => name === column)
    if (field === undefined || columns.indexOf(column) !== index)
      throw new GatewayError(
        'invalid_request',
        `column ${column} is not in table ${table.name.tableName}, or is asked for twice`,
      )
    return field
  })
  return new Schema(fields, table.schema.metadata)
}

async function planSplits(session: Session, plan: Plan, limits: QueryLimits, signal: AbortSignal) {
  const { pushdown, filters } = plan
  const { name: table, schema: tableSchema, schemaBase64: schema, partitionColumns } = plan.table
  const asked = { table, pushdown, partitionColumns }
  const batchRows = limits.partitionBatchRows
  const question = { ...asked, schema, tableSchema, filters, batchRows }
  const layout = await getTableLayout(session, question, signal)
  const seen = new Set<string>()
  const splits: SplitJson[] = []
  let pageCount = 0
  for (const partitions of layout.batches) {
    const found = await getSplits(session, { ...asked, partitions }, seen, signal)
    splits.push(...found.splits)
    pageCount += found.pageCount
    if (splits.length > splitsMax)
      throw new GatewayError('too_large', `the query has more than ${splitsMax} splits`)
  }
  return { splits, pageCount, partitionCount: layout.partitionCount }
}

function readQuestion(
  session: Session,
  plan: Plan,
  { maxBlockBytes, maxInlineBytes }: QueryLimits,
): Omit<ReadQuestion, 'split'> {
  const schema = encodeSchema(nameChildren(plan.projection), session.framing).toString('base64')
  return {
    table: plan.table.name,
    pushdown: plan.pushdown,
    schema,
    maxBlockBytes,
    maxInlineBytes,
  }
}

/** A connector that says it obeys limits returns no more than that from each split. */
async function* watchLimit(
  session: Session,
  blocks: SplitBlocks,
  limit = Number.POSITIVE_INFINITY,
): SplitBlocks {
  let rowCount = 0
  for await (const block of blocks) {
    rowCount += block.block.rowCount
    if (rowCount > limit)
      session.warn('a split returned more rows than the limit that the connector promised to obey')
    yield block
  }
}

/** With a limit the first split may be enough: one more at once after each that was not. */
function growing(parallel: number): (done: number) => number {
  return (done) => Math.min(parallel, done + 1)
}

/** Asks for splits ahead of the one being read; blocks come in split order. */
async function* inOrder(
  splits: readonly SplitJson[],
  ask: (split: SplitJson) => Promise<SplitBlocks>,
  ahead: (done: number) => number,
): AsyncGenerator<SplitBlock, void, undefined> {
  const coming: Promise<SplitBlocks>[] = []
  for (const done of splits.keys()) {
    for (const split of splits.slice(done + coming.length, done + ahead(done))) {
      const answer = ask(split)
      // A failure is thrown when its turn comes; until then it must not count as unhandled.
      answer.catch(() => {})
      coming.push(answer)
    }
    const blocks = await coming.shift()
    if (blocks !== undefined) yield* blocks
  }
}

/** The first of all rows, in the output's columns. */
function sortedBatch(rows: readonly Value[][], { output }: Plan): RowBatch {
  const width = output.fields.length
  return { rowCount: rows.length, row: (index) => rows[index]?.slice(0, width) ?? [] }
}

/**
 * The rows of a block that pass the filters, at most as many as wanted, in the output's columns; when they are still
 * to be sorted, in all that were asked for.
 */
function filtered({ block }: SplitBlock, plan: Plan, wanted: number): RowBatch & Counted {
  const cells = block.columns.map(cellReader)
  const tests = plan.filters.map(({ column, matches }) => {
    const cell = cells[plan.projection.fields.findIndex(({ name }) => name === column)]
    return (row: number) => cell === undefined || matches(cell(row))
  })
  const passing: number[] = []
  let dropped = 0
  for (let row = 0; row < block.rowCount && passing.length < wanted; row += 1)
    if (tests.every((test) => test(row))) passing.push(row)
    else dropped += 1
  const shown = plan.order.length > 0 ? cells : cells.slice(0, plan.output.fields.length)
  return {
    rowCount: passing.length,
    droppedCount: dropped,
    row: (index) => {
      const row = passing[index]
      if (row === undefined) throw new RangeError(`row ${index} of ${passing.length}`)
      return shown.map((cell) => cell(row))
    },
  }
}

/** Rows that the connector returned although the filters rule them out. */
interface Counted {
  readonly droppedCount: number
}
