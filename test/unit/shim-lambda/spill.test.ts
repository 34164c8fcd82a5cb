import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import t, { type Test } from 'tap'
import { BlockSchema } from '../../../proto/gen/spillway/v1/federation_pb.ts'
import { onePartition } from '../../../shim-lambda/athena-blocks.ts'
import { ConnectorError } from '../../../shim-lambda/errors.ts'
import {
  openSpillStore,
  spillWriter,
  uploadsInFlightMax,
  type SpillStore,
} from '../../../shim-lambda/spill.ts'
import {
  s3Refusal,
  startSpillRefusal,
  type ScriptedAnswer,
  type SpillRefusal,
} from '../../support/start-spill-refusal.ts'

process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] = 'very-secret'

const never = new AbortController().signal
const key = 'athena-spill/q-1/0c5f.3'

async function start(
  t: Test,
  answer: (index: number) => ScriptedAnswer,
  putHeaders: Record<string, string> = {},
): Promise<{ s3: SpillRefusal; store: SpillStore }> {
  const s3 = await startSpillRefusal((_request, index) => answer(index))
  t.teardown(() => s3.stop())
  process.env['AWS_ENDPOINT_URL_S3'] = s3.url
  const settings = { bucket: 'spill', prefix: 'athena-spill', putHeaders, pathStyle: true }
  return { s3, store: openSpillStore(settings, 'us-east-1') }
}

t.test('puts exactly the bytes, with the headers asked and signed', async (t) => {
  const { s3, store } = await start(t, () => ({ statusCode: 200 }), {
    'x-amz-server-side-encryption': 'aws:kms',
  })
  await store.put('spill', key, Buffer.from('block'), never)
  const [request] = s3.requests
  t.equal(request?.path.split('?')[0], `/spill/${key}`)
  t.equal(request?.body.toString(), 'block')
  t.match(request?.headers, {
    'content-length': '5',
    'x-amz-server-side-encryption': 'aws:kms',
    authorization: /SignedHeaders=[^,]*x-amz-server-side-encryption/,
  })
  t.notOk(Object.keys(request?.headers ?? {}).some((name) => name.includes('checksum')))
})

t.test(
  'leaves the bytes to TLS where there is some, and hashes them where there is none',
  async (t) => {
    const clear = await start(t, () => ({ statusCode: 200 }))
    await clear.store.put('spill', key, Buffer.from('block'), never)
    const hash = createHash('sha256').update('block').digest('hex')
    t.equal(clear.s3.requests[0]?.headers['x-amz-content-sha256'], hash)
    const s3 = await startSpillRefusal(() => ({ statusCode: 200 }), 'https')
    // The test's authority is none of Node's.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    t.teardown(async () => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      await s3.stop()
    })
    process.env['AWS_ENDPOINT_URL_S3'] = s3.url
    const settings = { bucket: 'spill', prefix: '', putHeaders: {}, pathStyle: true }
    await openSpillStore(settings, 'us-east-1').put('spill', key, Buffer.from('block'), never)
    const [request] = s3.requests
    t.equal(request?.headers['x-amz-content-sha256'], 'UNSIGNED-PAYLOAD')
    t.match(request?.headers.authorization, /SignedHeaders=[^,]*x-amz-content-sha256/)
    t.equal(request?.body.toString(), 'block')
  },
)

t.test('names bucket, key and what is missing when S3 refuses', async (t) => {
  const refusals: [ScriptedAnswer, string, RegExp][] = [
    [
      s3Refusal(403, 'AccessDenied'),
      'forbidden',
      /^forbidden: s3:\/\/spill\/athena-spill\/q-1\/0c5f\.3 .* s3:PutObject on arn:aws:s3:::spill\/athena-spill\/\*$/,
    ],
    [
      s3Refusal(403, 'AccessDenied', 'not authorized to perform: kms:GenerateDataKey on resource'),
      'forbidden',
      /kms:GenerateDataKey on the key that encrypts spill/,
    ],
    [s3Refusal(400, 'KMS.DisabledException'), 'forbidden', /KMS key refused/],
    [s3Refusal(404, 'NoSuchBucket'), 'invalid_request', /no such spill_bucket/],
    [s3Refusal(403, 'InvalidAccessKeyId'), 'forbidden', /credentials \(InvalidAccessKeyId\)/],
    [s3Refusal(400, 'InvalidArgument'), 'invalid_request', /InvalidArgument/],
  ]
  for (const [refusal, code, message] of refusals) {
    const { s3, store } = await start(t, () => refusal)
    await t.rejects(store.put('spill', key, Buffer.of(1), never), { code, message })
    t.equal(s3.requests.length, 1, 'no second attempt')
  }
})

t.test('lasts out an S3 that fails at first', async (t) => {
  const { s3, store } = await start(t, (index) =>
    index === 0 ? s3Refusal(503, 'SlowDown') : { statusCode: 200 },
  )
  await store.put('spill', key, Buffer.of(1), never)
  t.equal(s3.requests.length, 2)
})

t.test('checks the bucket once, and again after a refusal', async (t) => {
  const answers = [404, 403, 200]
  const { s3, store } = await start(t, (index) => ({ statusCode: answers[index] ?? 500 }))
  await t.rejects(store.checkBucket('spill', never), {
    code: 'forbidden',
    message: /spill_bucket "spill" does not exist/,
  })
  await t.rejects(store.checkBucket('spill', never), {
    code: 'forbidden',
    message: /s3:ListBucket on arn:aws:s3:::spill/,
  })
  await store.checkBucket('spill', never)
  await store.checkBucket('spill', never)
  t.equal(s3.requests.length, 3)
})

/** A store whose writes wait until the test lets them go. */
function heldStore() {
  const puts: { key: string; signal: AbortSignal; done: (error?: Error) => void }[] = []
  const store: SpillStore = {
    checkBucket: async () => undefined,
    put: (_bucket, key, _bytes, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        puts.push({ key, signal, done: (error) => (error ? reject(error) : resolve()) })
      }),
  }
  return { puts, store }
}

const message = Buffer.from(onePartition.records, 'base64')
const block = create(BlockSchema, {
  dataHeader: message.subarray(8, 144),
  dataBody: message.subarray(144),
})
const target = {
  location: { bucket: 'spill', key: 'p/q/u', directory: true },
  encryptionKey: null,
}

t.test('has several uploads in flight and no more than its bound', async (t) => {
  const { puts, store } = heldStore()
  const writer = spillWriter(store, target, new AbortController())
  for (let index = 0; index < uploadsInFlightMax; index += 1) await writer.write(block)
  t.equal(puts.length, uploadsInFlightMax)
  const next = writer.write(block)
  await new Promise(setImmediate)
  t.equal(puts.length, uploadsInFlightMax)
  puts[2]?.done()
  await next
  t.equal(puts.length, uploadsInFlightMax + 1)
  for (const put of puts) put.done()
  t.strictSame(
    (await writer.close()).map((location) => location.key),
    ['p/q/u.0', 'p/q/u.1', 'p/q/u.2', 'p/q/u.3', 'p/q/u.4'],
  )
})

t.test('stops all at the first write error, and says that one', async (t) => {
  const { puts, store } = heldStore()
  const stop = new AbortController()
  const writer = spillWriter(store, target, stop)
  await writer.write(block)
  await writer.write(block)
  const error = new ConnectorError('forbidden', 'allow s3:PutObject')
  puts[1]?.done(error)
  await new Promise(setImmediate)
  t.equal(stop.signal.reason, error)
  t.ok(puts[0]?.signal.aborted)
  await t.rejects(writer.write(block), error)
  await t.rejects(writer.close(), error)
  t.equal(puts.length, 2)
})
