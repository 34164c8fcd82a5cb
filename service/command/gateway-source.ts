import { readFileSync } from 'node:fs'
import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import type { DescMethodServerStreaming, DescMethodUnary } from '@bufbuild/protobuf'
import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import type { FlightData, FlightInfo } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { FlightService } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { decodeSchemaMessage } from '../arrow/schema-message.ts'
import { errorCodes, type ErrorCode, GatewayError } from '../errors.ts'
import { methodDefinition } from '../grpc/service-definition.ts'
import type { Ledger } from '../planning/ledger.ts'
import type { TableRequest } from '../query/table-request.ts'
import type { Origin } from './client-options.ts'
import type { SourceBatch, SourcePlan, TableSource } from './table-source.ts'

type GatewayOrigin = Extract<Origin, { kind: 'gateway' }>

/** A descriptor that carries a command: Flight's number for it. */
const COMMAND = 2

/**
 * The tables of a gateway, by Arrow Flight.
 *
 * @throws {GatewayError} `invalid_request` a file of the TLS options cannot be read.
 */
export function gatewaySource(origin: GatewayOrigin): TableSource {
  const client = new Client(origin.address, channelCredentials(origin), {
    'grpc.max_receive_message_length': -1,
  })
  const ask = asker(client, origin)
  const { method } = FlightService
  const infoOf = (request: TableRequest, signal: AbortSignal): Promise<FlightInfo> => {
    const { table, ...rest } = request
    const cmd = Buffer.from(JSON.stringify({ ...table, ...rest }))
    return ask.one(method.getFlightInfo, { type: COMMAND, cmd }, signal)
  }
  return {
    async *listTables(schema, signal) {
      const expression = Buffer.from(schema === undefined ? '' : JSON.stringify({ schema }))
      for await (const { flightDescriptor } of ask.many(
        method.listFlights,
        { expression },
        signal,
      )) {
        const [name = '', table = ''] = flightDescriptor?.path ?? []
        yield { schema: name, table }
      }
    },
    plan: async (request, signal) => planOf(await infoOf(request, signal)),
    async read(request, signal) {
      const info = await infoOf(request, signal)
      const { fields, rowCount, parts } = planOf(info)
      const batches = async function* tickets() {
        let rowGroupsDone = 0
        for (const [at, { ticket }] of info.endpoint.entries()) {
          const asked = { ticket: ticket?.ticket ?? new Uint8Array(0) }
          yield* batchesOf(ask.many(method.doGet, asked, signal), rowGroupsDone)
          rowGroupsDone += parts[at]?.rowGroups ?? 0
        }
      }
      return { fields, rowCount, parts, schemaMessage: info.schema, batches: batches() }
    },
    close: async () => client.close(),
  }
}

function channelCredentials({ tls }: GatewayOrigin): ChannelCredentials {
  if (!tls) return credentials.createInsecure()
  const { authorityFile, certificateFile, keyFile } = tls
  return credentials.createSsl(pemOf(authorityFile), pemOf(keyFile), pemOf(certificateFile))
}

function pemOf(file: string | undefined): Buffer | null {
  if (file === undefined) return null
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new GatewayError('invalid_request', `${file} cannot be read`, { cause })
  }
}

interface Asker {
  one<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): Promise<MessageShape<O>>
  many<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<O>>
}

function asker(client: Client, { token, address }: GatewayOrigin): Asker {
  const headers = () => {
    const metadata = new Metadata()
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
    return metadata
  }
  return {
    one: (method, request, signal) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = methodDefinition(method)
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(method.input, request),
          headers(),
          (error, answer) =>
            answer === undefined ? reject(translated(error, address)) : resolve(answer),
        )
        signal.addEventListener('abort', () => call.cancel(), { once: true })
      }),
    async *many(method, request, signal) {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(method)
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        create(method.input, request),
        headers(),
      )
      const cancel = () => call.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      try {
        yield* call
      } catch (error) {
        throw translated(error, address)
      } finally {
        signal.removeEventListener('abort', cancel)
        call.cancel()
      }
    },
  }
}

/** The gateway's errors carry their code; others are the network's. */
function translated(reason: unknown, address: string): GatewayError {
  if (!isServiceError(reason)) return GatewayError.from(reason)
  const [said] = reason.metadata?.get('spillway-code') ?? []
  const code = Object.keys(errorCodes).find((one) => one === String(said)) as ErrorCode | undefined
  if (code) {
    const message = reason.details.replace(`${code}: `, '')
    return new GatewayError(code, message, { cause: reason })
  }
  if (reason.code === status.CANCELLED)
    return new GatewayError('cancelled', 'the request was cancelled')
  return new GatewayError('unavailable', `${address} does not answer: ${reason.details}`, {
    cause: reason,
  })
}

function isServiceError(reason: unknown): reason is ServiceError {
  return reason instanceof Error && 'details' in reason && 'code' in reason
}

function planOf(info: FlightInfo): SourcePlan {
  const { ledger } = metadataOf(info.appMetadata) as { ledger: Ledger }
  return {
    fields: decodeSchemaMessage(info.schema).fields,
    rowCount: info.totalRecords < 0n ? null : Number(info.totalRecords),
    parts: info.endpoint.map(
      ({ appMetadata }) => metadataOf(appMetadata) as SourcePlan['parts'][number],
    ),
    ledger,
  }
}

function metadataOf(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString())
}

/** A message without a body is the schema, which is known. */
async function* batchesOf(
  messages: AsyncIterable<FlightData>,
  rowGroupsDone: number,
): AsyncGenerator<SourceBatch> {
  for await (const { dataHeader, dataBody } of messages) {
    if (dataBody.length === 0) continue
    const head = Buffer.alloc(8 + dataHeader.length)
    head.writeInt32LE(-1, 0)
    head.writeInt32LE(dataHeader.length, 4)
    head.set(dataHeader, 8)
    yield { head, body: dataBody, rowGroupsDone, release() {} }
  }
}
