import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { runCommand } from '../../../service/command/command-line.ts'
import { credentialsFormats, printedCredentials } from '../../../service/command/credentials.ts'
import { Secret } from '../../../service/credentials/secret.ts'
import { startScriptedServer } from '../../support/start-scripted-server.ts'

const store = { url: 'https://minio:9000', region: 'eu-west-1' }
const session = {
  accessKey: 'key',
  secretKey: new Secret("it's $(secret)"),
  sessionToken: new Secret('token'),
  expiresMs: Date.parse('2026-11-21T12:00:00Z'),
}

t.test('each format is what its readers take', async (t) => {
  t.strictSame(JSON.parse(printedCredentials(session, store, 'json')), {
    access_key: 'key',
    secret_key: "it's $(secret)",
    session_token: 'token',
    endpoint_override: 'minio:9000',
    scheme: 'https',
    region: 'eu-west-1',
    expiration: '2026-11-21T12:00:00.000Z',
  })
  t.strictSame(JSON.parse(printedCredentials(session, store, 'aws-process')), {
    Version: 1,
    AccessKeyId: 'key',
    SecretAccessKey: "it's $(secret)",
    SessionToken: 'token',
    Expiration: '2026-11-21T12:00:00.000Z',
  })
  const keys = { accessKey: 'key', secretKey: new Secret('s') }
  t.strictSame(JSON.parse(printedCredentials(keys, store, 'aws-process')), {
    Version: 1,
    AccessKeyId: 'key',
    SecretAccessKey: 's',
  })
})

t.test('a shell gets each value as one word, and forgets an older token', async (t) => {
  const script = `${printedCredentials(session, store, 'env')}printf '%s|' "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN" "$AWS_ENDPOINT_URL_S3"`
  const said = execFileSync('sh', ['-c', script], { encoding: 'utf8' })
  t.equal(said, "it's $(secret)|token|https://minio:9000|")
  const { sessionToken: _, ...keys } = session
  t.match(printedCredentials(keys, store, 'env'), /^unset AWS_SESSION_TOKEN$/m)
})

async function run(words: readonly string[], env: Record<string, string>) {
  const outputs = [t.capture(process.stdout, 'write'), t.capture(process.stderr, 'write')]
  const code = await runCommand(['credentials', ...words], env)
  const [stdout, stderr] = outputs.map((output) => {
    output.restore()
    return output.args().join('')
  })
  return { code, stdout, stderr }
}

t.test('the command prints those of the settings, json unless told otherwise', async (t) => {
  const env = {
    SPILLWAY_STORE_URL: 'http://minio:9000',
    SPILLWAY_STORE_ACCESS_KEY: 'key',
    SPILLWAY_STORE_SECRET_KEY: 'secret',
  }
  const plain = await run([], env)
  t.match(
    { ...plain, stdout: JSON.parse(plain.stdout ?? '') },
    {
      code: 0,
      stderr: '',
      stdout: { access_key: 'key', endpoint_override: 'minio:9000', scheme: 'http' },
    },
  )
  for (const format of credentialsFormats)
    t.match(await run(['--format', format], env), { code: 0, stdout: /secret/ })
})

t.test('the chain ends at the roles of task and machine', async (t) => {
  const role = { AccessKeyId: 'role-key', SecretAccessKey: 's', Token: 't' }
  const server = await startScriptedServer(({ path }) =>
    path === '/task' ? { body: JSON.stringify(role) } : { status: 404 },
  )
  t.teardown(() => server.close())
  const env = {
    SPILLWAY_STORE_URL: 'http://minio:9000',
    SPILLWAY_STORE_CREDENTIALS: 'chain',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url,
  }
  t.match(await run([], { ...env, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/task` }), {
    code: 0,
    stdout: /"access_key": "role-key"/,
  })
  t.match(await run([], env), { code: 1, stdout: '', stderr: /metadata service.*answered 404/ })
})

t.test('what cannot be printed is told on stderr', async (t) => {
  for (const words of [
    ['--format', 'xml'],
    ['--output', 'json'],
    ['--format', 'json', 'now'],
  ])
    t.match(await run(words, {}), { code: 2, stdout: '', stderr: /json\|env\|aws-process/ })
  t.match(await run([], {}), { code: 2, stdout: '', stderr: /SPILLWAY_STORE_URL/ })
  const folder = { SPILLWAY_STORE_URL: pathToFileURL('/data').href }
  t.match(await run([], folder), { code: 1, stdout: '', stderr: /folder/ })
})
