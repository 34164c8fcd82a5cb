import {
  Client,
  credentials,
  status,
  type ChannelCredentials,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { FlightService } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { Federation } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { metadataOf } from './unary-call.ts'

/** Every method that the gateway has, by its path. */
export const allMethods: readonly string[] = [
  ...[FlightService, Federation].flatMap(({ typeName, methods }) =>
    methods.map(({ name }) => `/${typeName}/${name}`),
  ),
  ...Object.values(healthService).map(({ path }) => path),
]

/** Calls of whatever method, with bytes that nobody made sense of. */
export interface AnyCaller {
  /** Sends one empty message, reads one or the end, and tells the status and the headers and trailers until then. */
  call(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: status; readonly metadata: readonly Metadata[] }>
  close(): void
}

export function anyCaller(address: string, channel?: ChannelCredentials): AnyCaller {
  const client = new Client(address, channel ?? credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  })
  const same = (bytes: Buffer): Buffer => bytes
  return {
    call: (path, headers = {}) =>
      new Promise((resolve) => {
        const metadata: Metadata[] = []
        const deadline = Date.now() + 30_000
        const call = client.makeBidiStreamRequest(path, same, same, metadataOf(headers), {
          deadline,
        })
        call.on('metadata', (some) => metadata.push(some))
        call.on('data', () => {
          resolve({ status: status.OK, metadata })
          call.cancel()
        })
        call.on('error', ({ code, metadata: trailers }: ServiceError) =>
          resolve({ status: code, metadata: [...metadata, trailers] }),
        )
        call.on('status', ({ code, metadata: trailers }) =>
          resolve({ status: code, metadata: [...metadata, trailers] }),
        )
        call.end(Buffer.alloc(0))
      }),
    close: () => client.close(),
  }
}
