import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { Client, credentials, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { Federation } from '../../../proto/gen/spillway/v1/federation_pb.ts'
import { identifyAnybody } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { FederationBackend } from '../../../service/federation/federation-service.ts'
import { federationService } from '../../../service/federation/federation-service.ts'
import type { GrpcServerOptions } from '../../../service/grpc/grpc-server.ts'
import { grpcServer } from '../../../service/grpc/grpc-server.ts'
import { methodDefinition } from '../../../service/grpc/service-definition.ts'
import {
  testAuthority,
  testCertificate,
  testCertificateKey,
} from '../../support/embedded-certificate.ts'
import { failureOf, federationClient } from '../../support/federation-client.ts'
import { unchangingTls } from '../../support/tls-source.ts'

const { listSchemas, planSplits } = Federation.method
const drainMs = 10_000

/** A server whose only answer is a list of schemas. */
function schemaServer(
  listSchemas: FederationBackend['listSchemas'],
  options: Partial<GrpcServerOptions> = {},
) {
  const unasked = async () => {
    throw new Error('nobody asks this')
  }
  const backend: FederationBackend = {
    listSchemas,
    listTables: unasked,
    describeTable: unasked,
    planSplits: unasked,
    readSplit: () => {
      throw new GatewayError('table_not_found', 'there is no such table')
    },
  }
  const keeper = {
    observe() {},
    translate: (reason: unknown) => GatewayError.from(reason),
    identify: identifyAnybody,
  }
  const service = federationService({ ...keeper, backendFor: () => backend })
  return grpcServer({ host: '127.0.0.1', port: 0, services: [service], ...keeper, ...options })
}

async function listening(t: Test, ...given: Parameters<typeof schemaServer>) {
  const server = schemaServer(...given)
  const address = await server.listen()
  const client = federationClient(address)
  t.teardown(async () => {
    client.close()
    await server.close(0)
  })
  return { server, address, client }
}

t.test('listens on a free port, answers and says that it serves', async (t) => {
  const { address, client } = await listening(t, async () => ['lake'])
  t.match(address, /^127\.0\.0\.1:[1-9]\d*$/)
  t.strictSame((await client.call(listSchemas, {})).schemas, ['lake'])
  t.equal(await client.health(), 'SERVING')
})

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
const noIpv6 = !addresses.some(({ address }) => address === '::1') && 'this machine has no IPv6'

t.test('an IPv6 address is told with its brackets', { skip: noIpv6 }, async (t) => {
  const { address, client } = await listening(t, async () => ['lake'], { host: '::1' })
  t.match(address, /^\[::1\]:[1-9]\d*$/)
  t.strictSame((await client.call(listSchemas, {})).schemas, ['lake'])
})

t.test('a port that is taken is an error that names it', async (t) => {
  const { address } = await listening(t, async () => [])
  const port = Number(address.split(':')[1])
  const second = schemaServer(async () => [], { port })
  await t.rejects(second.listen(), {
    code: 'unavailable',
    message: new RegExp(`^cannot listen on ${address}: `),
  })
})

t.test('a request larger than 8 MiB is refused', async (t) => {
  const { client } = await listening(t, async () => [])
  const constraintsJson = 'x'.repeat(8 * 1024 * 1024)
  t.match(await failureOf(client.call(planSplits, { constraintsJson })), {
    status: status.RESOURCE_EXHAUSTED,
  })
})

t.test('an unknown error is internal, its text is not told', async (t) => {
  const { client } = await listening(t, async () => {
    throw new Error('secret')
  })
  t.strictSame(await failureOf(client.call(listSchemas, {})), {
    status: status.INTERNAL,
    code: 'internal',
    details: 'internal: internal error',
  })
})

t.test('draining waits for a running call and takes no new one', async (t) => {
  let answer: (schemas: readonly string[]) => void = () => {}
  let asked: () => void = () => {}
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const { server, address, client } = await listening(t, () => {
    asked()
    return new Promise((resolve) => (answer = resolve))
  })
  const running = client.call(listSchemas, {})
  await isAsked
  const closed = server.close(drainMs)
  const late = federationClient(address)
  t.teardown(() => late.close())
  t.match(await failureOf(late.call(listSchemas, {})), { status: status.UNAVAILABLE })
  answer(['lake'])
  t.strictSame((await running).schemas, ['lake'])
  await closed
})

t.test('a call that never ends is ended when the time is up, and hears of it', async (t) => {
  let heard: unknown
  let asked: () => void = () => {}
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const { server, client } = await listening(t, (signal) => {
    asked()
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        heard = signal.reason
        reject(signal.reason)
      })
    })
  })
  const running = failureOf(client.call(listSchemas, {}))
  await isAsked
  await server.close(20)
  t.match(await running, { status: status.CANCELLED })
  t.match(heard, { code: 'cancelled' })
})

t.test('watchers of the health are told of the drain and let go', async (t) => {
  const { server, client } = await listening(t, async () => [])
  const watch = client.watchHealth()
  const heard: string[] = []
  watch.on('data', ({ status }: { status: string }) => heard.push(status))
  await once(watch, 'data')
  await Promise.all([server.close(drainMs), once(watch, 'end')])
  t.strictSame(heard, ['SERVING', 'NOT_SERVING'])
})

t.test('with TLS, and a client that must show a certificate', async (t) => {
  const pair = { certificate: Buffer.from(testCertificate), key: Buffer.from(testCertificateKey) }
  const authority = Buffer.from(testAuthority)
  const { path, requestSerialize, responseDeserialize } = methodDefinition(listSchemas)
  const ask = async (address: string): Promise<unknown> => {
    const client = new Client(address, credentials.createSsl(authority))
    t.teardown(() => client.close())
    return new Promise((resolve, reject) => {
      const request = { $typeName: 'spillway.v1.ListSchemasRequest' } as const
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        (error, answer) => (error ? reject(error) : resolve(answer?.schemas)),
      )
    })
  }
  const open = await listening(t, async () => ['lake'], { tls: unchangingTls(pair) })
  t.strictSame(await ask(open.address), ['lake'])
  t.match(await failureOf(open.client.call(listSchemas, {})), { status: status.UNAVAILABLE })
  const mutual = await listening(t, async () => ['lake'], {
    tls: unchangingTls({ ...pair, clientAuthority: authority }),
  })
  t.match(await failureOf(ask(mutual.address)), { status: status.UNAVAILABLE })
})
