import t, { type Test } from 'tap'
import { openTokenSource } from '../../../shim-lambda/secrets.ts'
import {
  jsonRefusal,
  startSpillRefusal,
  type ScriptedAnswer,
} from '../../support/start-spill-refusal.ts'

process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] = 'very-secret'

const never = new AbortController().signal
const settings = { kind: 'secret', secretId: 'spillway/token' } as const

async function startSecrets(t: Test, answer: (index: number) => ScriptedAnswer) {
  const server = await startSpillRefusal((_request, index) => answer(index))
  t.teardown(() => server.stop())
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = server.url
  return { server, tokens: openTokenSource(settings, 'us-east-1') }
}

const secret = (text: string): ScriptedAnswer => ({
  statusCode: 200,
  body: JSON.stringify({ SecretString: text }),
  headers: { 'content-type': 'application/x-amz-json-1.1' },
})

t.test('gives the token of the environment, or none', async (t) => {
  const fixed = openTokenSource({ kind: 'text', token: 'abc' }, 'us-east-1')
  t.equal(await fixed.token(never), 'abc')
  t.equal(fixed.renew(), false)
  t.equal(await openTokenSource({ kind: 'none' }, 'us-east-1').token(never), null)
})

t.test('reads the secret once, and again when asked to', async (t) => {
  const { server, tokens } = await startSecrets(t, (index) =>
    secret(index === 0 ? 'first\n' : '{"token":"second"}'),
  )
  t.equal(await tokens.token(never), 'first')
  t.equal(await tokens.token(never), 'first')
  t.equal(server.requests.length, 1)
  t.equal(tokens.renew(), true)
  t.equal(await tokens.token(never), 'second')
})

t.test('names the secret, never what it holds', async (t) => {
  const { tokens } = await startSecrets(t, () => secret('{"password":"hunter2"}'))
  await t.rejects(tokens.token(never), {
    code: 'unauthenticated',
    message:
      'unauthenticated: secret spillway/token holds no token, expected the token itself or {"token": "…"}',
  })
})

t.test('says which permission is missing', async (t) => {
  const denied = await startSecrets(t, () => jsonRefusal(400, 'AccessDeniedException'))
  await t.rejects(denied.tokens.token(never), {
    code: 'forbidden',
    message: /secretsmanager:GetSecretValue/,
  })
  const missing = await startSecrets(t, () => jsonRefusal(400, 'ResourceNotFoundException'))
  await t.rejects(missing.tokens.token(never), { code: 'unauthenticated' })
})
