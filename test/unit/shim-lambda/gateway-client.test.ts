import { status } from '@grpc/grpc-js'
import { Int32, Table, vectorFromArray } from 'apache-arrow'
import t, { type Test } from 'tap'
import { Federation } from '../../../proto/gen/spillway/v1/federation_pb.ts'
import {
  openGatewayClient,
  type GatewayClient,
  type TokenSource,
} from '../../../shim-lambda/gateway-client.ts'
import {
  blocksOf,
  fakeSchemas,
  startFakeGateway,
  statusError,
  type FakeGateway,
  type FakeGatewayScript,
} from '../../support/fake-gateway.ts'

const table = new Table({ n: vectorFromArray([1, 2, 3, 4, 5, 6, 7, 8], new Int32()) })
const never = new AbortController().signal
const inAMinute = (): Date => new Date(Date.now() + 60_000)
const noToken: TokenSource = { token: async () => null, renew: () => false }

async function start(
  t: Test,
  script: Partial<FakeGatewayScript> = {},
  tokens: TokenSource = noToken,
): Promise<{ gateway: FakeGateway; client: GatewayClient }> {
  const gateway = await startFakeGateway({ table, ...script })
  const settings = { address: gateway.address, tls: false, caFile: null }
  const client = openGatewayClient(settings, tokens)
  t.teardown(() => {
    client.close()
    gateway.close()
  })
  return { gateway, client }
}

const listSchemas = (client: GatewayClient, signal: AbortSignal = never) =>
  client.call(Federation.method.listSchemas, {}, inAMinute(), signal)

t.test('passes the deadline and the bearer token on', async (t) => {
  const { gateway, client } = await start(t, {}, { token: async () => 'abc', renew: () => false })
  const deadline = inAMinute()
  const answer = await client.call(Federation.method.listSchemas, {}, deadline, never)
  t.strictSame(answer.schemas, fakeSchemas)
  const [call] = gateway.calls
  t.equal(call?.authorization, 'Bearer abc')
  t.ok(Math.abs((call?.deadlineMs ?? 0) - deadline.getTime()) < 5_000)
})

t.test('streams blocks in order', async (t) => {
  const { client } = await start(t, { blocks: () => blocksOf(table, 3) })
  const sizes: number[] = []
  for await (const block of client.readSplit({}, inAMinute(), never))
    sizes.push(block.dataBody.length)
  t.equal(sizes.length, 3)
})

t.test('takes a block of 16 MB and refuses one of 18', async (t) => {
  let bodyBytes = 16_000_000
  const [block] = blocksOf(table, 8)
  const { client } = await start(t, {
    blocks: () => (block === undefined ? [] : [{ ...block, dataBody: new Uint8Array(bodyBytes) }]),
  })
  const first = await client.readSplit({}, inAMinute(), never).next()
  t.equal(first.value?.dataBody.length, bodyBytes)
  bodyBytes = 18_000_000
  await t.rejects(client.readSplit({}, inAMinute(), never).next(), { code: 'too_large' })
})

t.test('holds the gateway back while nobody takes blocks', async (t) => {
  let sent = 0
  const [block] = blocksOf(table, 8)
  const { client } = await start(t, {
    async *blocks() {
      if (block === undefined) return
      for (; sent < 200; sent += 1) yield { ...block, dataBody: new Uint8Array(1_000_000) }
    },
  })
  const blocks = client.readSplit({}, inAMinute(), never)
  await blocks.next()
  await new Promise((resolve) => setTimeout(resolve, 300))
  // One taken, one buffered, one held back, and what sockets and HTTP/2 windows hold.
  t.ok(sent < 20, `sent ${sent}`)
  await blocks.return()
})

t.test('cancels the call when its reader leaves or aborts', async (t) => {
  const { gateway, client } = await start(t, {
    async *blocks() {
      for (;;) {
        yield* blocksOf(table, 8)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  })
  for await (const block of client.readSplit({}, inAMinute(), never)) {
    t.ok(block)
    break
  }
  const stop = new AbortController()
  const reason = new Error('enough')
  const blocks = client.readSplit({}, inAMinute(), stop.signal)
  await blocks.next()
  stop.abort(reason)
  await t.rejects(async () => {
    for await (const block of blocks) t.ok(block)
  }, reason)
  while (gateway.cancelledCount() < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(gateway.cancelledCount(), 2)
})

t.test('aborts a call that is under way', async (t) => {
  const stop = new AbortController()
  const { client } = await start(t, { before: () => stop.abort(new Error('enough')) })
  await t.rejects(listSchemas(client, stop.signal), { message: 'enough' })
})

t.test('says what the gateway says', async (t) => {
  const details = 'table_not_found: there is no table a.b'
  const { gateway, client } = await start(t, {
    before: () => {
      throw statusError(status.NOT_FOUND, 'table_not_found', details)
    },
  })
  await t.rejects(listSchemas(client), { code: 'table_not_found', message: details })
  await t.rejects(client.readSplit({}, inAMinute(), never).next(), { message: details })
  t.equal(gateway.calls.length, 2, 'no second attempts')
})

t.test('does not ask again when the gateway itself said unavailable', async (t) => {
  const { gateway, client } = await start(t, {
    before: () => {
      throw statusError(status.UNAVAILABLE, 'unavailable', 'unavailable: the store is gone')
    },
  })
  await t.rejects(listSchemas(client), { code: 'unavailable' })
  t.equal(gateway.calls.length, 1)
})

t.test('asks a busy gateway again after the time it names, so often', async (t) => {
  const refusals = { left: 3, retryAfterSeconds: 0 }
  const script: Partial<FakeGatewayScript> = {
    before: () => {
      if (refusals.left-- <= 0) return
      const { retryAfterSeconds } = refusals
      throw statusError(status.UNAVAILABLE, 'busy', 'busy: 40 reads run', retryAfterSeconds)
    },
    blocks: () => blocksOf(table, 8),
  }
  const { gateway, client } = await start(t, script)
  t.strictSame((await listSchemas(client)).schemas, fakeSchemas)
  t.equal(gateway.calls.length, 4)
  Object.assign(refusals, { left: 1, retryAfterSeconds: 1 })
  const askedMs = Date.now()
  t.ok((await client.readSplit({}, inAMinute(), never).next()).value)
  t.ok(Date.now() - askedMs >= 990, 'the wait was kept')
  Object.assign(refusals, { left: Infinity, retryAfterSeconds: 0 })
  await t.rejects(listSchemas(client), { code: 'busy', message: 'busy: 40 reads run' })
  t.equal(gateway.calls.length, 4 + 2 + 9, 'once, and eight times more')
})

t.test('does not wait for a busy gateway beyond its own deadline, nor once aborted', async (t) => {
  const stop = new AbortController()
  let calls = 0
  const { gateway, client } = await start(t, {
    before: () => {
      calls += 1
      if (calls === 2) setTimeout(() => stop.abort(new Error('enough')), 20)
      throw statusError(status.UNAVAILABLE, 'busy', 'busy: 40 reads run', 10)
    },
  })
  const soon = new Date(Date.now() + 5_000)
  const { listSchemas: method } = Federation.method
  await t.rejects(client.call(method, {}, soon, never), { code: 'busy' })
  await t.rejects(client.call(method, {}, inAMinute(), stop.signal), { message: 'enough' })
  t.equal(gateway.calls.length, 2)
})

t.test('dials again when the connection broke between two calls', async (t) => {
  const first = await start(t)
  await listSchemas(first.client)
  const port = Number(first.gateway.address.split(':')[1])
  first.gateway.close()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { gateway } = await start(t, { port })
  t.strictSame((await listSchemas(first.client)).schemas, fakeSchemas)
  t.equal(gateway.calls.length, 1)
})

t.test('keeps its connection, and dials again after a silence that networks forget', async (t) => {
  const { gateway, client } = await start(t)
  const now = Date.now
  t.teardown(() => void (Date.now = now))
  for (const laterMs of [0, 200_000, 500_000]) {
    Date.now = () => now() + laterMs
    const deadline = new Date(Date.now() + 60_000)
    await client.call(Federation.method.listSchemas, {}, deadline, never)
  }
  const [first, second, third] = gateway.calls.map((call) => call.peer)
  t.equal(first, second)
  t.not(second, third)
})

t.test('asks once more when nothing came, then names the gateway', async (t) => {
  let attempts = 0
  const { gateway, client } = await start(t, {
    before: () => {
      attempts += 1
      throw statusError(status.UNAVAILABLE, null, 'connection reset')
    },
  })
  await t.rejects(listSchemas(client), {
    code: 'unavailable',
    message: `unavailable: gateway ${gateway.address}: connection reset`,
  })
  t.equal(attempts, 2)
  await t.rejects(client.readSplit({}, inAMinute(), never).next(), { code: 'unavailable' })
  t.equal(attempts, 4)
})

t.test('does not read a split twice once blocks came', async (t) => {
  const { gateway, client } = await start(t, {
    async *blocks() {
      yield* blocksOf(table, 8)
      await Promise.reject(statusError(status.UNAVAILABLE, null, 'connection reset'))
    },
  })
  await t.rejects(
    async () => {
      for await (const block of client.readSplit({}, inAMinute(), never)) t.ok(block)
    },
    { code: 'unavailable' },
  )
  t.equal(gateway.calls.length, 1)
})

t.test('reads a refused token again, once', async (t) => {
  const given = ['stale', 'fresh', 'stale', 'stale']
  let renewals = 0
  const tokens: TokenSource = {
    token: async () => given.shift() ?? null,
    renew: () => {
      renewals += 1
      return true
    },
  }
  const before: FakeGatewayScript['before'] = (_method, metadata) => {
    if (metadata.get('authorization')[0] === 'Bearer fresh') return
    throw statusError(status.UNAUTHENTICATED, 'unauthenticated', 'unauthenticated: who are you')
  }
  const { client } = await start(t, { before }, tokens)
  t.strictSame((await listSchemas(client)).schemas, fakeSchemas)
  t.equal(renewals, 1)
  await t.rejects(listSchemas(client), { code: 'unauthenticated' })
  t.equal(renewals, 2)
})

t.test('gives up at the deadline', async (t) => {
  const { client } = await start(t, {
    before: () => new Promise((resolve) => setTimeout(resolve, 2_000)),
  })
  const soon = new Date(Date.now() + 50)
  await t.rejects(client.call(Federation.method.listSchemas, {}, soon, never), {
    code: 'deadline_exceeded',
  })
})

t.test('names an authority file that cannot be read', async (t) => {
  const settings = { address: '127.0.0.1:1', tls: true, caFile: '/nowhere/ca.pem' }
  await t.rejects(listSchemas(openGatewayClient(settings, noToken)), {
    code: 'invalid_request',
    message: /SPILLWAY_GATEWAY_CA_FILE \/nowhere\/ca\.pem/,
  })
})
