import t from 'tap'
import { CachedCredentials } from '../../../service/credentials/cached-credentials.ts'
import { Secret } from '../../../service/credentials/secret.ts'
import type {
  CredentialsProvider,
  RetrieveRequest,
  StoreCredentials,
} from '../../../service/credentials/store-credentials.ts'
import { GatewayError } from '../../../service/errors.ts'

const MINUTE_MS = 60_000
const forEver = (): AbortSignal => new AbortController().signal

/** A provider of numbered credentials on a clock of its own. */
class FakeProvider implements CredentialsProvider {
  readonly source = 'web-identity'
  readonly ttlMs: number
  nowMs = 1_000_000
  lifeMs: number | undefined
  failure: Error | undefined
  hasChanged = false
  count = 0
  readonly asked: RetrieveRequest[] = []

  constructor({ lifeMs, ttlMs = Number.POSITIVE_INFINITY }: { lifeMs?: number; ttlMs?: number }) {
    this.lifeMs = lifeMs
    this.ttlMs = ttlMs
  }

  async retrieve(request: RetrieveRequest): Promise<StoreCredentials> {
    this.asked.push(request)
    await Promise.resolve()
    if (this.failure) throw this.failure
    this.hasChanged = false
    const keys = { accessKey: `key ${++this.count}`, secretKey: new Secret('canary') }
    return this.lifeMs === undefined ? keys : { ...keys, expiresMs: this.nowMs + this.lifeMs }
  }

  changed(): boolean {
    return this.hasChanged
  }

  cached(random = 0): CachedCredentials {
    return new CachedCredentials({
      provider: this,
      nowMs: () => this.nowMs,
      random: () => random,
    })
  }
}

async function keyOf(source: CachedCredentials): Promise<string> {
  return (await source.get(forEver())).accessKey
}

/** Lets attempts in the background end. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test('one attempt serves all who wait, and those who leave do so alone', async (t) => {
  const provider = new FakeProvider({ lifeMs: 60 * MINUTE_MS })
  const source = provider.cached()
  const controller = new AbortController()
  const left = t.rejects(source.get(controller.signal), { code: 'cancelled' })
  const all = Promise.all(Array.from({ length: 100 }, () => keyOf(source)))
  controller.abort()
  await left
  t.strictSame(new Set(await all), new Set(['key 1']))
  t.equal(provider.count, 1)
  await t.rejects(source.get(AbortSignal.abort()), { code: 'cancelled' })
})

t.test('they are renewed after 80 % of their life, in the background', async (t) => {
  const provider = new FakeProvider({ lifeMs: 100 * MINUTE_MS })
  const source = provider.cached()
  t.equal(await keyOf(source), 'key 1')
  provider.nowMs += 80 * MINUTE_MS - 1
  t.equal(await keyOf(source), 'key 1')
  await settle()
  t.equal(provider.count, 1)
  provider.nowMs += 1
  t.equal(await keyOf(source), 'key 1', 'nobody waits for the renewal')
  await settle()
  t.equal(await keyOf(source), 'key 2')
  t.equal(provider.count, 2)
})

t.test('five minutes of life are left, or half of a short one', async (t) => {
  for (const [lifeMs, dueMs] of [
    [15 * MINUTE_MS, 10 * MINUTE_MS],
    [4 * MINUTE_MS, 2 * MINUTE_MS],
    [4_000, 2_000],
  ] as const) {
    const provider = new FakeProvider({ lifeMs })
    const source = provider.cached()
    await keyOf(source)
    provider.nowMs += dueMs - 1
    await keyOf(source)
    await settle()
    t.equal(provider.count, 1, `${lifeMs} ms of life, not yet`)
    provider.nowMs += 1
    await keyOf(source)
    await settle()
    t.equal(provider.count, 2, `${lifeMs} ms of life, now`)
  }
})

t.test('a fleet spreads its renewals, never to later than due', async (t) => {
  for (const [random, dueMs] of [
    [0, 800_000],
    [0.5, 760_000],
    [1 - Number.EPSILON, 720_000],
  ] as const) {
    const provider = new FakeProvider({ ttlMs: 800_000 })
    const source = provider.cached(random)
    await keyOf(source)
    provider.nowMs += dueMs - 1
    await keyOf(source)
    await settle()
    t.equal(provider.count, 1)
    provider.nowMs += 2
    await keyOf(source)
    await settle()
    t.equal(provider.count, 2)
  }
})

t.test('when renewing fails the old ones serve until they end, attempts grow rare', async (t) => {
  const provider = new FakeProvider({ lifeMs: 60 * MINUTE_MS })
  const source = provider.cached()
  await keyOf(source)
  provider.failure = new GatewayError('unavailable', 'the STS is away')
  const failedMs = provider.nowMs + 50 * MINUTE_MS
  for (
    provider.nowMs = failedMs;
    provider.nowMs < failedMs + 9 * MINUTE_MS;
    provider.nowMs += 100
  ) {
    t.equal(await keyOf(source), 'key 1')
    await settle()
  }
  // 1, 2, 4, 8, 16 and then 30 seconds apart.
  t.equal(provider.asked.length - 1, 1 + 5 + Math.floor((9 * 60 - 31) / 30))
  t.match(source.status(), {
    source: 'web-identity',
    obtainedCount: 1,
    failedCount: provider.asked.length - 1,
    lastFailure: { reason: 'the STS is away' },
  })
  provider.nowMs += 2 * MINUTE_MS
  await t.rejects(keyOf(source), { code: 'unavailable', message: 'the STS is away' })
  provider.failure = undefined
  provider.nowMs += MINUTE_MS
  t.equal(await keyOf(source), 'key 2')
  t.match(source.status(), { obtainedCount: 2, lastFailure: { reason: 'the STS is away' } })
})

t.test('a failure is told to all for a moment, unless something changed', async (t) => {
  const provider = new FakeProvider({ lifeMs: 60 * MINUTE_MS })
  const source = provider.cached()
  provider.failure = new GatewayError('unavailable', 'the token has ended')
  for (let call = 0; call < 20; call++)
    await t.rejects(keyOf(source), { message: 'the token has ended' })
  t.equal(provider.asked.length, 1)
  provider.failure = undefined
  provider.hasChanged = true
  t.equal(await keyOf(source), 'key 1', 'the clock has not moved')
})

t.test('what the provider reads may change long before they end', async (t) => {
  const provider = new FakeProvider({ lifeMs: 60 * MINUTE_MS })
  const source = provider.cached()
  await keyOf(source)
  provider.hasChanged = true
  provider.nowMs += 1_000
  t.equal(await keyOf(source), 'key 1')
  await settle()
  t.equal(await keyOf(source), 'key 2')
})

t.test('on the word of the store newer ones are there before anybody goes on', async (t) => {
  const provider = new FakeProvider({ lifeMs: 60 * MINUTE_MS })
  const source = provider.cached()
  const first = await source.get(forEver())
  source.expire(first)
  t.strictSame(await Promise.all([keyOf(source), keyOf(source)]), ['key 2', 'key 2'])
  t.equal(provider.asked.at(-1)?.refused, first)
  source.expire(first)
  t.equal(await keyOf(source), 'key 2', 'a word on old ones comes too late')
  source.expire()
  t.equal(await keyOf(source), 'key 2', 'nobody is flooded')
  provider.nowMs += 1_000
  source.expire()
  t.equal(await keyOf(source), 'key 3')
  t.equal(provider.count, 3)
})

t.test(
  'a missing right looks for newer ones too, rarely, and does not blame the keys',
  async (t) => {
    const provider = new FakeProvider({ ttlMs: 60 * MINUTE_MS })
    const source = provider.cached()
    for (let second = 0; second < 60; second++) {
      const used = await source.get(forEver())
      source.expire(used, 'rights')
      await source.get(forEver())
      provider.nowMs += 1_000
    }
    t.equal(provider.count, 3)
    t.ok(provider.asked.every(({ refused }) => refused === undefined))
  },
)

t.test('refused ones are given again when there are no others', async (t) => {
  const provider = new FakeProvider({})
  const source = provider.cached()
  await keyOf(source)
  provider.failure = new Error('canary of a defect')
  source.expire()
  t.equal(await keyOf(source), 'key 1')
  t.equal(source.status().lastFailure?.reason, 'internal error')
})

t.test('an attempt that ran already when the store spoke is followed by another', async (t) => {
  const provider = new FakeProvider({ ttlMs: 1_000 })
  const source = provider.cached()
  const first = await source.get(forEver())
  provider.nowMs += 1_000
  provider.count = 0
  const running = source.get(forEver())
  source.expire(first)
  t.equal(await keyOf(source), 'key 2', 'the running one found the same')
  t.equal((await running).accessKey, 'key 1')
  t.equal(provider.asked.length, 3)
})

t.test('credentials that ended before they came are a failure', async (t) => {
  const provider = new FakeProvider({ lifeMs: 0 })
  await t.rejects(keyOf(provider.cached()), { code: 'unavailable', message: /clocks/ })
})

t.test('sessions of 15 minutes last a scan of 40 minutes: no read is refused', async (t) => {
  for (const random of [0, 0.3, 0.999]) {
    const provider = new FakeProvider({ lifeMs: 15 * MINUTE_MS })
    const source = provider.cached(random)
    const startMs = provider.nowMs
    let leastMs = Number.POSITIVE_INFINITY
    let reads = 0
    for (; provider.nowMs < startMs + 40 * MINUTE_MS; provider.nowMs += 250) {
      // The STS is away for four minutes of every twelve.
      const minute = Math.floor((provider.nowMs - startMs) / MINUTE_MS)
      provider.failure = minute % 12 > 7 ? new Error('away') : undefined
      const { expiresMs = 0 } = await source.get(forEver())
      leastMs = Math.min(leastMs, expiresMs - provider.nowMs)
      reads++
    }
    t.equal(reads, 9_600)
    t.ok(leastMs > MINUTE_MS, `${leastMs} ms of life are left to every read`)
  }
})

t.test('the status tells times and counts, never a key', async (t) => {
  const provider = new FakeProvider({ lifeMs: 60 * MINUTE_MS })
  const source = provider.cached()
  t.strictSame(source.status(), { source: 'web-identity', obtainedCount: 0, failedCount: 0 })
  await keyOf(source)
  t.strictSame(source.status(), {
    source: 'web-identity',
    obtainedMs: 1_000_000,
    expiresMs: 1_000_000 + 60 * MINUTE_MS,
    obtainedCount: 1,
    failedCount: 0,
  })
  t.notMatch(JSON.stringify(source.status()), /canary|key 1/)
})
