import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { awsSdkCredentials } from '../../../service/credentials/client-credentials.ts'
import { moduleCredentials } from '../../../service/credentials/credentials-module.ts'
import { namedProviders } from '../../../service/credentials/named-providers.ts'
import { providerChain } from '../../../service/credentials/provider-chain.ts'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import type {
  CredentialsProvider,
  CredentialsSourceName,
} from '../../../service/credentials/store-credentials.ts'
import { GatewayError } from '../../../service/errors.ts'

const forEver = (): AbortSignal => new AbortController().signal
const keys = (accessKey: string) => ({ accessKey, secretKey: new Secret('canary') })

class Link implements CredentialsProvider {
  readonly source: CredentialsSourceName
  isReady = true
  asked = 0

  constructor(source: CredentialsSourceName) {
    this.source = source
  }

  async retrieve() {
    this.asked++
    if (!this.isReady) throw new GatewayError('unavailable', `${this.source} has none`)
    return keys(this.source)
  }
}

t.test('a chain takes the first that has some, and says which', async (t) => {
  const links = [new Link('secret'), new Link('web-identity'), new Link('ec2')] as const
  const chain = providerChain([...links])
  t.equal((await chain.retrieve({}, forEver())).accessKey, 'secret')
  links[0].isReady = false
  t.equal((await chain.retrieve({}, forEver())).accessKey, 'web-identity')
  t.equal(chain.source, 'web-identity')
  t.equal(links[2].asked, 0)
  links[1].isReady = false
  links[2].isReady = false
  await t.rejects(chain.retrieve({}, forEver()), {
    code: 'unavailable',
    message: /secret: secret has none; web-identity: web-identity has none; ec2: ec2 has none/,
  })
  links[0].isReady = true
  t.equal((await chain.retrieve({ refused: keys('secret') }, forEver())).accessKey, 'secret')
  t.equal(providerChain([links[1]]), links[1], 'one alone is no chain')
})

t.test('a source that hangs does not keep the others from answering', async (t) => {
  const hanging: CredentialsProvider = {
    source: 'secret',
    retrieve: (_, signal) =>
      new Promise((_resolve, reject) => {
        // As a socket would, it keeps the process alive.
        const open = setTimeout(reject, 10_000)
        signal.addEventListener('abort', () => {
          clearTimeout(open)
          reject(signal.reason)
        })
      }),
  }
  const next = new Link('web-identity')
  const chain = providerChain([hanging, next], 20)
  t.equal((await chain.retrieve({}, forEver())).accessKey, 'web-identity')
  next.isReady = false
  await t.rejects(chain.retrieve({}, forEver()), { message: /secret: no answer for 20 ms;/ })
})

t.test('the settings name sources in a fixed order', async (t) => {
  const options = { sts: { url: 'http://127.0.0.1:9', nowMs: Date.now }, region: 'us-east-1' }
  t.equal(namedProviders({}, options), undefined)
  const all = namedProviders(
    { static: keys('mine'), tokenFile: '/nowhere/token', ec2: { url: 'http://127.0.0.1:9' } },
    options,
  )
  t.equal((await all?.retrieve({}, forEver()))?.accessKey, 'mine')
  const role = namedProviders({ static: keys('mine'), roleArn: 'arn:aws:iam::1:role/x' }, options)
  t.equal(role?.source, 'assume-role')
  await t.rejects(async () => role?.retrieve({}, forEver()), { code: 'unavailable' })
})

async function moduleOf(t: Test, text: string): Promise<CredentialsProvider> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-module-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'vault.mjs')
  await writeFile(path, text)
  return moduleCredentials(pathToFileURL(path).href)
}

t.test('a module of the operator is asked each time, and told what was refused', async (t) => {
  const own = await moduleOf(
    t,
    `let count = 0
     export const name = 'my vault'
     export async function credentials({ refusedAccessKey, signal }) {
       signal.throwIfAborted()
       return { accessKey: 'v' + ++count, secretKey: 's', sessionToken: refusedAccessKey, expires: '2026-11-21T12:00:00Z' }
     }`,
  )
  const first = await own.retrieve({}, forEver())
  t.match(first, { accessKey: 'v1', expiresMs: Date.parse('2026-11-21T12:00:00Z') })
  const second = await own.retrieve({ refused: first }, forEver())
  t.equal(second.accessKey, 'v2')
  t.equal(second.sessionToken?.reveal(), 'v1')
  const plain = await moduleOf(t, `export default async () => ({ accessKey: 'a', secretKey: 's' })`)
  t.strictSame(Object.keys(await plain.retrieve({}, forEver())), ['accessKey', 'secretKey'])
})

t.test('a module that does not do so is named, its words are not repeated', async (t) => {
  const broken: [string, RegExp][] = [
    [`export const a = 1`, /exports 0 functions/],
    [`export const a = () => {}; export const b = () => {}`, /exports 2 functions/],
    [`throw new TypeError('canary')`, /cannot be loaded \(TypeError\)/],
    [`export default async () => { throw new Error('canary') }`, /failed \(Error\)/],
    [`export default async () => 'canary'`, /without accessKey and secretKey/],
    [`export default async () => undefined`, /without accessKey and secretKey/],
    [`export default async () => ({ accessKey: 'a', secretKey: 1 })`, /without accessKey/],
    [
      `export default async () => ({ accessKey: 'a', secretKey: 's', expires: 'canary' })`,
      /without accessKey/,
    ],
  ]
  for (const [text, message] of broken) {
    const failure = await (await moduleOf(t, text)).retrieve({}, forEver()).then(
      () => undefined,
      (error: GatewayError) => error,
    )
    t.match(failure, { code: 'unavailable' })
    t.match(failure?.message, message)
    t.notMatch(failure?.message, /canary/)
  }
})

t.test('the AWS SDK is never told that credentials last', async (t) => {
  const lasting = staticCredentials(keys('mine'))
  const given = await awsSdkCredentials(lasting, () => 1_000_000)()
  t.ok(given.expiration.getTime() - 1_000_000 < 300_000, 'it keeps what lasts for longer')
  const ending = staticCredentials({ ...keys('mine'), expiresMs: 1_000_500 })
  const soon = await awsSdkCredentials(ending, () => 1_000_000)()
  t.equal(soon.expiration.getTime(), 1_000_500)
})
