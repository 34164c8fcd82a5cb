import { create } from '@bufbuild/protobuf'
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import type {
  Block,
  DescribeTableRequest,
  DescribeTableResponse,
  GetCapabilitiesRequest,
  GetCapabilitiesResponse,
  ListSchemasRequest,
  ListSchemasResponse,
  ListTablesRequest,
  ListTablesResponse,
  PlanSplitsRequest,
  PlanSplitsResponse,
  ReadSplitRequest,
} from '../../proto/gen/spillway/v1/federation_pb.ts'
import {
  DescribeTableResponseSchema,
  Federation,
  GetCapabilitiesResponseSchema,
  ListSchemasResponseSchema,
  ListTablesResponseSchema,
  PlanSplitsResponseSchema,
} from '../../proto/gen/spillway/v1/federation_pb.ts'
import type { GatewayError } from '../errors.ts'
import { callSignal } from '../grpc/call-signal.ts'
import { statusOf } from '../grpc/error-status.ts'
import type { GrpcService } from '../grpc/grpc-server.ts'
import { FramedMessage } from '../grpc/framed-message.ts'
import { sendFrames } from '../grpc/send-frames.ts'
import { methodDefinition } from '../grpc/service-definition.ts'
import type { Frame } from '../scan/frame.ts'
import { athenaCapabilities } from './athena-capabilities.ts'

/** What the door asks of the house: everything in Athena's dialect, nothing in gRPC's. */
export interface FederationBackend {
  listSchemas(signal: AbortSignal): Promise<readonly string[]>
  listTables(request: ListTablesRequest, signal: AbortSignal): Promise<TablePage>
  /** The table's Arrow schema message, in types Athena takes. */
  describeTable(request: DescribeTableRequest, signal: AbortSignal): Promise<Uint8Array>
  planSplits(request: PlanSplitsRequest, signal: AbortSignal): Promise<SplitPage>
  readSplit(request: ReadSplitRequest, signal: AbortSignal): AsyncIterable<Frame>
}

export interface TablePage {
  readonly tables: readonly string[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

export interface SplitPage {
  readonly tickets: readonly Uint8Array[]
  /** Empty on the last page. */
  readonly continuationToken: string
}

/** Told of every call that ended: the method, and the error or nothing. */
export type CallObserver = (call: {
  readonly method: string
  readonly durationMs: number
  readonly queryId: string
  readonly error: GatewayError | undefined
}) => void

/** Anything thrown, as a GatewayError, with its cause logged where it is a defect of ours. */
export type ErrorTranslator = (reason: unknown) => GatewayError

export interface FederationDoor {
  readonly backend: FederationBackend
  readonly observe: CallObserver
  readonly translate: ErrorTranslator
}

type CallMessage = { readonly context?: { readonly queryId: string } | undefined }

/** The door of the Lambda shim: service `spillway.v1.Federation`. */
export function federationService(door: FederationDoor): GrpcService {
  const { backend } = door
  const readSplit = methodDefinition(Federation.method.readSplit)
  return {
    definition: {
      getCapabilities: methodDefinition(Federation.method.getCapabilities),
      listSchemas: methodDefinition(Federation.method.listSchemas),
      listTables: methodDefinition(Federation.method.listTables),
      describeTable: methodDefinition(Federation.method.describeTable),
      planSplits: methodDefinition(Federation.method.planSplits),
      readSplit: {
        ...readSplit,
        responseSerialize: (block: Block | FramedMessage) =>
          block instanceof FramedMessage ? block.bytes : readSplit.responseSerialize(block),
      },
    },
    implementation: {
      getCapabilities: unary<GetCapabilitiesRequest, GetCapabilitiesResponse>(door, async () =>
        create(GetCapabilitiesResponseSchema, {
          capabilities: athenaCapabilities.map(({ name, optimizations }) => ({
            name,
            optimizations: optimizations.map(({ subType, properties }) => ({
              subType,
              properties: [...properties],
            })),
          })),
        }),
      ),
      listSchemas: unary<ListSchemasRequest, ListSchemasResponse>(door, async (_, signal) =>
        create(ListSchemasResponseSchema, { schemas: [...(await backend.listSchemas(signal))] }),
      ),
      listTables: unary<ListTablesRequest, ListTablesResponse>(door, async (request, signal) => {
        const { tables, nextPageToken } = await backend.listTables(request, signal)
        return create(ListTablesResponseSchema, { tables: [...tables], nextPageToken })
      }),
      describeTable: unary<DescribeTableRequest, DescribeTableResponse>(
        door,
        async (request, signal) =>
          create(DescribeTableResponseSchema, {
            arrowSchema: await backend.describeTable(request, signal),
          }),
      ),
      planSplits: unary<PlanSplitsRequest, PlanSplitsResponse>(door, async (request, signal) => {
        const { tickets, continuationToken } = await backend.planSplits(request, signal)
        return create(PlanSplitsResponseSchema, { tickets: [...tickets], continuationToken })
      }),
      readSplit: streaming(door),
    },
  }
}

type UnaryHandler<Input, Output> = (
  call: ServerUnaryCall<Input, Output>,
  answer: sendUnaryData<Output>,
) => void

function unary<Input extends CallMessage, Output>(
  door: FederationDoor,
  respond: (request: Input, signal: AbortSignal) => Promise<Output>,
): UnaryHandler<Input, Output> {
  return (call, answer) => {
    const watch = watchCall(door, call.getPath(), call.request)
    const life = callSignal(call)
    respond(call.request, life.signal).then(
      (response) => {
        life.finish()
        watch(undefined)
        answer(null, response)
      },
      (reason: unknown) => {
        life.finish()
        const error = door.translate(life.signal.aborted ? life.signal.reason : reason)
        watch(error)
        answer(statusOf(error))
      },
    )
  }
}

function streaming(door: FederationDoor) {
  return (call: ServerWritableStream<ReadSplitRequest, Block>): void => {
    const watch = watchCall(door, call.getPath(), call.request)
    const life = callSignal(call)
    const send = async () =>
      sendFrames(call, door.backend.readSplit(call.request, life.signal), life.signal)
    send().then(
      () => {
        life.finish()
        watch(undefined)
        call.end()
      },
      (reason: unknown) => {
        life.finish()
        const error = door.translate(life.signal.aborted ? life.signal.reason : reason)
        watch(error)
        call.emit('error', statusOf(error))
      },
    )
  }
}

function watchCall(door: FederationDoor, path: string, request: CallMessage) {
  const started = performance.now()
  return (error: GatewayError | undefined): void =>
    door.observe({
      method: path.slice(path.lastIndexOf('/') + 1),
      durationMs: performance.now() - started,
      queryId: request.context?.queryId ?? '',
      error,
    })
}
