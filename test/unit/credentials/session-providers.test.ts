import { join } from 'node:path'
import t from 'tap'
import { sessionProviders } from '../../../service/credentials/named-providers.ts'
import { Secret } from '../../../service/credentials/secret.ts'
import { startScriptedServer } from '../../support/start-scripted-server.ts'

const { signal } = new AbortController()
const nowMs = (): number => Date.parse('2026-11-21T10:00:00Z')
const fields =
  '<AccessKeyId>session</AccessKeyId><SecretAccessKey>s</SecretAccessKey><Expiration>2026-11-21T11:00:00Z</Expiration>'
const answerTo = (action: string) =>
  `<${action}Response><${action}Result><Credentials>${fields}</Credentials></${action}Result></${action}Response>`
const refusal = '<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>'
const keys = { accessKey: 'own', secretKey: new Secret('s') }
const policy = '{"Statement":[]}'

t.test('keys and tokens ask for sessions that the policy limits, in the usual order', async (t) => {
  let refused = ''
  const server = await startScriptedServer(({ body }) => {
    const action = new URLSearchParams(body).get('Action') ?? ''
    return action === refused ? { status: 403, body: refusal } : { body: answerTo(action) }
  })
  t.teardown(() => server.close())
  const options = { sts: { url: server.url, nowMs }, region: 'us-east-1' }
  const tokenFile = join(t.testdir({ token: 'a.b.c' }), 'token')
  const both = sessionProviders({ static: keys, tokenFile }, options, policy)
  t.equal((await both?.retrieve({}, signal))?.accessKey, 'session')
  refused = 'AssumeRole'
  t.equal((await both?.retrieve({}, signal))?.accessKey, 'session')
  const forms = server.asked.map(({ body }) => new URLSearchParams(body))
  t.strictSame(
    forms.map((form) => [form.get('Action'), form.get('Policy')]),
    [
      ['AssumeRole', policy],
      ['AssumeRole', policy],
      ['AssumeRoleWithWebIdentity', policy],
    ],
  )
  const role = { static: keys, roleArn: 'arn:aws:iam::1:role/lake' }
  refused = ''
  await sessionProviders(role, options, policy)?.retrieve({}, signal)
  const last = new URLSearchParams(server.asked.at(-1)?.body)
  t.equal(last.get('RoleArn'), role.roleArn)
  t.equal(sessionProviders({}, options, policy), undefined)
})
