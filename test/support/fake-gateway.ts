import { readFileSync } from 'node:fs'
import {
  fromBinary,
  toBinary,
  create,
  type DescMessage,
  type MessageShape,
} from '@bufbuild/protobuf'
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
  type sendUnaryData,
} from '@grpc/grpc-js'
import {
  RecordBatchReader,
  RecordBatchStreamWriter,
  Table,
  tableFromIPC,
  type RecordBatch,
} from 'apache-arrow'
import {
  BlockSchema,
  Federation,
  type Block,
  type DescribeTableRequest,
  type GetCapabilitiesResponse,
  type ListTablesRequest,
  type PlanSplitsRequest,
  type ReadSplitRequest,
} from '../../proto/gen/spillway/v1/federation_pb.ts'

/** What a fake gateway says; every part has a default that serves `table` as `sales-lake.orders`. */
export interface FakeGatewayScript {
  readonly table: Table
  /** Largest number of rows of one block. */
  readonly blockRowsMax: number
  readonly splitCount: number
  readonly capabilities: GetCapabilitiesResponse['capabilities']
  /** Runs before every call is answered; may throw a status error or wait. */
  readonly before: (method: string, metadata: Metadata) => Promise<void> | void
  /** Blocks of one read, instead of those made of `table`. */
  readonly blocks: (request: ReadSplitRequest) => Iterable<Block> | AsyncIterable<Block>
  readonly port: number
}

export interface FakeGateway {
  /** `host:port`. */
  readonly address: string
  /** Every call as it came, in order. */
  readonly calls: readonly FakeCall[]
  /** Reads that their caller cancelled. */
  readonly cancelledCount: () => number
  close(): void
}

export interface FakeCall {
  readonly method: string
  readonly request: unknown
  readonly authorization: string | null
  /** Address of the caller's end of the connection. */
  readonly peer: string
  /** Milliseconds since the epoch, or null for none. */
  readonly deadlineMs: number | null
}

export const fakeSchemas = ['sales-archive', 'sales-lake']
export const fakeTables = ['customers', 'orders', 'returns']

/** The federation door with fixed data, on a free port of loopback. */
export async function startFakeGateway(
  script: Partial<FakeGatewayScript> & Pick<FakeGatewayScript, 'table'>,
): Promise<FakeGateway> {
  const calls: FakeCall[] = []
  let cancelled = 0
  const server = new Server({ 'grpc.max_receive_message_length': -1 })

  const record = async (method: string, call: Called): Promise<void> => {
    const deadline = call.getDeadline()
    calls.push({
      method,
      request: call.request,
      peer: call.getPeer(),
      authorization: call.metadata.get('authorization')[0]?.toString() ?? null,
      deadlineMs: deadline === Infinity ? null : new Date(deadline).getTime(),
    })
    await script.before?.(method, call.metadata)
  }
  const unary =
    <Q, A>(method: string, answer: (request: Q) => A) =>
    (call: ServerUnaryCall<Q, A>, done: sendUnaryData<A>): void => {
      record(method, call)
        .then(() => answer(call.request))
        .then(
          (value) => done(null, value),
          (reason: unknown) => done(reason as Error),
        )
    }
  const implementation: UntypedServiceImplementation = {
    getCapabilities: unary('getCapabilities', () => ({ capabilities: script.capabilities ?? [] })),
    listSchemas: unary('listSchemas', () => ({ schemas: fakeSchemas })),
    listTables: unary('listTables', listTables),
    describeTable: unary('describeTable', (request: DescribeTableRequest) => {
      requireTable(request.schema, request.table)
      return { arrowSchema: schemaMessage(script.table) }
    }),
    planSplits: unary('planSplits', (request: PlanSplitsRequest) => {
      requireTable(request.schema, request.table)
      return planSplits(request, script.splitCount ?? 1)
    }),
    readSplit(call: ServerWritableStream<ReadSplitRequest, Block>) {
      call.on('cancelled', () => (cancelled += 1))
      record('readSplit', call)
        .then(() => sendBlocks(call, script))
        .catch((reason: unknown) => void call.emit('error', reason))
    },
  }
  server.addService(federationDefinition(), implementation)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `127.0.0.1:${script.port ?? 0}`,
      ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(error)),
    )
  })
  return {
    address: `127.0.0.1:${port}`,
    calls,
    cancelledCount: () => cancelled,
    close: () => server.forceShutdown(),
  }
}

/** A status error as the gateway sends it: `code: text` and the trailers. */
export function statusError(
  code: status,
  spillwayCode: string | null,
  details: string,
  retryAfterSeconds?: number,
): Error {
  const metadata = new Metadata()
  if (retryAfterSeconds !== undefined) metadata.set('retry-after', String(retryAfterSeconds))
  if (spillwayCode !== null) metadata.set('spillway-code', spillwayCode)
  return Object.assign(new Error(details), { code, details, metadata })
}

/** The table's schema as one encapsulated IPC message in modern framing. */
export function schemaMessage(table: Table): Uint8Array {
  return messagesOf(table)[0]?.whole ?? new Uint8Array()
}

/** The table's rows as blocks of at most so many rows. */
export function blocksOf(table: Table, rowsMax: number): Block[] {
  const blocks: Block[] = []
  for (let start = 0; start < table.numRows; start += rowsMax) {
    const slice = compact(table.slice(start, start + rowsMax))
    for (const { header, body } of messagesOf(slice).slice(1))
      blocks.push(create(BlockSchema, { dataHeader: header, dataBody: body }))
  }
  return blocks
}

type Called = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>

function federationDefinition(): ServiceDefinition {
  const definitions = Federation.methods.map((method) => [
    method.localName,
    methodDefinition(method.name, method.input, method.output, method.methodKind !== 'unary'),
  ])
  return Object.fromEntries(definitions) as ServiceDefinition
}

function methodDefinition<I extends DescMessage, O extends DescMessage>(
  name: string,
  input: I,
  output: O,
  responseStream: boolean,
): MethodDefinition<MessageShape<I>, MessageShape<O>> {
  return {
    path: `/${Federation.typeName}/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (value) => Buffer.from(toBinary(input, value)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (value) => Buffer.from(toBinary(output, create(output, value as never))),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  }
}

function requireTable(schema: string, table: string): void {
  if (fakeSchemas.includes(schema) && fakeTables.includes(table)) return
  const details = `table_not_found: there is no table ${schema}.${table}`
  throw statusError(status.NOT_FOUND, 'table_not_found', details)
}

function listTables({ schema, pageSize, pageToken }: ListTablesRequest): object {
  requireTable(schema, 'orders')
  const start = pageToken === '' ? 0 : Number(pageToken)
  const end = pageSize > 0 ? start + pageSize : fakeTables.length
  return {
    tables: fakeTables.slice(start, end),
    nextPageToken: end < fakeTables.length ? String(end) : '',
  }
}

/** Tickets are the split's index as text, but with bytes that base64 and base64url spell differently. */
function planSplits(request: PlanSplitsRequest, splitCount: number): object {
  const start = request.continuationToken === '' ? 0 : Number(request.continuationToken)
  const end = Math.min(splitCount, start + request.splitCountMax)
  const tickets = Array.from({ length: end - start }, (_, index) => fakeTicket(start + index))
  return { tickets, continuationToken: end < splitCount ? String(end) : '' }
}

export function fakeTicket(splitIndex: number): Uint8Array {
  return Buffer.concat([Buffer.from([0xfb, 0xff, 0xfe]), Buffer.from(String(splitIndex))])
}

async function sendBlocks(
  call: ServerWritableStream<ReadSplitRequest, Block>,
  script: Partial<FakeGatewayScript> & Pick<FakeGatewayScript, 'table'>,
): Promise<void> {
  const blocks = script.blocks?.(call.request) ?? projected(call.request, script)
  for await (const block of blocks) {
    if (call.cancelled) return
    if (!call.write(block)) await drained(call)
  }
  call.end()
}

function drained(call: ServerWritableStream<ReadSplitRequest, Block>): Promise<void> {
  return new Promise((resolve) => {
    call.once('drain', resolve)
    call.once('cancelled', resolve)
  })
}

/** The rows of this split (every n-th belongs to split n) in the columns asked, within the bytes asked. */
function projected(
  request: ReadSplitRequest,
  script: Partial<FakeGatewayScript> & Pick<FakeGatewayScript, 'table'>,
): Block[] {
  const names = tableFromIPC(request.arrowSchema).schema.fields.map((field) => field.name)
  const splitCount = script.splitCount ?? 1
  const splitIndex = Number(Buffer.from(request.ticket).subarray(3).toString())
  const rowsPerSplit = Math.ceil(script.table.numRows / splitCount)
  const rows = script.table.slice(splitIndex * rowsPerSplit, (splitIndex + 1) * rowsPerSplit)
  if (names.length === 0) return [rowsWithoutColumns(rows.numRows)]
  const selected = rows.select(names)
  const bytesPerRow = Math.max(1, Math.ceil(bodyBytes(selected) / Math.max(1, rows.numRows)))
  const rowsMax = Math.max(1, Math.floor(request.blockBytesTarget / bytesPerRow / 2))
  return blocksOf(selected, Math.min(rowsMax, script.blockRowsMax ?? rowsMax))
}

/** Where that golden batch keeps its number of rows. */
const rowCountOffset = 64

/** A batch without columns whose body is 8 zero bytes, which Java's reader needs. */
function rowsWithoutColumns(rowCount: number): Block {
  const golden = new URL('../golden/athena/js_zero_cols8.json', import.meta.url)
  const { records } = JSON.parse(readFileSync(golden, 'utf8')) as { records: { records: string } }
  const message = Buffer.from(records.records, 'base64')
  const dataHeader = message.subarray(8, 8 + message.readInt32LE(4))
  dataHeader.writeBigInt64LE(BigInt(rowCount), rowCountOffset)
  return create(BlockSchema, { dataHeader, dataBody: new Uint8Array(8) })
}

function bodyBytes(table: Table): number {
  const bodies = table.numRows === 0 ? [] : messagesOf(compact(table)).slice(1)
  return bodies.reduce((sum, { body }) => sum + body.length, 0)
}

/** One batch with buffers of its own: slices and chunks are copied through IPC. */
function compact(table: Table): Table {
  const batches: RecordBatch[] = [...RecordBatchReader.from(streamOf(table))]
  return new Table(batches)
}

function streamOf(table: Table): Uint8Array {
  const writer = new RecordBatchStreamWriter()
  for (const batch of table.batches) writer.write(batch)
  writer.finish()
  return writer.toUint8Array(true)
}

interface IpcMessage {
  readonly whole: Uint8Array
  /** The flatbuffer, without prefix. */
  readonly header: Uint8Array
  readonly body: Uint8Array
}

/** The messages of the table's IPC stream: the schema, then its batches. */
function messagesOf(table: Table): IpcMessage[] {
  const bytes = Buffer.from(streamOf(table))
  const messages: IpcMessage[] = []
  let offset = 0
  while (bytes.readInt32LE(offset + 4) > 0) {
    const headerEnd = offset + 8 + bytes.readInt32LE(offset + 4)
    const header = bytes.subarray(offset + 8, headerEnd)
    const end = headerEnd + bodyLengthOf(header)
    messages.push({
      whole: bytes.subarray(offset, end),
      header,
      body: bytes.subarray(headerEnd, end),
    })
    offset = end
  }
  return messages
}

/** Field 3 of the flatbuffer Message; absent for a schema. */
function bodyLengthOf(header: Buffer): number {
  const root = header.readUInt32LE(0)
  const vtable = root - header.readInt32LE(root)
  const slot = header.readUInt16LE(vtable) > 10 ? header.readUInt16LE(vtable + 10) : 0
  return slot === 0 ? 0 : Number(header.readBigInt64LE(root + slot))
}
