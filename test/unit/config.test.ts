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
    SPILLWAY_CALLERS_FILE: '/callers.yaml',
  })
  t.equal(found.length, 6)
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
