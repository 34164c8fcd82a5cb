import t from 'tap'
import { readConfig } from '../../../shim-lambda/config.ts'

const gateway = { SPILLWAY_GATEWAY: 'gateway.internal:8815' }

t.test('defaults everything but the gateway', async (t) => {
  t.strictSame(readConfig(gateway), {
    gateway: { address: 'gateway.internal:8815', tls: false, caFile: null },
    token: { kind: 'none' },
    spill: { bucket: null, prefix: 'athena-federation-spill', putHeaders: {}, pathStyle: false },
    encryption: { kind: 'local' },
    blockBytesMax: null,
    region: 'us-east-1',
  })
})

t.test('reads every setting', async (t) => {
  const config = readConfig({
    SPILLWAY_GATEWAY: 'https://gateway.internal',
    SPILLWAY_GATEWAY_CA_FILE: '/opt/ca.pem',
    SPILLWAY_TOKEN_SECRET: 'spillway/token',
    TARGET_BUCKET: 'old-bucket',
    spill_prefix: 'a/b//',
    spill_put_request_headers: '{"X-Amz-Server-Side-Encryption":"aws:kms"}',
    kms_key_id: 'alias/spill',
    disable_spill_encryption: 'false',
    MAX_BLOCK_SIZE_BYTES: '1000000',
    SPILLWAY_SPILL_PATH_STYLE: 'TRUE',
    AWS_REGION: 'eu-central-1',
  })
  t.strictSame(config, {
    gateway: { address: 'gateway.internal:443', tls: true, caFile: '/opt/ca.pem' },
    token: { kind: 'secret', secretId: 'spillway/token' },
    spill: {
      bucket: 'old-bucket',
      prefix: 'a/b',
      putHeaders: { 'x-amz-server-side-encryption': 'aws:kms' },
      pathStyle: true,
    },
    encryption: { kind: 'kms', keyId: 'alias/spill' },
    blockBytesMax: 1_000_000,
    region: 'eu-central-1',
  })
})

t.test('prefers spill_bucket to TARGET_BUCKET', async (t) => {
  const { spill } = readConfig({ ...gateway, spill_bucket: 'new-one', TARGET_BUCKET: 'old-one' })
  t.equal(spill.bucket, 'new-one')
})

t.test('turns encryption off only by the word true, in any case', async (t) => {
  const kind = (text: string): string =>
    readConfig({ ...gateway, kms_key_id: 'k', disable_spill_encryption: text }).encryption.kind
  t.equal(kind('True'), 'none')
  t.equal(kind('yes'), 'kms')
  t.equal(kind(''), 'kms')
})

t.test('takes addresses with ports, IPv6 and a trailing slash', async (t) => {
  const address = (text: string): string => readConfig({ SPILLWAY_GATEWAY: text }).gateway.address
  t.equal(address('[::1]:8815'), '[::1]:8815')
  t.equal(address('https://g:8443/'), 'g:8443')
})

t.test('reports all problems at once and no secret', async (t) => {
  const environment = {
    SPILLWAY_GATEWAY: 'gateway',
    SPILLWAY_GATEWAY_CA_FILE: '/opt/ca.pem',
    SPILLWAY_TOKEN: 'hush hush',
    SPILLWAY_TOKEN_SECRET: 'name',
    SPILLWAY_SPILL_PATH_STYLE: 'perhaps',
    spill_bucket: 's3://bucket/',
    spill_put_request_headers: '{"a":1}',
    MAX_BLOCK_SIZE_BYTES: '16MB',
  }
  t.throws(() => readConfig(environment), { code: 'invalid_request' })
  try {
    readConfig(environment)
  } catch (error) {
    const { message } = error as Error
    for (const name of Object.keys(environment)) t.ok(message.includes(name), name)
    t.notOk(message.includes('hush'))
    t.notOk(message.includes('\n'))
  }
})

t.test('refuses header lists that are not texts by name', async (t) => {
  for (const text of ['[]', 'null', '{', '"x"', '{"a b":"c"}', '{"a":"b\\nc"}'])
    t.throws(
      () => readConfig({ ...gateway, spill_put_request_headers: text }),
      /spill_put_request_headers is wrong/,
      text,
    )
})

t.test('asks for a gateway', async (t) => {
  t.throws(() => readConfig({}), /SPILLWAY_GATEWAY is not set/)
  for (const text of ['http://g:1', 'g:0', 'g:70000', 'g:1/path', 'a b:1'])
    t.throws(() => readConfig({ SPILLWAY_GATEWAY: text }), /SPILLWAY_GATEWAY is "/, text)
})
