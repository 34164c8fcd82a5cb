import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Secret } from '../../service/credentials/secret.ts'
import type {
  StoreCredentials,
  StoreCredentialsSource,
} from '../../service/credentials/store-credentials.ts'
import type { ObjectVersion } from '../../service/objects/object-store.ts'
import { s3Store } from '../../service/objects/s3-store.ts'
import type { S3StoreOptions } from '../../service/objects/s3-store.ts'
import { withRetry } from '../../service/objects/with-retry.ts'
import { freePort } from '../support/free-port.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import type { TcpFaults, TcpProxy } from '../support/tcp-proxy.ts'
import { find, readWhole } from './object-store-subject.ts'
import type { StoreAddress, StoreSubject } from './object-store-subject.ts'

const OBJECT_BYTES = 8 << 20
const anySignal = (): AbortSignal => new AbortController().signal

/** What a network and wrong keys do to a store, tried through a wire that can be cut. */
export async function objectStoreFaults(
  t: Test,
  subject: StoreSubject,
  address: StoreAddress,
): Promise<void> {
  await subject.put('alpha', 'faults/data', Buffer.alloc(OBJECT_BYTES, 'x'))
  const object = await find(subject.store, 'alpha', 'faults/data')
  await cancelCases(t, object, address)
  await silenceCases(t, object, address)
  await brokenCases(t, object, address)
  await poolCases(t, object, address)
  await refusedCases(t, object, address)
}

async function cancelCases(t: Test, object: ObjectVersion, address: StoreAddress): Promise<void> {
  await t.test('cancelling in the middle of a body closes the socket', async (t) => {
    const { proxy, store } = await wired(t, address, { stallAfterBytes: 100_000 })
    const controller = new AbortController()
    const range = { start: 0, end: OBJECT_BYTES }
    const read = store.read({ object, range }, controller.signal)
    await until(() => proxy.answeredBytes() >= 100_000)
    t.equal(proxy.openCount(), 1)
    controller.abort()
    await t.rejects(read, { code: 'cancelled' })
    await proxy.whenOpen(0)

    delete proxy.faults.stallAfterBytes
    t.equal((await readWhole(store, object)).length, OBJECT_BYTES, 'the next read is good')
  })
  await t.test('cancelling before the answer closes the socket', async (t) => {
    const { proxy, store } = await wired(t, address, { stallAfterBytes: 0 })
    const controller = new AbortController()
    const list = store.list({ bucket: 'alpha', prefix: '', shallow: true }, controller.signal)
    await proxy.whenOpen(1)
    controller.abort()
    await t.rejects(list, { code: 'cancelled' })
    await proxy.whenOpen(0)
  })
}

async function silenceCases(t: Test, object: ObjectVersion, address: StoreAddress): Promise<void> {
  for (const stallAfterBytes of [0, 100_000])
    await t.test(`a store that stalls after ${stallAfterBytes} bytes is given up`, async (t) => {
      const { proxy, store } = await wired(t, address, { stallAfterBytes }, { silenceMsMax: 150 })
      await t.rejects(readWhole(store, object), { code: 'unavailable', message: /in time/ })
      await proxy.whenOpen(0)
    })
  await t.test('a request has an end even while bytes come', async (t) => {
    const { proxy, store } = await wired(t, address, { stallAfterBytes: 0 }, { requestMsMax: 150 })
    await t.rejects(readWhole(store, object), { code: 'unavailable', message: /150 ms/ })
    await proxy.whenOpen(0)
  })
}

async function brokenCases(t: Test, object: ObjectVersion, address: StoreAddress): Promise<void> {
  for (const faults of [{ resetAfterBytes: 100_000 }, { endAfterBytes: 100_000 }])
    await t.test(`half a body is no body: ${Object.keys(faults).join('')}`, async (t) => {
      const { proxy, store } = await wired(t, address, faults)
      await t.rejects(readWhole(store, object), { code: 'unavailable', message: /127\.0\.0\.1/ })
      await proxy.whenOpen(0)
    })
  await t.test('a read that broke is tried again', async (t) => {
    const { proxy, store } = await wired(t, address, { resetAfterBytes: 100_000 })
    const wait = async (): Promise<void> => {
      delete proxy.faults.resetAfterBytes
    }
    const bytes = await readWhole(withRetry(store, { wait }), object)
    t.equal(bytes.length, OBJECT_BYTES)
    t.equal(proxy.connectionCount(), 2)
  })
  await t.test('nobody listens', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}`
    const store = s3Store({ url }, counted(address).source)
    const nobody = { code: 'unavailable', message: `the store ${url} refuses connections` }
    await t.rejects(store.listBuckets(anySignal()), { ...nobody, message: new RegExp(url) })
  })
}

async function poolCases(t: Test, object: ObjectVersion, address: StoreAddress): Promise<void> {
  const range = { start: 0, end: 100 }
  await t.test('connections are kept and used again', async (t) => {
    const { proxy, store } = await wired(t, address, {})
    for (let round = 0; round < 20; round++) await store.read({ object, range }, anySignal())
    t.equal(proxy.connectionCount(), 1)
  })
  await t.test('there are no more connections than allowed', async (t) => {
    const { proxy, store } = await wired(t, address, {}, { connectionsMax: 4 })
    const reads = Array.from({ length: 24 }, () => store.read({ object, range }, anySignal()))
    t.equal((await Promise.all(reads)).length, 24)
    t.equal(proxy.connectionCount(), 4)
  })
  await t.test('an error leaves its connection usable', async (t) => {
    const { proxy, store } = await wired(t, address, {})
    const missing = { ...object, key: 'faults/missing' }
    for (let round = 0; round < 5; round++)
      await t.rejects(store.read({ object: missing, range }, anySignal()), {
        code: 'object_changed',
      })
    t.equal(proxy.connectionCount(), 1)
  })
}

async function refusedCases(t: Test, object: ObjectVersion, address: StoreAddress): Promise<void> {
  const { url, open = s3Store } = address
  const wrong = { ...address, secretKey: 'not the secret' }
  await t.test('refused credentials are renewed once, and what is missing is said', async (t) => {
    const { source, asked } = counted(wrong)
    const store = open({ url }, source)
    t.teardown(() => store.close())
    const error = await readWhole(store, object).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    t.match(error, { code: 'unavailable', message: /credentials.*s3:GetObject.*faults\/data/ })
    t.notMatch(JSON.stringify(error) + String(error), /not the secret/)
    t.strictSame(asked(), { gets: 2, expiries: 1 })
  })
  await t.test('fresh credentials are used at once', async (t) => {
    const { source, asked } = counted(wrong, address)
    const store = open({ url }, source)
    t.teardown(() => store.close())
    t.equal((await readWhole(store, object)).length, OBJECT_BYTES)
    t.strictSame(asked(), { gets: 2, expiries: 1 })
  })
}

/** A store behind a proxy, both closed at the end of the test. */
async function wired(
  t: Test,
  address: StoreAddress,
  faults: TcpFaults,
  options: Partial<S3StoreOptions> = {},
): Promise<{ proxy: TcpProxy; store: ReturnType<typeof s3Store> }> {
  const proxy = await startTcpProxy(address.url, faults)
  const { open = s3Store } = address
  const store = open({ url: proxy.url, ...options }, counted(address).source)
  t.teardown(async () => {
    store.close()
    await proxy.close()
  })
  return { proxy, store }
}

/** Credentials that move on to the next of the list when they are refused. */
function counted(...addresses: readonly StoreAddress[]): {
  source: StoreCredentialsSource
  asked: () => { gets: number; expiries: number }
} {
  let gets = 0
  let expiries = 0
  const source = {
    async get(): Promise<StoreCredentials> {
      gets++
      const { accessKey = '', secretKey = '' } =
        addresses[Math.min(expiries, addresses.length - 1)] ?? {}
      return { accessKey, secretKey: new Secret(secretKey) }
    },
    expire() {
      expiries++
    },
  }
  return { source, asked: () => ({ gets, expiries }) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}
