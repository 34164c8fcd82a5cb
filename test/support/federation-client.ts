import { create } from '@bufbuild/protobuf'
import {
  Client,
  credentials,
  type CallOptions,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import {
  Federation,
  ReadSplitRequestSchema,
  type Block,
  type ReadSplitRequest,
} from '../../proto/gen/spillway/v1/federation_pb.ts'
import { methodDefinition } from '../../service/grpc/service-definition.ts'
import { metadataOf, type UnaryCall, unaryCall } from './unary-call.ts'

export interface TableName {
  readonly schema: string
  readonly table: string
}

export interface PlanOptions extends TableName {
  /** Default: as many as the gateway likes. */
  readonly splitCountMax?: number
}

/** A bare client of a gateway: no second attempts, errors as gRPC gives them. */
export interface FederationClient {
  readonly call: UnaryCall
  /** What it takes to read every split of a table, in order; pages after the first may be asked of another. */
  plan(request: PlanOptions, next?: FederationClient): Promise<ReadSplitRequest[]>
  readSplit(request: ReadSplitRequest, options?: CallOptions): ClientReadableStream<Block>
  /** gRPC's own health service, of the whole server. */
  health(): Promise<string>
  watchHealth(): ClientReadableStream<{ readonly status: string }>
  close(): void
}

/** How a call failed. */
export interface CallFailure {
  readonly status: number
  readonly details: string
  /** The trailer `spillway-code`. */
  readonly code: string | undefined
}

/** @param headers of every call, such as a caller's token */
export function federationClient(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): FederationClient {
  // No pool of connections shared with other clients: `close` closes what this one opened.
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  })
  const federation: FederationClient = {
    call: unaryCall(client, headers),
    plan: async (request, next = federation) => {
      const { schema, table } = request
      const name = { schema, table }
      const { arrowSchema } = await federation.call(Federation.method.describeTable, name)
      const method = Federation.method.planSplits
      let page = await federation.call(method, request)
      const tickets = [...page.tickets]
      while (page.continuationToken !== '') {
        const { continuationToken } = page
        page = await next.call(method, { ...request, continuationToken })
        tickets.push(...page.tickets)
      }
      return tickets.map((ticket) =>
        create(ReadSplitRequestSchema, { ...name, ticket, arrowSchema }),
      )
    },
    readSplit: (request, options = {}) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(
        Federation.method.readSplit,
      )
      return client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(headers),
        options,
      )
    },
    health: () => {
      const { path, requestSerialize, responseDeserialize } = healthMethod('Check')
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { service: '' },
          (error, answer) => (answer === undefined ? reject(error) : resolve(answer.status)),
        )
      })
    },
    watchHealth: () => {
      const { path, requestSerialize, responseDeserialize } = healthMethod('Watch')
      return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
        service: '',
      })
    },
    close: () => client.close(),
  }
  return federation
}

/** The failure of a call or of a stream; one that goes well is an error. */
export async function failureOf(
  answer: Promise<unknown> | ClientReadableStream<unknown>,
): Promise<CallFailure> {
  try {
    if (answer instanceof Promise) await answer
    else await readAll(answer)
  } catch (error) {
    const { code: status, details, metadata } = error as ServiceError
    return { status, details, code: metadata?.get('spillway-code')[0]?.toString() }
  }
  throw new Error('the call went well')
}

/** The blocks of a stream to its end. */
export async function readAll<T>(stream: ClientReadableStream<T>): Promise<T[]> {
  const blocks: T[] = []
  for await (const block of stream) blocks.push(block as T)
  return blocks
}

interface HealthMethod {
  readonly path: string
  readonly requestSerialize: (request: { readonly service: string }) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => { readonly status: string }
}

function healthMethod(name: 'Check' | 'Watch'): HealthMethod {
  return healthService[name] as unknown as HealthMethod
}
