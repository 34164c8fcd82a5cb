import t from 'tap'
import { ConfigError, readConfig } from '../../service/config.ts'

const store = {
  SPILLWAY_STORE_URL: 'http://minio:9000',
  SPILLWAY_STORE_ACCESS_KEY: 'key',
  SPILLWAY_STORE_SECRET_KEY: 'canary-secret',
}

function problems(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

t.test('needs nothing but a store', async (t) => {
  const config = readConfig(store)
  t.match(config, {
    http: { host: '127.0.0.1', port: 8080 },
    grpc: { host: '127.0.0.1', port: 8815 },
    bucketPrefix: '',
    tablesPath: '',
    listingTtlMs: 2_000,
    logLevel: 'info',
  })
  t.notMatch(JSON.stringify(config), /canary/)
})

t.test('keeps the names of the connector it replaces', async (t) => {
  const config = readConfig({
    AWS_SECRET: 'minio',
    BUCKET_PREFIX: 'lake-',
    TABLES_PATH: '/tables/',
    SCHEME: 'http',
  })
  t.match(config, {
    bucketPrefix: 'lake-',
    tablesPath: 'tables',
    store: { kind: 's3', scheme: 'http', secretName: 'minio' },
  })
})

t.test('serves a folder', async (t) => {
  t.strictSame(readConfig({ SPILLWAY_STORE_URL: 'file:///data' }).store, {
    kind: 'file',
    url: 'file:///data',
  })
})

t.test('reports every problem at once, with what was given and what is expected', async (t) => {
  const found = problems({
    ...store,
    SPILLWAY_HTTP_ADDRESS: 'nowhere',
    SPILLWAY_LISTING_TTL: 'soon',
    SPILLWAY_SPLIT_BYTES: '12 apples',
    SPILLWAY_TICKET_KEYS: 'short-canary',
    SPILLWAY_LOG_LEVLE: 'info',
  })
  t.equal(found.length, 5)
  t.match(
    found.join('\n'),
    /SPILLWAY_LOG_LEVLE: no such setting \(did you mean SPILLWAY_LOG_LEVEL\?\)/,
  )
  t.match(found.join('\n'), /SPILLWAY_HTTP_ADDRESS: got "nowhere", expected host:port/)
  t.notMatch(found.join('\n'), /canary/)
})

t.test('listens beyond loopback only when told that everybody may read', async (t) => {
  const open = { ...store, SPILLWAY_GRPC_ADDRESS: '0.0.0.0:8815' }
  t.match(problems(open), [/SPILLWAY_ALLOW_ANONYMOUS=true/])
  t.strictSame(problems({ ...open, SPILLWAY_ALLOW_ANONYMOUS: 'true' }), [])
})

t.test('metrics have an address of their own when it is given, with the same rule', async (t) => {
  t.equal(readConfig(store).metrics, undefined)
  const own = readConfig({ ...store, SPILLWAY_METRICS_ADDRESS: '127.0.0.1:0' })
  t.strictSame(own.metrics, { host: '127.0.0.1', port: 0 })
  const open = { ...store, SPILLWAY_METRICS_ADDRESS: '0.0.0.0:9090' }
  t.match(problems(open), [/^SPILLWAY_METRICS_ADDRESS: got "0\.0\.0\.0", expected a loopback/])
  t.ok(readConfig({ ...open, SPILLWAY_ALLOW_ANONYMOUS: 'true' }).metrics)
})

t.test('a URL is not quoted when it may hold a password', async (t) => {
  for (const url of [
    'http://user:secret@store',
    'http://user:secret@store:99999',
    'user:secret@',
  ]) {
    t.notMatch(problems({ ...store, SPILLWAY_STORE_URL: url }).join(), 'secret')
  }
})

t.test('listens beyond loopback where callers are asked, and not to both', async (t) => {
  const open = { ...store, SPILLWAY_GRPC_ADDRESS: '0.0.0.0:8815' }
  const callers = { SPILLWAY_CALLERS_FILE: '/etc/spillway/callers.yaml' }
  t.equal(readConfig({ ...open, ...callers }).callersFile, '/etc/spillway/callers.yaml')
  t.match(problems({ ...open, ...callers, SPILLWAY_ALLOW_ANONYMOUS: 'true' }), [
    /^SPILLWAY_ALLOW_ANONYMOUS: got "true", expected false beside SPILLWAY_CALLERS_FILE/,
  ])
})

t.test('a client certificate is required as long as it is all that is asked', async (t) => {
  const files = {
    ...store,
    SPILLWAY_TLS_CERT_FILE: 'cert.pem',
    SPILLWAY_TLS_KEY_FILE: 'key.pem',
    SPILLWAY_TLS_CLIENT_CA_FILE: 'ca.pem',
  }
  t.equal(readConfig(files).tls?.clientsMayBeUnknown, false)
  const callers = { SPILLWAY_CALLERS_FILE: 'callers.yaml' }
  t.equal(readConfig({ ...files, ...callers }).tls?.clientsMayBeUnknown, true)
})

t.test('refuses credentials inside a URL without showing them', async (t) => {
  const found = problems({ ...store, SPILLWAY_STORE_URL: 'http://user:canary@minio:9000' })
  t.equal(found.length, 1)
  t.notMatch(found.join(), /canary/)
})

t.test('says which half of a pair is missing', async (t) => {
  t.match(problems({ SPILLWAY_STORE_URL: 'http://minio:9000' }), [/SPILLWAY_STORE_ACCESS_KEY/])
  t.match(problems({ ...store, SPILLWAY_TLS_CERT_FILE: 'cert.pem' }), [/SPILLWAY_TLS_KEY_FILE/])
  t.match(problems({}), [/SPILLWAY_STORE_URL/, /SPILLWAY_STORE_ACCESS_KEY/])
})

t.test('takes every source of credentials that is named', async (t) => {
  const where = { SPILLWAY_STORE_URL: 'http://minio:9000' }
  t.match(
    readConfig({
      ...where,
      SPILLWAY_STORE_TOKEN_FILE: '/var/run/token',
      SPILLWAY_STORE_STS_URL: 'https://sts:9000',
      SPILLWAY_STORE_ROLE_ARN: 'arn:minio:iam:::role/lake',
      SPILLWAY_STORE_CREDENTIALS_MODULE: 'file:///vault.mjs',
      AWS_SECRET: 'minio',
    }).store,
    {
      tokenFile: '/var/run/token',
      stsUrl: 'https://sts:9000',
      roleArn: 'arn:minio:iam:::role/lake',
      moduleUrl: 'file:///vault.mjs',
      secretName: 'minio',
      ec2: undefined,
    },
  )
  t.match(problems({ ...store, SPILLWAY_STORE_STS_URL: 'http://sts:9000' }), [
    /SPILLWAY_STORE_TOKEN_FILE/,
  ])
  t.match(problems({ ...where, SPILLWAY_STORE_CREDENTIALS_MODULE: 'https://evil/vault.mjs' }), [
    /SPILLWAY_STORE_CREDENTIALS_MODULE: .*file:\/\/\/path/,
  ])
})

t.test(
  'asks for roles of task and machine only when told to, and never in the clear',
  async (t) => {
    const ambient = {
      SPILLWAY_STORE_URL: 'http://minio:9000',
      SPILLWAY_STORE_CREDENTIALS: 'chain',
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/1',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'canary',
    }
    const config = readConfig(ambient)
    t.match(config.store, {
      ecs: { url: 'http://169.254.170.2/v2/credentials/1' },
      ec2: { url: 'http://169.254.169.254' },
    })
    t.notMatch(JSON.stringify(config), /canary/)
    t.notHas(readConfig({ ...ambient, ...store, SPILLWAY_STORE_CREDENTIALS: 'named' }).store, {
      ecs: {},
    })
    const elsewhere = { ...ambient, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '' }
    for (const uri of ['http://collector.example/', 'ftp://127.0.0.1/', 'nowhere'])
      t.match(
        problems({ ...elsewhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }),
        [/loopback/],
        uri,
      )
    for (const uri of ['https://collector.example/', 'http://127.0.0.1:1/'])
      t.strictSame(problems({ ...elsewhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }), [])
  },
)

t.test('sessions for callers need callers, and keys that may ask for sessions', async (t) => {
  const asked = { SPILLWAY_STORE_SESSION_PER_CALLER: 'true', SPILLWAY_CALLERS_FILE: 'callers.yaml' }
  const url = { SPILLWAY_STORE_URL: 'http://minio:9000' }
  const sources = [
    store,
    { ...store, SPILLWAY_STORE_STS_URL: 'http://sts' },
    { ...url, AWS_SECRET: 'lake' },
    { ...url, SPILLWAY_STORE_TOKEN_FILE: '/token' },
  ]
  for (const source of sources) {
    t.match(readConfig({ ...source, ...asked }).store, { hasCallerSessions: true })
    const { SPILLWAY_STORE_STS_URL: _, ...alone }: Record<string, string> = source
    t.notMatch(readConfig(alone).store, { hasCallerSessions: true })
  }
  const useless = [
    { ...store, SPILLWAY_CALLERS_FILE: '' },
    { ...store, SPILLWAY_STORE_SESSION_TOKEN: 'canary' },
    { SPILLWAY_STORE_URL: 'file:///data' },
    { ...url, SPILLWAY_STORE_CREDENTIALS_MODULE: 'file:///vault.mjs' },
  ]
  for (const source of useless) {
    const [problem = '', ...others] = problems({ ...asked, ...source })
    t.match(problem, /^SPILLWAY_STORE_SESSION_PER_CALLER: got "true", expected set only with/)
    t.strictSame(others, [])
  }
})
