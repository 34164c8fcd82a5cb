import t, { type Test } from 'tap'
import { openDataKeys } from '../../../shim-lambda/data-key.ts'
import {
  jsonRefusal,
  startSpillRefusal,
  type RefusedRequest,
  type ScriptedAnswer,
} from '../../support/start-spill-refusal.ts'

process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] = 'very-secret'

const never = new AbortController().signal
const settings = { kind: 'kms', keyId: 'alias/spill' } as const
const bytesIn = (base64: string | undefined): number => Buffer.from(base64 ?? '', 'base64').length
const target = (request: RefusedRequest): string =>
  String(request.headers['x-amz-target']).split('.')[1] ?? ''

async function startKms(t: Test, answer: (request: RefusedRequest) => ScriptedAnswer) {
  const kms = await startSpillRefusal(answer)
  t.teardown(() => kms.stop())
  process.env['AWS_ENDPOINT_URL_KMS'] = kms.url
  return kms
}

/** KMS that gives a running number in every key and nonce. */
function kmsAnswer(request: RefusedRequest): ScriptedAnswer {
  const { NumberOfBytes: asked } = JSON.parse(request.body.toString()) as { NumberOfBytes?: number }
  const plaintext = Buffer.from(Array.from({ length: asked ?? 16 }, (_, index) => index % 251))
  const body = JSON.stringify({ KeyId: 'k', Plaintext: plaintext.toString('base64') })
  return { statusCode: 200, body, headers: { 'content-type': 'application/x-amz-json-1.1' } }
}

t.test('makes a 32-byte key and a nonce for every split', async (t) => {
  const keys = await openDataKeys({ kind: 'local' }, 'us-east-1')(3, never)
  t.strictSame(
    keys.map((key) => [bytesIn(key?.key), bytesIn(key?.nonce)]),
    [
      [32, 12],
      [32, 12],
      [32, 12],
    ],
  )
  t.equal(new Set(keys.flatMap((key) => [key?.key, key?.nonce])).size, 6)
})

t.test('makes none when encryption is off', async (t) => {
  t.strictSame(await openDataKeys({ kind: 'none' }, 'us-east-1')(2, never), [null, null])
})

t.test('asks KMS for 16-byte keys, and for the nonces of 85 splits at once', async (t) => {
  const kms = await startKms(t, kmsAnswer)
  const keys = await openDataKeys(settings, 'us-east-1')(100, never)
  t.equal(keys.length, 100)
  t.ok(keys.every((key) => bytesIn(key?.key) === 16 && bytesIn(key?.nonce) === 12))
  const asked = kms.requests.map(target)
  t.equal(asked.filter((name) => name === 'GenerateDataKey').length, 100)
  t.equal(asked.filter((name) => name === 'GenerateRandom').length, 2)
  const first = kms.requests.find((request) => target(request) === 'GenerateDataKey')
  t.strictSame(JSON.parse(first?.body.toString() ?? ''), {
    KeyId: 'alias/spill',
    KeySpec: 'AES_128',
  })
})

t.test('names the key and the permissions when KMS refuses', async (t) => {
  await startKms(t, () => jsonRefusal(400, 'AccessDeniedException'))
  await t.rejects(openDataKeys(settings, 'us-east-1')(1, never), {
    code: 'forbidden',
    message: /alias\/spill .*kms:GenerateDataKey on it and kms:GenerateRandom/,
  })
  await startKms(t, (request) =>
    target(request) === 'GenerateRandom'
      ? kmsAnswer(request)
      : jsonRefusal(400, 'NotFoundException'),
  )
  await t.rejects(openDataKeys(settings, 'us-east-1')(1, never), {
    code: 'invalid_request',
    message: /alias\/spill .*NotFoundException/,
  })
})
