import t from 'tap'
import { defectsIn, firstColumn } from '../support/ask-table.ts'
import { addUser, disableUser } from '../support/failing-store-users.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { startSecretsManager } from '../support/start-secrets-manager.ts'
import { startStack } from '../support/start-stack.ts'
import type { StoreKeys } from '../support/store-client.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

t.setTimeout(180_000)

// Users are MinIO's own.
if (minioBinary() === undefined) {
  t.plan(0, 'there is no minio binary: NOT TESTED')
  process.exit(0)
}

const schema = 'rotated'
const query = { schema, table: 'numbers' }
const ids = sequence(40).map(String)
const allowances = [
  {
    actions: ['GetObject', 'ListBucket', 'GetBucketLocation', 'ListAllMyBuckets'],
    resources: [schema, `${schema}/*`],
  },
]
const minio = await startMinio()
const reader = (name: string): Promise<StoreKeys> => addUser(minio, name, allowances)
const secretOf = ({ accessKey, secretKey }: StoreKeys): string =>
  JSON.stringify({
    access_key: accessKey,
    secret_key: secretKey,
    server: minio.url.replace('http://', ''),
  })

const first = await reader('reader-0')
const vault = await startSecretsManager(secretOf(first))
Object.assign(process.env, {
  AWS_ENDPOINT_URL_SECRETS_MANAGER: vault.url,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'anybody',
  AWS_SECRET_ACCESS_KEY: 'anything',
})
const stack = await startStack({
  store: minio,
  gateway: {
    SPILLWAY_STORE_URL: '',
    SPILLWAY_STORE_ACCESS_KEY: '',
    SPILLWAY_STORE_SECRET_KEY: '',
    AWS_SECRET: 'lake/minio',
    SCHEME: 'http',
  },
})
t.teardown(async () => {
  await stack.close()
  await vault.close()
  await minio.stop()
})
await stack.client.makeBucket(schema)
await stack.client.putObject(
  schema,
  'tables/numbers/a.parquet',
  writeParquet([['id', longs(sequence(40))]], { rowsPerGroup: 10 }),
)

t.test('keys rotated again and again while queries run: none fails', async (t) => {
  const seen = { isOver: false, count: 0 }
  const ask = async (): Promise<void> => {
    while (!seen.isOver) {
      t.strictSame(await firstColumn(stack, query), ids)
      seen.count++
    }
  }
  const running = Promise.all([ask(), ask(), ask()])
  let last = first
  for (let round = 1; round <= 4; round++) {
    const next = await reader(`reader-${round}`)
    vault.previous = vault.current
    vault.current = secretOf(next)
    await disableUser(minio, last.accessKey)
    const before = seen.count
    while (seen.count < before + 6) await new Promise((resolve) => setTimeout(resolve, 50))
    // Closer together than a second they would be taken for a missing right.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    last = next
  }
  seen.isOver = true
  await running
  t.ok(seen.count >= 24, `${seen.count} queries`)
  const { credentials } = (await (await fetch(`${stack.http}/readyz`)).json()) as {
    credentials: { source: string }
  }
  t.equal(credentials.source, 'secret')
})

t.test('a secret that is ahead of the store: the version before serves on', async (t) => {
  const last = vault.current
  vault.previous = last
  vault.current = secretOf({ ...first, accessKey: 'not-there-yet', secretKey: 'not there yet' })
  const own = await startStack({
    store: minio,
    gateway: { SPILLWAY_STORE_ACCESS_KEY: '', SPILLWAY_STORE_SECRET_KEY: '', AWS_SECRET: 'lake' },
  })
  t.teardown(() => own.close())
  t.strictSame(await firstColumn(own, query), ids)
  vault.current = last
})

t.test('a vault that is down harms nobody who has keys', async (t) => {
  vault.current = 'InternalServiceErrorException'
  t.strictSame(await firstColumn(stack, query), ids)
  t.strictSame(defectsIn(stack), [])
  const log = stack.log.join('')
  t.ok(sequence(5).every((round) => !log.includes(`reader-${round}-secret`)))
})
