import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { askSts, isStsRefusal, saidBySts } from '../../../service/credentials/ask-sts.ts'
import {
  testAuthority,
  testCertificate,
  testCertificateKey,
} from '../../support/embedded-certificate.ts'
import { startScriptedServer } from '../../support/start-scripted-server.ts'
import type { ScriptedAnswer } from '../../support/start-scripted-server.ts'

const forEver = new AbortController().signal
const nowMs = Date.parse('2026-11-21T10:00:00Z')
const action = 'AssumeRole'

function session(expiration: string): string {
  const fields = '<AccessKeyId>key</AccessKeyId><SecretAccessKey>12345</SecretAccessKey>'
  const more = `<SessionToken>canary</SessionToken><Expiration>${expiration}</Expiration>`
  return `<?xml version="1.0"?><${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>${fields}${more}</Credentials></${action}Result></${action}Response>`
}

async function ask(t: Test, answer: ScriptedAnswer) {
  const server = await startScriptedServer(() => answer)
  t.teardown(() => server.close())
  const request = { action, parameters: { RoleArn: 'a b&c' } } as const
  const answered = await askSts(request, { url: server.url, nowMs: () => nowMs }, forEver)
  return { answered, asked: server.asked }
}

t.test('parameters are in the body, never in the URL', async (t) => {
  const { answered, asked } = await ask(t, { body: session('2026-11-21T11:00:00Z') })
  t.match(asked, [
    {
      method: 'POST',
      path: '/',
      body: 'Version=2011-06-15&Action=AssumeRole&RoleArn=a+b%26c',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
  ])
  t.notOk(isStsRefusal(answered))
  if (!isStsRefusal(answered)) t.equal(answered.secretKey.reveal(), '12345', 'text stays text')
})

t.test('the end of a session is told by our clock, whatever the other one says', async (t) => {
  for (const [date, expiresMs] of [
    ['Sat, 21 Nov 2026 10:00:01 GMT', nowMs + 3_600_000],
    ['Sat, 21 Nov 2026 09:30:00 GMT', nowMs + 5_400_000],
    ['Sat, 21 Nov 2026 10:30:00 GMT', nowMs + 1_800_000],
    ['yesterday', nowMs + 3_600_000],
  ] as const) {
    const body = session('2026-11-21T11:00:00Z')
    const { answered } = await ask(t, { body, headers: { date } })
    t.match(answered, { expiresMs }, date)
  }
})

t.test('a private authority is trusted for the STS as for the store', async (t) => {
  const secrets = { key: testCertificateKey, cert: testCertificate }
  const server = createServer(secrets, (_, answer) => answer.end(session('2026-11-21T11:00:00Z')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const request = { action, parameters: {} } as const
  await t.rejects(askSts(request, { url, nowMs: () => nowMs }, forEver), {
    code: 'unavailable',
    message: /cannot be asked \((SELF_SIGNED|UNABLE|DEPTH)/,
  })
  const trusted = { url, nowMs: () => nowMs, certificateAuthority: testAuthority }
  t.match(await askSts(request, trusted, forEver), { accessKey: 'key' })
})

t.test('a refusal is told in its words, shortened and cleaned', async (t) => {
  const message = `Token is\nexpired ${'x'.repeat(400)}`
  const error = `<Error><Type/><Code>InvalidParameterValue</Code><Message>${message}</Message></Error>`
  const { answered } = await ask(t, {
    status: 400,
    body: `<ErrorResponse>${error}</ErrorResponse>`,
  })
  t.ok(isStsRefusal(answered))
  if (!isStsRefusal(answered)) return
  t.match(saidBySts(answered), /^400 InvalidParameterValue: Token is expired x+$/)
  t.equal(answered.message.length, 300)
  const bare = await ask(t, { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' })
  t.match(bare.answered, { status: 403, code: 'AccessDenied', message: '' })
  for (const body of ['<html><body>no</body>', '', '{"a":1}', '<Code>'.repeat(100)])
    t.match((await ask(t, { status: 502, body })).answered, { status: 502, code: '' })
})

t.test('an answer that is no session is nobody’s credentials', async (t) => {
  for (const body of [
    '',
    '<html>canary</html>',
    session('soon'),
    session('2026-11-21T11:00:00Z').replace('<AccessKeyId>key</AccessKeyId>', ''),
    session('2026-11-21T11:00:00Z').replaceAll(action, 'AssumeRoleWithSAML'),
  ])
    await t.rejects(ask(t, { body }), { code: 'unavailable', message: /check(?!.*canary)/ })
  await t.rejects(ask(t, { body: 'x'.repeat(300_000) }), {
    code: 'unavailable',
    message: /too long/,
  })
})
