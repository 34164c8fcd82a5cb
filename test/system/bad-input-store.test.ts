import t from 'tap'
import { functionFailure, invokeInProcess } from '../../service/athena/invoke.ts'
import { complaintOf, defectsIn, firstColumn } from '../support/ask-table.ts'
import { addUser } from '../support/failing-store-users.ts'
import { startFailingStore } from '../support/failing-store.ts'
import type { SeenRequest } from '../support/failing-store.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { startStack } from '../support/start-stack.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

const schema = 'fragile'
const query = { schema, table: 'numbers' }
const ids = sequence(10).map(String)
const numbers = writeParquet([['id', longs(sequence(10))]], { rowsPerGroup: 4 })

// Users and their rights, and a store that is stopped and comes back, are MinIO's own.
if (minioBinary() === undefined) {
  t.plan(0, 'there is no minio binary: NOT TESTED')
  process.exit(0)
}

/** A real MinIO with one table in it, reached through a door that misbehaves as told. */
const minio = await startMinio()
const door = await startFailingStore(minio.url)
const stack = await startStack({ store: { ...minio, url: door.url } })
t.teardown(async () => {
  await stack.close()
  await door.close()
  await minio.stop()
})
await stack.client.makeBucket(schema)
await stack.client.putObject(schema, 'tables/numbers/a.parquet', numbers)

const isRead = ({ url }: SeenRequest): boolean => url.endsWith('.parquet')
const isListing = ({ url }: SeenRequest): boolean => url.includes('list-type=2')

t.test('while the store refuses, each kind of request fails with what to do', async (t) => {
  const refusals = [
    [403, 'SignatureDoesNotMatch', /^unavailable: .*credentials.*check the keys/],
    [403, 'ExpiredToken', /^unavailable: .*credentials.*have ended/],
    [403, 'AccessDenied', /^unavailable: .*refused s3:\w+ on .*; grant it to/],
    [403, 'RequestTimeTooSkewed', /^unavailable: .*set the clocks/],
    [503, 'SlowDown', /^unavailable: .*overloaded or down \(503 SlowDown\)/],
    [500, 'InternalError', /^unavailable: .*overloaded or down \(500 InternalError\)/],
    [502, undefined, /^unavailable: .*overloaded or down \(502\)/],
    [404, undefined, /^unavailable: .*is it an S3 store\?/],
  ] as const
  for (const [status, code, message] of refusals) {
    for (const when of [isRead, isListing]) {
      door.faults.refuse = async (request) =>
        when(request) ? { status, ...(code !== undefined && { code }) } : undefined
      const said = await complaintOf(stack, query)
      t.match(said, message)
      t.match(said, code === 'RequestTimeTooSkewed' ? door.url : schema, 'the object is named')
      t.notMatch(said, minio.secretKey)
    }
  }
  door.faults.refuse = undefined
  t.strictSame(await firstColumn(stack, query), ids, 'as soon as it is let in, it answers')
})

t.test('a store that stumbles now and then is asked again, and no row is lost', async (t) => {
  let turn = 0
  door.faults.refuse = async (request) =>
    (isRead(request) || isListing(request)) && turn++ % 2 === 0
      ? { status: 503, code: 'SlowDown' }
      : undefined
  t.strictSame(await firstColumn(stack, query), ids)
  door.faults.refuse = undefined
  t.ok(turn >= 4)
})

t.test('a store that is slow to answer gives the same rows', async (t) => {
  door.faults.latencyMs = 100
  t.strictSame(await firstColumn(stack, query), ids)
  delete door.faults.latencyMs
})

t.test('readiness tells why the store does not let us in', async (t) => {
  door.faults.refuse = async () => ({ status: 403, code: 'InvalidAccessKeyId' })
  const answer = await fetch(`${stack.http}/readyz`)
  t.equal(answer.status, 503)
  t.match(await answer.json(), { error: { code: 'unavailable', message: /check the keys/ } })
  t.equal((await fetch(`${stack.http}/healthz`)).status, 200)
  door.faults.refuse = undefined
  t.equal((await fetch(`${stack.http}/readyz`)).status, 200)
})

t.test('connections cut in the middle of an answer are made again', async (t) => {
  const proxy = await startTcpProxy(minio.url)
  const wired = await startStack({ store: { ...minio, url: proxy.url } })
  t.teardown(async () => {
    await wired.close()
    await proxy.close()
  })
  t.strictSame(await firstColumn(wired, query), ids)
  for (const fault of ['resetAfterBytes', 'endAfterBytes'] as const) {
    proxy.faults[fault] = 200
    const asked = firstColumn(wired, query)
    setTimeout(() => delete proxy.faults[fault], 20)
    t.strictSame(await asked, ids)
  }
  t.strictSame(defectsIn(wired), [])
})

t.test('a store that falls silent ends the call when Lambda would, and wakes again', async (t) => {
  const proxy = await startTcpProxy(minio.url)
  const wired = await startStack({ store: { ...minio, url: proxy.url } })
  t.teardown(async () => {
    await wired.close()
    await proxy.close()
  })
  t.strictSame(await firstColumn(wired, query), ids)
  proxy.faults.stallAfterBytes = 300
  const hurried = wired.engine({ invoke: invokeInProcess(wired.handler, { timeoutMs: 3_000 }) })
  const failed = await hurried
    .query(query, AbortSignal.timeout(30_000))
    .then(() => undefined, functionFailure)
  t.match(failed?.errorMessage, /^deadline_exceeded: /)
  delete proxy.faults.stallAfterBytes
  t.strictSame(await firstColumn(wired, query), ids)
  t.strictSame(defectsIn(wired), [])
})

t.test('a store that is down is named, and the service goes on when it is back', async (t) => {
  const first = await startMinio()
  const own = await startStack({ store: first })
  t.teardown(() => own.close())
  await own.client.makeBucket(schema)
  await own.client.putObject(schema, 'tables/numbers/a.parquet', numbers)
  t.strictSame(await firstColumn(own, query), ids)
  await first.stop()
  const said = await complaintOf(own, query)
  t.match(said, /^unavailable: .*refuses connections; check that it runs there/)
  t.match(said, first.url)
  t.equal((await fetch(`${own.http}/readyz`)).status, 503)

  const second = await startMinio({ port: Number(new URL(first.url).port) })
  t.teardown(() => second.stop())
  await own.client.makeBucket(schema)
  await own.client.putObject(schema, 'tables/numbers/a.parquet', numbers)
  t.strictSame(await firstColumn(own, query), ids)
  t.strictSame(defectsIn(own), [])
})

t.test('a wrong secret key is told as such, and never shown', async (t) => {
  const own = await startStack({
    store: minio,
    gateway: { SPILLWAY_STORE_SECRET_KEY: 'not-the-secret' },
  })
  t.teardown(() => own.close())
  const said = await complaintOf(own, query)
  t.match(said, /^unavailable: .*SignatureDoesNotMatch.*check the keys/)
  t.notMatch([said, ...own.log].join('\n'), 'not-the-secret')
})

t.test(
  'who may read one folder reads that, and is told what is missing for the others',
  async (t) => {
    await stack.client.putObject(schema, 'tables/open/a.parquet', numbers)
    const user = await addUser(minio, 'limited', [
      { actions: ['ListBucket'], resources: [schema] },
      { actions: ['GetObject'], resources: [`${schema}/tables/open/*`] },
    ])
    const own = await startStack({
      store: minio,
      gateway: {
        SPILLWAY_STORE_ACCESS_KEY: user.accessKey,
        SPILLWAY_STORE_SECRET_KEY: user.secretKey,
      },
    })
    t.teardown(() => own.close())
    t.strictSame(await own.engine().listSchemas(AbortSignal.timeout(10_000)), [schema])
    t.strictSame(await firstColumn(own, { schema, table: 'open' }), ids)
    const said = await complaintOf(own, query)
    t.match(said, /^unavailable: the store refused s3:GetObject on /)
    t.match(said, `${schema}/tables/numbers/a.parquet`)
    t.match(said, 'grant it')
    t.strictSame(await firstColumn(own, { schema, table: 'open' }), ids)
    t.strictSame(defectsIn(own), [])
  },
)

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(await firstColumn(stack, query), ids)
  t.strictSame(defectsIn(stack), [])
})
