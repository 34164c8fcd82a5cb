import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import t from 'tap'
import type { Test } from 'tap'
import { CachedCredentials } from '../../../service/credentials/cached-credentials.ts'
import {
  readStoreSecret,
  secretsManagerProvider,
} from '../../../service/credentials/secrets-manager-credentials.ts'
import { startSecretsManager } from '../../support/start-secrets-manager.ts'
import type { SecretsManager } from '../../support/start-secrets-manager.ts'

const forEver = (): AbortSignal => new AbortController().signal

interface Vault {
  readonly client: SecretsManagerClient
  readonly server: SecretsManager
}

async function vault(t: Test, secret: string): Promise<Vault> {
  const server = await startSecretsManager(secret)
  const client = new SecretsManagerClient({
    endpoint: server.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  })
  t.teardown(async () => {
    client.destroy()
    await server.close()
  })
  return { client, server }
}

const minioSecret = (secretKey: string): string =>
  JSON.stringify({ access_key: 'reader', secret_key: secretKey, server: 'minio:9000' })

t.test('the secret of the connector we replace is read, by any of its spellings', async (t) => {
  const { client, server } = await vault(t, minioSecret('s1'))
  const read = await readStoreSecret({ secretName: 'lake/minio', client }, forEver())
  t.strictSame(
    [read.accessKey, read.secretKey.reveal(), read.server],
    ['reader', 's1', 'minio:9000'],
  )
  t.strictSame(server.asked, ['lake/minio AWSCURRENT'])

  const other = await vault(t, '{"accessKey":"a","secretKey":"s","session_token":"t"}')
  const spelt = await readStoreSecret({ secretName: 'x', client: other.client }, forEver())
  t.equal(spelt.accessKey, 'a')
  t.equal(spelt.sessionToken?.reveal(), 't')
  t.equal(spelt.server, undefined)
})

t.test('a secret of another shape is named, never quoted', async (t) => {
  for (const secret of [
    'canary',
    '"canary"',
    '["canary"]',
    '{"access_key":"canary"}',
    '',
    'null',
  ]) {
    const { client } = await vault(t, secret)
    await t.rejects(readStoreSecret({ secretName: 'lake/minio', client }, forEver()), {
      code: 'unavailable',
      message: /^the secret lake\/minio is not a JSON object(?!.*canary)/,
      cause: undefined,
    })
  }
  const { client } = await vault(t, 'ResourceNotFoundException')
  await t.rejects(readStoreSecret({ secretName: 'lake/minio', client }, forEver()), {
    code: 'unavailable',
    message: /lake\/minio cannot be read \(ResourceNotFoundException\)/,
  })
})

t.test('one reading serves all until its time is over or the store refuses it', async (t) => {
  const { client, server } = await vault(t, minioSecret('s1'))
  let nowMs = 0
  const provider = secretsManagerProvider({ secretName: 'x', client })
  const source = new CachedCredentials({ provider, nowMs: () => nowMs, random: () => 0 })
  const secretNow = async (): Promise<string> => (await source.get(forEver())).secretKey.reveal()
  t.strictSame(await Promise.all([secretNow(), secretNow(), secretNow()]), ['s1', 's1', 's1'])
  t.equal(server.asked.length, 1)

  server.current = minioSecret('s2')
  nowMs = 299_999
  t.equal(await secretNow(), 's1')
  source.expire()
  t.equal(await secretNow(), 's2')
  t.equal(server.asked.length, 2)
  source.expire()
  t.equal(await secretNow(), 's2')
  t.equal(server.asked.length, 2, 'what was just read is not read again')

  nowMs += 300_000
  server.current = minioSecret('s3')
  t.equal(await secretNow(), 's2', 'nobody waits for the reading')
  while ((await secretNow()) !== 's3') await new Promise((resolve) => setImmediate(resolve))
  t.equal(server.asked.length, 3)
})

t.test('a rotation that the store does not know yet: the version before serves', async (t) => {
  const { client, server } = await vault(t, minioSecret('new'))
  const provider = secretsManagerProvider({ secretName: 'x', client })
  const refused = await provider.retrieve({}, forEver())
  const secretOf = async (): Promise<string> =>
    (await provider.retrieve({ refused }, forEver())).secretKey.reveal()
  t.equal(await secretOf(), 'new', 'there is no version before')
  server.previous = minioSecret('old')
  t.equal(await secretOf(), 'old')
  server.current = minioSecret('newer')
  t.equal(await secretOf(), 'newer', 'the current one first')
  t.strictSame(
    server.asked.map((text) => text.replace(/^x AWS/, '')),
    ['CURRENT', 'CURRENT', 'PREVIOUS', 'CURRENT', 'PREVIOUS', 'CURRENT'],
  )
})

t.test('a failed reading is not kept', async (t) => {
  const { client, server } = await vault(t, 'InternalServiceErrorException')
  const provider = secretsManagerProvider({ secretName: 'x', client })
  await t.rejects(provider.retrieve({}, forEver()), { code: 'unavailable' })
  server.current = minioSecret('s1')
  t.equal((await provider.retrieve({}, forEver())).accessKey, 'reader')
  await t.rejects(provider.retrieve({}, AbortSignal.abort()), { code: 'cancelled' })
})
