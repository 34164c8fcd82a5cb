import { create } from '@bufbuild/protobuf'
import type {
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
import type { Caller } from '../credentials/caller.ts'
import type { GrpcService } from '../grpc/grpc-server.ts'
import type { CallKeeper, CallLife } from '../grpc/serve-call.ts'
import { answerCall, streamCall } from '../grpc/serve-call.ts'
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

export interface FederationDoor extends CallKeeper {
  /** What the house is to a caller. */
  readonly backendFor: (caller: Caller) => FederationBackend
}

type CallMessage = { readonly context?: { readonly queryId: string } | undefined }

const queryIdOf = ({ context }: CallMessage): string => context?.queryId ?? ''

/** The door of the Lambda shim: service `spillway.v1.Federation`. */
export function federationService(door: FederationDoor): GrpcService {
  const { backendFor } = door
  return {
    definition: {
      getCapabilities: methodDefinition(Federation.method.getCapabilities),
      listSchemas: methodDefinition(Federation.method.listSchemas),
      listTables: methodDefinition(Federation.method.listTables),
      describeTable: methodDefinition(Federation.method.describeTable),
      planSplits: methodDefinition(Federation.method.planSplits),
      readSplit: methodDefinition(Federation.method.readSplit),
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
      listSchemas: unary<ListSchemasRequest, ListSchemasResponse>(
        door,
        async (_, { signal, caller }) =>
          create(ListSchemasResponseSchema, {
            schemas: [...(await backendFor(caller).listSchemas(signal))],
          }),
      ),
      listTables: unary<ListTablesRequest, ListTablesResponse>(
        door,
        async (request, { signal, caller }) => {
          const { tables, nextPageToken } = await backendFor(caller).listTables(request, signal)
          return create(ListTablesResponseSchema, { tables: [...tables], nextPageToken })
        },
      ),
      describeTable: unary<DescribeTableRequest, DescribeTableResponse>(
        door,
        async (request, { signal, caller }) =>
          create(DescribeTableResponseSchema, {
            arrowSchema: await backendFor(caller).describeTable(request, signal),
          }),
      ),
      planSplits: unary<PlanSplitsRequest, PlanSplitsResponse>(
        door,
        async (request, { signal, caller }) => {
          const { tickets, continuationToken } = await backendFor(caller).planSplits(
            request,
            signal,
          )
          return create(PlanSplitsResponseSchema, { tickets: [...tickets], continuationToken })
        },
      ),
      readSplit: streamCall(
        door,
        (request: ReadSplitRequest, { signal, caller }) =>
          backendFor(caller).readSplit(request, signal),
        queryIdOf,
      ),
    },
  }
}

function unary<Input extends CallMessage, Output>(
  door: FederationDoor,
  respond: (request: Input, life: CallLife) => Promise<Output>,
) {
  return answerCall(door, respond, queryIdOf)
}
