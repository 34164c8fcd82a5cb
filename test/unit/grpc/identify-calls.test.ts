import { create } from '@bufbuild/protobuf'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import {
  Federation,
  ListSchemasResponseSchema,
} from '../../../proto/gen/spillway/v1/federation_pb.ts'
import {
  anonymous,
  type Identify,
  type ShownCredentials,
} from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { GrpcService } from '../../../service/grpc/grpc-server.ts'
import { grpcServer } from '../../../service/grpc/grpc-server.ts'
import { answerCall } from '../../../service/grpc/serve-call.ts'
import { methodDefinition } from '../../../service/grpc/service-definition.ts'
import { federationClient } from '../../support/federation-client.ts'

const { listSchemas } = Federation.method
const path = methodDefinition(listSchemas).path

/** A server that tells who it let in, and what it was shown. */
async function guarded(t: Test, { openPath = false } = {}) {
  const shown: ShownCredentials[] = []
  const calls: { caller: string; code: string }[] = []
  const asked: string[] = []
  const identify: Identify = async (credentials) => {
    shown.push(credentials)
    if (credentials.authorization !== 'Bearer good')
      throw new GatewayError('unauthenticated', 'nobody is known by this')
    return { ...anonymous, name: 'etl' }
  }
  const keeper = {
    observe: ({ caller, error }: { caller: string; error: GatewayError | undefined }) =>
      void calls.push({ caller, code: error?.code ?? 'ok' }),
    translate: (reason: unknown) => GatewayError.from(reason),
  }
  const service: GrpcService = {
    definition: { listSchemas: methodDefinition(listSchemas) },
    implementation: {
      listSchemas: answerCall(keeper, async (_, { caller }) => {
        asked.push(caller.name)
        return create(ListSchemasResponseSchema, { schemas: [caller.name] })
      }),
    },
    ...(openPath && { selfIdentified: [path] }),
  }
  const server = grpcServer({
    host: '127.0.0.1',
    port: 0,
    ...keeper,
    identify,
    services: [service],
  })
  const address = await server.listen()
  const client = new Client(address, credentials.createInsecure())
  t.teardown(async () => {
    client.close()
    await server.close(0)
  })
  return { address, client, shown, calls, asked }
}

function call(client: Client, method: string, metadata: Metadata): Promise<number> {
  return new Promise((resolve) => {
    const pass = (bytes: Buffer) => bytes
    client.makeUnaryRequest(method, pass, pass, Buffer.alloc(0), metadata, (error) =>
      resolve(error?.code ?? status.OK),
    )
  })
}

function metadataOf(fields: Readonly<Record<string, string | Buffer>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value)
  return metadata
}

t.test('who is known is let in, under its name', async (t) => {
  const { client, calls, asked } = await guarded(t)
  t.equal(await call(client, path, metadataOf({ authorization: 'Bearer good' })), status.OK)
  t.strictSame(asked, ['etl'])
  t.strictSame(calls, [{ caller: 'etl', code: 'ok' }])
})

t.test('who is not known is refused before anything is read, and observed', async (t) => {
  const { client, calls, asked, shown } = await guarded(t)
  const refused = [{}, { authorization: 'Bearer bad' }, { 'auth-token-bin': Buffer.from('bad') }]
  for (const fields of refused) {
    t.equal(await call(client, path, metadataOf(fields)), status.UNAUTHENTICATED)
  }
  t.strictSame(shown, [{}, { authorization: 'Bearer bad' }, { token: 'bad' }])
  t.strictSame(asked, [])
  t.strictSame(
    calls,
    refused.map(() => ({ caller: '', code: 'unauthenticated' })),
  )
})

t.test('health, and methods that there are not, are no different', async (t) => {
  const { address, client } = await guarded(t)
  const health = federationClient(address)
  t.teardown(() => health.close())
  await t.rejects(health.health(), { code: status.UNAUTHENTICATED })
  for (const method of ['/grpc.health.v1.Health/Check', '/a.B/C', '/grpc.health.v1.Health/List']) {
    t.equal(await call(client, method, metadataOf({})), status.UNAUTHENTICATED, method)
  }
  const known = metadataOf({ authorization: 'Bearer good' })
  t.equal(await call(client, '/a.B/C', known), status.UNIMPLEMENTED)
})

t.test('a method that asks by itself is not let in by anybody else', async (t) => {
  const { client, shown, asked } = await guarded(t, { openPath: true })
  t.not(await call(client, path, metadataOf({ authorization: 'Bearer good' })), status.OK)
  t.strictSame([shown, asked], [[], []], 'no caller, no answer')
})
