import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import {
  Client,
  credentials,
  type CallOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
} from '@grpc/grpc-js'
import {
  FlightService,
  type FlightData,
  type FlightDescriptor,
  FlightDescriptorSchema,
  type FlightInfo,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { decodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { methodDefinition } from '../../service/grpc/service-definition.ts'
import { canonicalRows, type Canonical } from './columns-canonical.ts'
import { columnsFromIpc } from './columns-from-ipc.ts'
import { metadataOf, type UnaryCall, unaryCall } from './unary-call.ts'

/** A bare Flight client: every message as it came. */
export interface FlightClient {
  readonly call: UnaryCall
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): ClientReadableStream<MessageShape<O>>
  talk<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    headers?: Readonly<Record<string, string>>,
  ): ClientDuplexStream<MessageShape<I>, MessageShape<O>>
  info(request: object, options?: CallOptions): Promise<FlightInfo>
  /** The messages of a ticket. */
  messages(ticket: Uint8Array, options?: CallOptions): Promise<FlightData[]>
  /** All rows of all endpoints, one after the other. */
  read(request: object): Promise<FlightTable>
  close(): void
}

export interface FlightTable {
  readonly fields: readonly Field[]
  readonly rows: readonly Canonical[][]
  /** Rows of each endpoint. */
  readonly endpointRows: readonly number[]
  /** Bytes of the largest message's header and body. */
  readonly messageBytesMax: number
}

/** @param headers of every call but `talk`, such as a caller's token */
export function flightClient(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): FlightClient {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  })
  const { method } = FlightService
  const flight: FlightClient = {
    call: unaryCall(client, headers),
    stream: (of, request, options = {}) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(of)
      const message = create(of.input, request)
      return client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadataOf(headers),
        options,
      )
    },
    talk: (of, own = {}) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(of)
      const metadata = metadataOf(own)
      return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata)
    },
    info: (request, options) => flight.call(method.getFlightInfo, commandOf(request), options),
    messages: async (ticket, options) => {
      const found: FlightData[] = []
      for await (const data of flight.stream(method.doGet, { ticket }, options)) {
        found.push(data as FlightData)
      }
      return found
    },
    read: async (request) => {
      const info = await flight.info(request)
      const { fields } = decodeSchemaMessage(info.schema)
      const rows: Canonical[][] = []
      const endpointRows: number[] = []
      let messageBytesMax = 0
      for (const { ticket } of info.endpoint) {
        const [schema, ...batches] = await flight.messages(ticket?.ticket ?? new Uint8Array())
        assertSchema(schema, info.schema)
        const before = rows.length
        for (const data of batches) {
          rows.push(...rowsOf(fields, data))
          messageBytesMax = Math.max(messageBytesMax, data.dataHeader.length + data.dataBody.length)
        }
        endpointRows.push(rows.length - before)
      }
      return { fields, rows, endpointRows, messageBytesMax }
    },
    close: () => client.close(),
  }
  return flight
}

/** A descriptor whose command is this object in JSON, or this text. */
export function commandOf(request: object | string): FlightDescriptor {
  const text = typeof request === 'string' ? request : JSON.stringify(request)
  return create(FlightDescriptorSchema, { type: 2, cmd: Buffer.from(text) })
}

export function pathOf(...path: string[]): FlightDescriptor {
  return create(FlightDescriptorSchema, { type: 1, path })
}

/** The rows of a message in canonical form. */
export function rowsOf(fields: readonly Field[], data: FlightData): Canonical[][] {
  const message = encapsulated(data.dataHeader, data.dataBody)
  const plain = fields
  return columnsFromIpc(plain, [message]).flatMap(({ rowCount, columns }) =>
    canonicalRows(columns, rowCount),
  )
}

/** The schema of the stream is the very bytes that the info promised. */
function assertSchema(first: FlightData | undefined, promised: Uint8Array): void {
  const header = first?.dataHeader ?? new Uint8Array()
  if (Buffer.compare(header, promised.subarray(8)) !== 0 || first?.dataBody.length !== 0) {
    throw new Error('the stream does not begin with the schema of its info')
  }
}

function encapsulated(header: Uint8Array, body: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(8)
  prefix.writeInt32LE(-1, 0)
  prefix.writeInt32LE(header.length, 4)
  return Buffer.concat([prefix, header, body])
}
