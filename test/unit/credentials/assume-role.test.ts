import t from 'tap'
import { assumeRole } from '../../../service/credentials/assume-role.ts'
import { Secret } from '../../../service/credentials/secret.ts'
import type { RetrieveRequest } from '../../../service/credentials/store-credentials.ts'
import { startScriptedServer } from '../../support/start-scripted-server.ts'

const forEver = new AbortController().signal
const nowMs = (): number => Date.parse('2026-11-21T10:00:00Z')
const fields =
  '<AccessKeyId>session</AccessKeyId><SecretAccessKey>s</SecretAccessKey><Expiration>2026-11-21T11:00:00Z</Expiration>'
const session = `<AssumeRoleResponse><AssumeRoleResult><Credentials>${fields}</Credentials></AssumeRoleResult></AssumeRoleResponse>`
const refusal = '<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>'

t.test('keys that were just rotated are asked for again, once', async (t) => {
  const server = await startScriptedServer(({ headers }) =>
    headers.authorization?.includes('Credential=old/20261121/eu-west-1/sts/aws4_request')
      ? { body: session }
      : { status: 403, body: refusal },
  )
  t.teardown(() => server.close())
  const asked: RetrieveRequest[] = []
  let keys = ['new', 'old']
  const base = {
    source: 'secret',
    async retrieve(request: RetrieveRequest) {
      asked.push(request)
      return { accessKey: keys[request.refused ? 1 : 0] ?? '', secretKey: new Secret('canary') }
    },
  } as const
  const sts = { url: server.url, nowMs }
  const provider = assumeRole({ base, sts, region: 'eu-west-1', roleArn: 'arn:aws:iam::1:role/x' })
  t.equal((await provider.retrieve({}, forEver)).accessKey, 'session')
  t.strictSame(
    asked.map(({ refused }) => refused?.accessKey),
    [undefined, 'new'],
  )
  keys = ['wrong', 'wrong']
  await t.rejects(provider.retrieve({}, forEver), {
    code: 'unavailable',
    message: /source secret \(403 AccessDenied\); check(?!.*canary)/,
  })
  t.equal(server.asked.length, 3, 'the same keys are not tried twice')
})
