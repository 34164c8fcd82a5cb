import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { complaintOf, defectsIn, firstColumn } from '../support/ask-table.ts'
import { addPolicy } from '../support/failing-store-users.ts'
import { startFailingStore } from '../support/failing-store.ts'
import { clientId, foreignKey, startIdentityProvider } from '../support/start-identity-provider.ts'
import type { TokenRequest } from '../support/start-identity-provider.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

t.setTimeout(180_000)

// Only MinIO gives sessions for tokens.
if (minioBinary() === undefined) {
  t.plan(0, 'there is no minio binary: NOT TESTED')
  process.exit(0)
}

const schema = 'guarded'
const query = { schema, table: 'numbers' }
const ids = sequence(400).map(String)
const folder = await mkdtemp(join(tmpdir(), 'spillway-token-'))
const path = join(folder, 'token')

const provider = await startIdentityProvider()
const minio = await startMinio({
  env: {
    MINIO_IDENTITY_OPENID_CONFIG_URL: provider.configurationUrl,
    MINIO_IDENTITY_OPENID_CLIENT_ID: clientId,
    MINIO_IDENTITY_OPENID_CLAIM_NAME: 'policy',
  },
})
const resources = [schema, `${schema}/*`]
const actions = ['GetObject', 'ListBucket', 'GetBucketLocation', 'ListAllMyBuckets']
await addPolicy(minio, 'lakeread', [{ actions, resources }])
const door = await startFailingStore(minio.url)
const stack = await startStack({
  store: { ...minio, url: door.url },
  gateway: {
    SPILLWAY_STORE_ACCESS_KEY: '',
    SPILLWAY_STORE_SECRET_KEY: '',
    SPILLWAY_STORE_TOKEN_FILE: path,
    SPILLWAY_STORE_STS_URL: minio.url,
  },
})
t.teardown(async () => {
  await stack.close()
  await door.close()
  await minio.stop()
  await provider.close()
  await rm(folder, { recursive: true })
})
await stack.client.makeBucket(schema)
await stack.client.putObject(
  schema,
  'tables/numbers/a.parquet',
  writeParquet([['id', longs(sequence(400))]], { rowsPerGroup: 10 }),
)

const tokens: string[] = []

function newToken(request: TokenRequest = {}): string {
  const claims = { policy: 'lakeread', ...request.claims }
  const token = provider.token({ ...request, claims })
  tokens.push(token)
  return token
}

/** As its owner does: whole, by renaming. */
async function ownerWrites(text: string): Promise<void> {
  await writeFile(`${path}.next`, text)
  await rename(`${path}.next`, path)
}

async function readiness(): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${stack.http}/readyz`)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

t.test('without a file the gateway runs, and says who must write it', async (t) => {
  const told = /token in .*\/token cannot be read \(ENOENT\); the program that owns the file/
  t.match(await complaintOf(stack, query), told)
  t.match(await readiness(), {
    status: 503,
    body: { reason: told, credentials: { source: 'web-identity', lastFailure: { reason: told } } },
  })
})

t.test('the first token lets it in, and the probe tells until when', async (t) => {
  await ownerWrites(newToken({ seconds: 900 }))
  t.strictSame(await firstColumn(stack, query), ids)
  const { status, body } = await readiness()
  t.equal(status, 200)
  const { expiresInSeconds, ageSeconds } = body['credentials'] as Record<string, number>
  t.ok(Number(expiresInSeconds) > 800 && Number(expiresInSeconds) <= 900, `${expiresInSeconds} s`)
  t.ok(Number(ageSeconds) <= 60, `${ageSeconds} s old`)
})

t.test('tokens of a few seconds, replaced while a long scan runs: nothing fails', async (t) => {
  await ownerWrites(newToken({ seconds: 4 }))
  door.faults.latencyMs = 250
  let count = 0
  const owner = setInterval(() => {
    count++
    void ownerWrites(newToken({ seconds: 4 }))
  }, 1_500)
  try {
    const startMs = Date.now()
    while (Date.now() - startMs < 9_000) t.strictSame(await firstColumn(stack, query), ids)
  } finally {
    clearInterval(owner)
    door.faults.latencyMs = 0
  }
  t.ok(count >= 4, `${count} tokens came and went`)
})

t.test('a token that has ended is waited for, and the next one is taken at once', async (t) => {
  await ownerWrites(newToken({ seconds: 2 }))
  t.strictSame(await firstColumn(stack, query), ids)
  await sleep(4_000)
  const told = /^unavailable: the token in .*\/token ended at \S+; the program that owns the file/
  t.match(await complaintOf(stack, query), told)
  await ownerWrites(newToken({ seconds: -3_600 }))
  t.match(await complaintOf(stack, query), told)
  await ownerWrites(newToken())
  t.strictSame(await firstColumn(stack, query), ids)
})

t.test('tokens that the STS does not take are told with its reason, never shown', async (t) => {
  const wrong: readonly [string, RegExp][] = [
    [newToken({ claims: { aud: 'somebody-else' } }), /refused the token.*audience/],
    [newToken({ key: foreignKey() }), /refused the token in/],
    [newToken({ claims: { policy: 'no-such-policy' } }), /no-such-policy/],
    ['canary-of-garbage', /refused the token in/],
    ['two words', /is not one word/],
    ['', /is empty/],
  ]
  for (const [text, told] of wrong) {
    // What is held is good for an hour: the owner's mistake is noticed, and harms nobody yet.
    await ownerWrites(text)
    await sleep(1_100)
    t.strictSame(await firstColumn(stack, query), ids)
    const failure = await until(async () => {
      const { body } = await readiness()
      const { lastFailure } = body['credentials'] as { lastFailure: { reason: string } }
      return told.test(lastFailure.reason) ? lastFailure.reason : undefined
    })
    t.match(failure, told)
    for (const token of [...tokens, 'canary']) t.notOk(failure?.includes(token))
  }
  await ownerWrites(newToken())
  t.strictSame(await firstColumn(stack, query), ids)
})

t.test('a deleted file harms nobody while the session lives', async (t) => {
  await rm(path)
  t.strictSame(await firstColumn(stack, query), ids)
  await ownerWrites(newToken())
})

t.test('metrics tell how it went', async (t) => {
  const text = await (await fetch(`${stack.http}/metrics`)).text()
  const attempts = (outcome: string): number =>
    Number(
      new RegExp(
        `^spillway_credentials_attempts_total{source="web-identity",outcome="${outcome}"} (\\d+)$`,
        'm',
      ).exec(text)?.[1],
    )
  t.ok(attempts('obtained') >= 5, `${attempts('obtained')} sessions`)
  t.ok(attempts('failed') >= 8, `${attempts('failed')} failures`)
  t.match(text, /^spillway_credentials_expiry_seconds 3\d\d\d/m)
})

t.test('no token was told, no defect was met', async (t) => {
  const told = await Promise.all(
    ['/readyz', '/metrics'].map(async (path) => (await fetch(`${stack.http}${path}`)).text()),
  )
  const log = [...stack.log, ...told].join('')
  t.ok(tokens.length > 10)
  t.ok(tokens.every((token) => !log.includes(token) && !log.includes(token.split('.')[1] ?? '')))
  t.strictSame(defectsIn(stack), [])
})

async function until<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let count = 0; count < 100; count++) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(50)
  }
  return undefined
}
