import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { Client } from 'minio'
import t from 'tap'
import {
  awsSdkCredentials,
  minioCredentials,
} from '../../service/credentials/client-credentials.ts'
import type { CredentialsSettings } from '../../service/credentials/store-source.ts'
import { Secret } from '../../service/credentials/secret.ts'
import { storeAccess } from '../../service/objects/store-access.ts'
import type { StoreAccess } from '../../service/objects/store-access.ts'
import { openStore } from '../../service/objects/open-store.ts'
import { findPython, NO_PYTHON } from '../support/bench-python.ts'
import { addPolicy } from '../support/failing-store-users.ts'
import { clientId, startIdentityProvider } from '../support/start-identity-provider.ts'
import { gatewaySettings, runGatewayCommand } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

t.setTimeout(180_000)

// Sessions are MinIO's own.
if (minioBinary() === undefined) {
  t.plan(0, 'there is no minio binary: NOT TESTED')
  process.exit(0)
}

const forEver = new AbortController().signal
const bucket = 'shared'
const key = 'tables/numbers/a.parquet'
const folder = await mkdtemp(join(tmpdir(), 'spillway-clients-'))
const tokenFile = join(folder, 'token')
const provider = await startIdentityProvider()
await writeFile(tokenFile, provider.token())
const minio = await startMinio({
  env: {
    MINIO_IDENTITY_OPENID_CONFIG_URL: provider.configurationUrl,
    MINIO_IDENTITY_OPENID_CLIENT_ID: clientId,
    MINIO_IDENTITY_OPENID_ROLE_POLICY: 'lakeread',
  },
})
/** MinIO names the role of a provider by the SHA-1 of its client id. */
const roleArn = `arn:minio:iam:::role/${createHash('sha1').update(clientId).digest('base64url')}`
t.teardown(async () => {
  await minio.stop()
  await provider.close()
  await rm(folder, { recursive: true })
})
const root = storeClient(minio)
await root.makeBucket(bucket)
await root.putObject(bucket, key, writeParquet([['id', longs(sequence(10))]]))
await addPolicy(minio, 'lakeread', [
  { actions: ['GetObject', 'ListBucket'], resources: [bucket, `${bucket}/*`] },
])

function access(settings: CredentialsSettings): Promise<StoreAccess> {
  const where = { kind: 's3', url: minio.url, scheme: 'http', region: 'us-east-1' } as const
  return storeAccess({ ...where, caFile: undefined, ...settings })
}

async function keysSeen({ connection, credentials }: StoreAccess): Promise<string[]> {
  const store = openStore(connection, credentials)
  const page = await store.list({ bucket, prefix: 'tables/', shallow: false }, forEver)
  store.close()
  return page.objects.map((object) => object.key)
}

t.test('role mode: the role of a token file lets it in, another role does not', async (t) => {
  const own = await access({ tokenFile, roleArn })
  t.strictSame(await keysSeen(own), [key])
  const session = await own.credentials.get(forEver)
  t.ok(session.sessionToken && Number(session.expiresMs) > Date.now() + 3_000_000)
  const other = await access({ tokenFile, roleArn: 'arn:minio:iam:::role/other' })
  await t.rejects(keysSeen(other), {
    code: 'unavailable',
    message: /refused the token.*check.*role/,
  })
  const none = await access({ tokenFile })
  await t.rejects(keysSeen(none), { code: 'unavailable', message: /policy claim/ })
})

t.test('AssumeRole: long-lived keys sign for a session and for nothing else', async (t) => {
  const { accessKey, secretKey } = minio
  const keys = { accessKey, secretKey: new Secret(secretKey) }
  const own = await access({ static: keys, roleArn: 'arn:aws:iam::111122223333:role/lake' })
  t.strictSame(await keysSeen(own), [key])
  const session = await own.credentials.get(forEver)
  t.not(session.accessKey, accessKey)
  t.ok(session.sessionToken)
  t.equal(own.credentials.status().source, 'assume-role')
  const wrong = { accessKey, secretKey: new Secret('canary-of-a-secret') }
  const refused = await access({ static: wrong, roleArn: 'arn:aws:iam::111122223333:role/lake' })
  await t.rejects(keysSeen(refused), {
    code: 'unavailable',
    message: /refused AssumeRole to the keys of the source static(?!.*canary)/,
  })
})

t.test('clients of minio and of the AWS SDK share one set of credentials', async (t) => {
  const { credentials } = await access({ tokenFile, roleArn })
  const url = new URL(minio.url)
  const client = new Client({
    endPoint: url.hostname,
    port: Number(url.port),
    useSSL: false,
    region: 'us-east-1',
    credentialsProvider: minioCredentials(credentials),
  })
  const sdk = new S3Client({
    endpoint: minio.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: awsSdkCredentials(credentials),
  })
  t.teardown(() => sdk.destroy())
  const list = async (): Promise<void> => {
    const listed = await sdk.send(new ListObjectsV2Command({ Bucket: bucket }))
    t.strictSame(
      listed.Contents?.map((object) => object.Key),
      [key],
    )
    t.ok((await client.statObject(bucket, key)).size > 0)
  }
  await list()
  t.equal(credentials.status().obtainedCount, 1)
  const first = await credentials.get(forEver)
  credentials.expire(first)
  await list()
  t.equal(credentials.status().obtainedCount, 2, 'both went on with the newer ones')
})

const tokenSettings = gatewaySettings(minio, {
  SPILLWAY_STORE_ACCESS_KEY: '',
  SPILLWAY_STORE_SECRET_KEY: '',
  SPILLWAY_STORE_TOKEN_FILE: tokenFile,
  SPILLWAY_STORE_ROLE_ARN: roleArn,
})

t.test('the command prints a session that works', async (t) => {
  const { code, stdout, stderr } = await runGatewayCommand(
    ['credentials', '--format', 'aws-process'],
    tokenSettings,
  )
  t.equal(code, 0, stderr)
  const printed = JSON.parse(stdout)
  t.equal(printed.Version, 1)
  const sdk = new S3Client({
    endpoint: minio.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: printed.AccessKeyId,
      secretAccessKey: printed.SecretAccessKey,
      sessionToken: printed.SessionToken,
    },
  })
  t.teardown(() => sdk.destroy())
  t.equal((await sdk.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount, 1)
})

const python = findPython()
const isSkipped = python === undefined && NO_PYTHON

t.test('the recipe of README.md reads with pyarrow', { skip: isSkipped }, async (t) => {
  const page = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const recipe = /```python\n(import json[^`]*)```/.exec(page)?.[1]
  t.type(recipe, 'string')
  const main = join(import.meta.dirname, '../../service/main.ts')
  const command = [process.execPath, `--import=${import.meta.resolve('tsx')}`, main]
  const script = String(recipe)
    .replace('["npx", "spillway", ', `[${command.map((word) => JSON.stringify(word)).join(', ')}, `)
    .replace('sales-lake/tables/orders', `${bucket}/tables/numbers`)
  const { stdout } = await promisify(execFile)(
    python ?? '',
    ['-c', `${script}\nprint(table.num_rows, table.column_names)`],
    { env: { PATH: process.env['PATH'] ?? '', ...tokenSettings } },
  )
  t.equal(stdout.trim(), "10 ['id']")
})
