import type { Field } from '../arrow/arrow-type.ts'
import type { TextFormat } from '../arrow/row-text.ts'
import { encodeSchemaMessage } from '../arrow/schema-message.ts'
import type { VisibleCatalog } from '../access/visible-catalog.ts'
import type { TableDescription } from '../catalog/catalog.ts'
import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import type { Ledger } from '../planning/ledger.ts'
import type { TablePart, TablePlan, TablePlanRequest } from '../planning/plan-table.ts'
import type { Split, SplitRead } from '../planning/split.ts'
import type { Predicate } from '../predicate/predicate.ts'
import { isTrue, predicateTrue } from '../predicate/predicate.ts'
import type { Frame } from '../scan/frame.ts'
import { scanColumns } from '../scan/scan-columns.ts'
import type { ScanRequest } from '../scan/scan-request.ts'
import { frameLimits, MESSAGE_BYTES_MAX, textLimits } from './frame-limits.ts'
import { matchesPattern } from '../predicate/name-pattern.ts'
import { plainColumns, selectFields, tableFields } from './table-columns.ts'
import type { TableRequest } from './table-request.ts'

/** Rows and folders are counted from the footers of so many files; of more, nobody waits for it. */
const COUNTED_FILES_MAX = 1_000
/** A schema and the tickets beside it: what is left of a message is for names and numbers. */
const ANSWER_BYTES_MAX = MESSAGE_BYTES_MAX - 128 * 1024
/** Tables that are listed when nobody says how many. */
const LISTED_DEFAULT = 1_000
export const LISTED_MAX = 10_000

/** Which tables are listed. */
export interface TableFilter {
  /** Absent: of all schemas. */
  readonly schema?: string
  /** A table's name with `*` for any characters and `?` for one. */
  readonly pattern?: string
  /** At most {@link LISTED_MAX}; absent: 1,000. */
  readonly limit?: number
}

/** What is known of a table without reading its data. */
export interface TableFacts {
  readonly table: TableName
  /** In the files' own types, partition columns last. */
  readonly fields: readonly Field[]
  /** Names of the columns that the folders carry. */
  readonly partitionColumns: readonly string[]
  /** Columns that two files have in types which do not go together. */
  readonly conflicts: TableDescription['conflicts']
  /** Null, as all numbers, where there are rows that the caller may not see. */
  readonly fileCount: number | null
  /** Sizes of the files as objects. */
  readonly fileBytes: number | null
  /** Null where more than 1,000 footers would have to be read. */
  readonly rowCount: number | null
  /** Folders that hold files; null likewise. */
  readonly partitionCount: number | null
}

/** Columns of an answer. */
export interface TableSchema {
  readonly table: TableName
  readonly fields: readonly Field[]
  /** The same as an encapsulated Arrow IPC message. */
  readonly schemaMessage: Uint8Array
}

/** A piece of the answer that one reader takes. */
export interface PlannedEndpoint {
  /** Good at any gateway with the same keys, and as often as one likes, until it expires. */
  readonly ticket: Uint8Array
  /** Null with a filter: nobody knows before it was read. */
  readonly rowCount: number | null
  readonly rowGroupCount: number
  /** What its row groups decode to, roughly, all columns; null where there are rows that the caller may not see. */
  readonly decodedBytes: number | null
}

export interface PlannedTable extends TableSchema {
  /** Never none; one after the other they are the answer. */
  readonly endpoints: readonly PlannedEndpoint[]
  /** Null with a filter. */
  readonly rowCount: number | null
  readonly ledger: Ledger
  /** Milliseconds since the epoch: how long the tickets hold. */
  readonly expiresMs: number
}

/** An answer for one reader. */
export interface WholeRead extends TableRequest {
  /** The frames are lines of text, without its head; absent: record batches. */
  readonly text?: TextFormat
}

export interface TableRead extends TableSchema {
  readonly frames: AsyncIterable<Frame>
}

export interface TableQueryParts {
  readonly catalog: VisibleCatalog
  readonly plan: (request: TablePlanRequest, signal: AbortSignal) => Promise<TablePlan>
  readonly sealTicket: (split: Split) => Uint8Array
  /** @throws {GatewayError} `invalid_request` the ticket is not ours, or too old. */
  readonly openTicket: (ticket: Uint8Array) => Split
  readonly scan: (request: ScanRequest, signal: AbortSignal) => AsyncIterable<Frame>
  /** @throws {GatewayError} `invalid_request` the text is no filter over these columns. */
  readonly parseFilter: (text: string, fields: readonly Field[]) => Predicate
  /** Milliseconds from now until a renewed ticket expires. */
  readonly ticketTtlMs: number
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/** Tables in their own types: what Arrow Flight and HTTP ask alike. */
export interface TableQueries {
  /** Schemas, sorted. */
  listSchemas(signal: AbortSignal): Promise<readonly string[]>
  /** Tables, sorted by schema and name. @throws {GatewayError} `table_not_found` there is no such schema. */
  listTables(filter: TableFilter, signal: AbortSignal): AsyncIterable<TableName>
  /** @throws {GatewayError} `table_not_found`, and what the catalog throws. */
  describe(table: TableName, signal: AbortSignal): Promise<TableFacts>
  /** The columns alone, all of the request checked. @throws {GatewayError} as `plan`. */
  schemaOf(request: TableRequest, signal: AbortSignal): Promise<TableSchema>
  /**
   * @throws {GatewayError} `table_not_found`; `invalid_request` a column or the filter is not understood;
   *   `too_large` the answer does not fit into a message.
   */
  plan(request: TableRequest, signal: AbortSignal): Promise<PlannedTable>
  /** All of an answer by one reader, without a ticket. @throws {GatewayError} as `plan`; the frames, what scans throw. */
  readTable(request: WholeRead, signal: AbortSignal): Promise<TableRead>
  /**
   * What a ticket of a plan says; of one of Athena's, which says nothing, all columns.
   *
   * @throws {GatewayError} `invalid_request` the ticket is not ours, or too old; the frames, what scans throw.
   */
  read(ticket: Uint8Array, signal: AbortSignal): Promise<TableRead>
  /** @throws {GatewayError} `invalid_request` the ticket is not ours, or too old. */
  check(ticket: Uint8Array): void
  /** The ticket with more time. @throws {GatewayError} `invalid_request` it is not ours, or too old. */
  renew(ticket: Uint8Array): { readonly ticket: Uint8Array; readonly expiresMs: number }
}

export function tableQueries(parts: TableQueryParts): TableQueries {
  const { catalog, openTicket, sealTicket } = parts
  return {
    listSchemas: (signal) => catalog.listSchemas(signal),
    listTables: (filter, signal) => listTables(parts, filter, signal),
    describe: (table, signal) => describe(parts, table, signal),
    schemaOf: async (request, signal) => schemaOf(await understand(parts, request, signal)),
    plan: async (request, signal) => {
      const understood = await understand(parts, request, signal)
      return answerOf(understood, await planParts(parts, understood, signal), sealTicket)
    },
    readTable: async (request, signal) => {
      // Text has values only.
      const coded = request.text === undefined && request.dictionaries === true
      const whole = { ...request, endpoints: 1, dictionaries: coded }
      const understood = await understand(parts, whole, signal)
      const { parts: pieces } = await planParts(parts, understood, signal)
      const [{ split } = unplanned()] = withReads(understood, pieces)
      return readSplit(parts, { split, text: request.text }, signal)
    },
    read: async (ticket, signal) => {
      const split = await readableSplit(parts, openTicket(ticket), signal)
      return readSplit(parts, { split }, signal)
    },
    check: (ticket) => void openTicket(ticket),
    renew: (ticket) => {
      const expiresMs = parts.nowMs() + parts.ticketTtlMs
      const split = openTicket(ticket)
      return { ticket: sealTicket({ ...split, expiresMs }), expiresMs }
    },
  }
}

async function* listTables(
  { catalog }: TableQueryParts,
  { schema, pattern = '*', limit = LISTED_DEFAULT }: TableFilter,
  signal: AbortSignal,
): AsyncGenerator<TableName> {
  const schemas = schema === undefined ? await catalog.listSchemas(signal) : [schema.toLowerCase()]
  let left = Math.min(limit, LISTED_MAX)
  for (const one of schemas) {
    if (left <= 0) return
    for (const table of await catalog.listTables(one, signal)) {
      if (!matchesPattern(table, pattern)) continue
      if (left-- <= 0) return
      yield { schema: one, table }
    }
  }
}

async function describe(
  parts: TableQueryParts,
  name: TableName,
  signal: AbortSignal,
): Promise<TableFacts> {
  const description = await parts.catalog.describeTable(name, signal)
  const { table, partitionFields, conflicts, fileCount, fileBytes } = description
  const { rowFilter, hidesFolders = false } = description
  const isCounted = rowFilter === undefined && fileCount <= COUNTED_FILES_MAX
  const counted = isCounted ? await countTable(parts, table.name, signal) : undefined
  return {
    table: table.name,
    fields: tableFields(description),
    partitionColumns: partitionFields.map((field) => field.name),
    conflicts,
    ...(rowFilter ? uncounted : { fileCount, fileBytes, rowCount: counted?.rowCount ?? null }),
    partitionCount: hidesFolders ? null : (counted?.partitionCount ?? null),
  }
}

/** Numbers that rows would count in that the caller may not see. */
const uncounted = { fileCount: null, fileBytes: null, rowCount: null }

async function countTable(parts: TableQueryParts, table: TableName, signal: AbortSignal) {
  const whole = { table, predicate: predicateTrue, rowsMax: Infinity, partsMax: 1 }
  const { parts: pieces, ledger } = await parts.plan(whole, signal)
  const keys = pieces.flatMap(({ split }) => split.files.map(({ key }) => key))
  const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/'))))
  return { rowCount: ledger.rowsKept, partitionCount: folders.size }
}

/** A request in terms of the table. */
interface UnderstoodRequest {
  readonly table: TableName
  readonly fields: readonly Field[]
  /** True when there is no filter. */
  readonly predicate: Predicate
  /** Rows are left out beside what is asked. */
  readonly hidesRows: boolean
  readonly limit: number
  readonly endpoints: number
}

async function understand(
  { catalog, parseFilter }: TableQueryParts,
  request: TableRequest,
  signal: AbortSignal,
): Promise<UnderstoodRequest> {
  const description = await catalog.describeTable(request.table, signal)
  const { name } = description.table
  const { columns, filter, limit = Infinity, endpoints = 1, dictionaries = false } = request
  // A dictionary may hold what only rows have that the caller may not see.
  const all = tableFields(description, dictionaries && description.rowFilter === undefined)
  return {
    table: name,
    fields: columns ? selectFields(name, all, columns) : all,
    predicate: filter === undefined ? predicateTrue : parseFilter(filter, all),
    hidesRows: description.rowFilter !== undefined,
    limit,
    endpoints,
  }
}

/** Nobody knows how many rows are left before they were read. */
function isFilteredRead({ predicate, hidesRows }: UnderstoodRequest): boolean {
  return hidesRows || !isTrue(predicate)
}

/** A limit is kept exactly: without a filter each part knows its share, with one there is one part. */
function planParts(
  { plan }: TableQueryParts,
  understood: UnderstoodRequest,
  signal: AbortSignal,
): Promise<TablePlan> {
  const { table, predicate, limit, endpoints } = understood
  const isLimited = limit !== Infinity
  const isFiltered = isFilteredRead(understood)
  return plan(
    {
      table,
      predicate,
      rowsMax: isFiltered && limit > 0 ? Infinity : limit,
      partsMax: isFiltered && isLimited ? 1 : endpoints,
    },
    signal,
  )
}

/** A split that says what of it is read. */
type ReadableSplit = Split & { readonly read: SplitRead }

/** Of a split of Athena's all columns are read, in the files' types. */
async function readableSplit(
  { catalog }: TableQueryParts,
  split: Split,
  signal: AbortSignal,
): Promise<ReadableSplit> {
  const columns = async () => tableFields(await catalog.describeTable(split.table, signal))
  return { ...split, read: split.read ?? { columns: await columns() } }
}

/** The parts with what is to be read of them, and how many rows that is at most. */
function withReads(
  understood: UnderstoodRequest,
  pieces: readonly TablePart[],
): readonly (TablePart & { readonly split: ReadableSplit })[] {
  const { fields, predicate, limit } = understood
  const isFiltered = isFilteredRead(understood)
  let rowsLeft = limit
  return pieces.map((piece) => {
    const rowCount = isFiltered ? piece.rowCount : Math.min(piece.rowCount, rowsLeft)
    const isCut = isFiltered ? limit !== Infinity : rowCount < piece.rowCount
    const read: SplitRead = {
      columns: fields,
      ...(!isTrue(predicate) && { predicate }),
      ...(isCut && { rowLimit: isFiltered ? limit : rowCount }),
    }
    rowsLeft -= rowCount
    return { ...piece, rowCount, split: { ...piece.split, read } }
  })
}

function answerOf(
  understood: UnderstoodRequest,
  { parts: pieces, ledger }: TablePlan,
  sealTicket: (split: Split) => Uint8Array,
): PlannedTable {
  const isFiltered = isFilteredRead(understood)
  const reads = withReads(understood, pieces)
  const endpoints = reads.map(({ split, rowCount, rowGroupCount, decodedBytes }) => ({
    ticket: sealTicket(split),
    rowCount: isFiltered ? null : rowCount,
    rowGroupCount,
    decodedBytes: understood.hidesRows ? null : decodedBytes,
  }))
  const schema = schemaOf(understood)
  const ticketBytes = endpoints.reduce((sum, { ticket }) => sum + ticket.length, 0)
  if (ticketBytes + schema.schemaMessage.length > ANSWER_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `the tickets of ${formatTableName(understood.table)} take ${ticketBytes} bytes, more than a message holds; ask for fewer endpoints, fewer columns or a shorter filter`,
    )
  }
  return {
    ...schema,
    endpoints,
    rowCount: isFiltered ? null : reads.reduce((sum, { rowCount }) => sum + rowCount, 0),
    ledger: { ...ledger, ticketBytes },
    expiresMs: reads[0]?.split.expiresMs ?? unplanned(),
  }
}

function schemaOf({ table, fields }: UnderstoodRequest): TableSchema {
  frameLimits(fields)
  const schemaMessage = encodeSchemaMessage({ fields })
  if (schemaMessage.length <= ANSWER_BYTES_MAX) return { table, fields, schemaMessage }
  throw new GatewayError(
    'too_large',
    `the schema of ${formatTableName(table)} takes ${schemaMessage.length} bytes, more than ${ANSWER_BYTES_MAX}; select fewer columns`,
  )
}

interface SplitToRead {
  readonly split: ReadableSplit
  readonly text?: TextFormat | undefined
}

function readSplit(
  parts: TableQueryParts,
  { split, text }: SplitToRead,
  signal: AbortSignal,
): TableRead {
  const { columns, predicate, rowLimit } = split.read
  const { fields, dictionaries } = plainColumns(columns)
  const coded = dictionaries.length > 0 && { dictionaries }
  const frames = parts.scan(
    {
      split,
      columns: scanColumns(fields, split),
      frames: text ? textLimits(fields, text) : { ...frameLimits(fields), ...coded },
      ...(predicate && { predicate }),
      ...(rowLimit !== undefined && { rowLimit }),
    },
    signal,
  )
  const { table } = split
  return { table, fields: columns, schemaMessage: encodeSchemaMessage({ fields: columns }), frames }
}

function unplanned(): never {
  throw new GatewayError('internal', 'a plan without parts')
}
