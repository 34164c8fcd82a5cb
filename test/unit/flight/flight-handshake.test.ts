import { create, toBinary } from '@bufbuild/protobuf'
import t from 'tap'
import {
  BasicAuthSchema,
  FlightService,
  HandshakeRequestSchema,
} from '../../../proto/gen/arrow/flight/flight_pb.ts'
import { bearerToken } from '../../../service/credentials/bearer-token.ts'
import type { ShownCredentials } from '../../../service/credentials/caller.ts'
import { anonymous, identifyAnybody } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import { handshake } from '../../../service/flight/flight-handshake.ts'
import { grpcServer } from '../../../service/grpc/grpc-server.ts'
import { methodDefinition } from '../../../service/grpc/service-definition.ts'
import { failureOf, readAll } from '../../support/federation-client.ts'
import { flightClient } from '../../support/flight-client.ts'

const { method } = FlightService
const seen: ShownCredentials[] = []
const ended: (string | undefined)[] = []
const names: string[] = []
const keeper = {
  observe({ error, caller }: { error: GatewayError | undefined; caller: string }) {
    ended.push(error?.code)
    names.push(caller)
  },
  translate: (reason: unknown) => GatewayError.from(reason),
}
const door = handshake(keeper, async (shown) => {
  seen.push(shown)
  if (bearerToken(shown)?.token.reveal() === 'wrong')
    throw new GatewayError('unauthenticated', 'no such token')
  return { ...anonymous, name: 'me' }
})
const refuseAll = async () => {
  throw new GatewayError('unauthenticated', 'the server was asked')
}
const server = grpcServer({
  host: '127.0.0.1',
  port: 0,
  ...keeper,
  identify: refuseAll,
  services: [
    {
      definition: { handshake: methodDefinition(method.handshake) },
      implementation: { handshake: door },
      selfIdentified: [methodDefinition(method.handshake).path],
    },
  ],
})
const flight = flightClient(await server.listen())
t.teardown(async () => {
  flight.close()
  await server.close(1_000)
})
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const talk = (authorization?: string) =>
  flight.talk(method.handshake, authorization === undefined ? {} : { authorization })
const headerOf = (call: ReturnType<typeof talk>) =>
  new Promise<string | undefined>((resolve) =>
    call.on('metadata', (metadata) => resolve(metadata.get('authorization')[0]?.toString())),
  )

t.test('a header is answered by a header, before anything was said', async (t) => {
  const call = talk(basic('me:secret:with:colons'))
  t.equal(await headerOf(call), 'Bearer secret:with:colons')
  t.strictSame(await readAll(call), [], 'no message, for Rust takes one at most')
  t.strictSame(seen.at(-1), { authorization: basic('me:secret:with:colons') })
  t.equal(names.at(-1), 'me', 'the log knows who it was')
})

t.test('it is answered whether the client sends an empty message or closes at once', async (t) => {
  for (const begin of [
    (call: ReturnType<typeof talk>) => void call.write(create(HandshakeRequestSchema)),
    (call: ReturnType<typeof talk>) => void call.end(),
  ]) {
    const call = talk('Bearer secret')
    begin(call)
    const [header, messages] = await Promise.all([headerOf(call), readAll(call)])
    t.equal(header, 'Bearer secret')
    t.strictSame(messages, [])
    t.strictSame(seen.at(-1), { authorization: 'Bearer secret' })
  }
})

t.test('a payload is answered by a payload, though the client goes on talking', async (t) => {
  const call = talk()
  const auth = create(BasicAuthSchema, { username: 'me', password: 'secret' })
  call.write(create(HandshakeRequestSchema))
  call.write(create(HandshakeRequestSchema, { payload: toBinary(BasicAuthSchema, auth) }))
  const [answer] = await readAll(call)
  t.equal(Buffer.from(answer?.payload ?? []).toString(), 'secret')
  t.strictSame(seen.at(-1), { authorization: basic('me:secret') })
})

t.test('who shows nothing and closes is asked for its certificate alone', async (t) => {
  const call = talk()
  call.end()
  t.strictSame(await readAll(call), [])
  t.equal(ended.at(-1), undefined)
  t.strictSame(seen.at(-1), {})
})

t.test('what is wrong or not understood is unauthenticated', async (t) => {
  const refused = async (call: ReturnType<typeof talk>) => {
    const failure = await failureOf(call)
    t.match(failure, { status: 16, code: 'unauthenticated' })
    t.equal(ended.at(-1), 'unauthenticated')
  }
  await refused(talk(basic('me:wrong')))
  await refused(talk('nonsense'))
  await refused(talk('Basic !!!'))
  const call = talk()
  call.write(create(HandshakeRequestSchema, { payload: Buffer.from('\xff\xff') }))
  await refused(call)
})

t.test('a client that hangs up is forgotten', async (t) => {
  const before = ended.length
  const call = talk()
  call.on('error', () => {})
  call.write(create(HandshakeRequestSchema))
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(ended.length, before, 'it was waited for')
  call.cancel()
  for (let turn = 0; turn < 100 && ended.length === before; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.equal(ended.length, before + 1)
})

t.test('without callers everybody gets a token fit for a header', async (t) => {
  const anybody = grpcServer({
    host: '127.0.0.1',
    port: 0,
    ...keeper,
    identify: identifyAnybody,
    services: [
      {
        definition: { handshake: methodDefinition(method.handshake) },
        implementation: { handshake: handshake(keeper, identifyAnybody) },
      },
    ],
  })
  const client = flightClient(await anybody.listen())
  t.teardown(async () => {
    client.close()
    await anybody.close(1_000)
  })
  const tokens = { secret: 'secret', '': 'anonymous', 'two\nlines': 'anonymous' }
  for (const [given, kept] of Object.entries(tokens)) {
    const call = client.talk(method.handshake, { authorization: basic(`me:${given}`) })
    call.end()
    const [header] = await Promise.all([headerOf(call), readAll(call)])
    t.equal(header, `Bearer ${kept}`)
  }
})
