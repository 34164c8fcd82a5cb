import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ec2Role } from '../../../service/credentials/ec2-role.ts'
import { ecsRole } from '../../../service/credentials/ecs-role.ts'
import { Secret } from '../../../service/credentials/secret.ts'
import { startScriptedServer } from '../../support/start-scripted-server.ts'
import type { ScriptedAnswer, ScriptedRequest } from '../../support/start-scripted-server.ts'

const forEver = (): AbortSignal => new AbortController().signal
const session = {
  AccessKeyId: 'role-key',
  SecretAccessKey: 'canary-secret',
  Token: 'canary-token',
  Expiration: '2026-11-21T12:00:00Z',
}

async function started(t: Test, answerOf: (request: ScriptedRequest) => ScriptedAnswer) {
  const server = await startScriptedServer(answerOf)
  t.teardown(() => server.close())
  return server
}

t.test('the role of a task, with the word that its environment or a file holds', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-ecs-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const authorizationFile = join(folder, 'word')
  const server = await started(t, () => ({ body: JSON.stringify(session) }))
  const url = `${server.url}/v2/credentials/abc`
  const plain = await ecsRole({ url }).retrieve({}, forEver())
  t.match(plain, { accessKey: 'role-key', expiresMs: Date.parse('2026-11-21T12:00:00Z') })
  t.equal(plain.secretKey.reveal(), 'canary-secret')
  t.equal(plain.sessionToken?.reveal(), 'canary-token')
  const authorization = new Secret('of the environment')
  await ecsRole({ url, authorization }).retrieve({}, forEver())
  const both = ecsRole({ url, authorization, authorizationFile })
  await t.rejects(both.retrieve({}, forEver()), { code: 'unavailable', message: /TOKEN_FILE/ })
  for (const word of ['first', 'second']) {
    await writeFile(authorizationFile, `${word}\n`)
    await both.retrieve({}, forEver())
  }
  t.strictSame(
    server.asked.map(({ method, path, headers }) => [method, path, headers.authorization]),
    [undefined, 'of the environment', 'first', 'second'].map((word) => [
      'GET',
      '/v2/credentials/abc',
      word,
    ]),
  )
})

t.test('the role of a machine, by version 2 of the metadata service', async (t) => {
  const roles = '/latest/meta-data/iam/security-credentials/'
  const server = await started(t, ({ method, path, headers }) => {
    if (method === 'PUT' && path === '/latest/api/token') return { body: 'session-word' }
    if (headers['x-aws-ec2-metadata-token'] !== 'session-word') return { status: 401 }
    if (path === roles) return { body: 'lake role' }
    if (path === `${roles}lake%20role`) {
      return { body: JSON.stringify({ Code: 'Success', ...session }) }
    }
    return { status: 404 }
  })
  const found = await ec2Role({ url: server.url }).retrieve({}, forEver())
  t.equal(found.accessKey, 'role-key')
  t.equal(server.asked[0]?.headers['x-aws-ec2-metadata-token-ttl-seconds'], '60')
  t.equal(server.asked.length, 3)
})

t.test('whatever else is answered is told, and none of it quoted', async (t) => {
  const answers: ScriptedAnswer[] = [
    { status: 404, body: 'canary' },
    { status: 200, body: 'canary' },
    { status: 200, body: '"canary"' },
    { status: 200, body: JSON.stringify({ ...session, SecretAccessKey: '' }) },
    { status: 302, headers: { location: 'http://127.0.0.1:1/canary' } },
  ]
  for (const answer of answers) {
    const server = await started(t, () => answer)
    const refused = { code: 'unavailable', message: /check(?!.*canary)/ }
    await t.rejects(ecsRole({ url: server.url }).retrieve({}, forEver()), refused)
    await t.rejects(ec2Role({ url: server.url }).retrieve({}, forEver()), refused)
  }
})

t.test('nobody there, and nobody who waits any more', async (t) => {
  const server = await startScriptedServer(() => ({}))
  await server.close()
  await t.rejects(ec2Role({ url: server.url }).retrieve({}, forEver()), {
    code: 'unavailable',
    message: /cannot be asked \(ECONNREFUSED\)/,
  })
  await t.rejects(ec2Role({ url: server.url }).retrieve({}, AbortSignal.abort()), {
    code: 'cancelled',
  })
})
