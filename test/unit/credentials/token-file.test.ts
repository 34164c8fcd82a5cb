import fs from 'node:fs'
import { mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { CachedCredentials } from '../../../service/credentials/cached-credentials.ts'
import { TokenFile, tokenEndMs } from '../../../service/credentials/token-file.ts'
import { webIdentity } from '../../../service/credentials/web-identity.ts'

const MINUTE_MS = 60_000
const forEver = (): AbortSignal => new AbortController().signal

function jwt(claims: object): string {
  const parts = [{ alg: 'none' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  return `${parts.join('.')}.signature`
}

async function newFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-token-file-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

t.test('the end of a token is its own word, if it has one', async (t) => {
  t.equal(tokenEndMs(jwt({ exp: 1_800_000_000 })), 1_800_000_000_000)
  for (const token of [
    jwt({}),
    jwt({ exp: '1800000000' }),
    jwt([1]),
    'opaque',
    'a.b.c',
    'a..c',
    `a.${Buffer.from('null').toString('base64url')}.c`,
  ])
    t.equal(tokenEndMs(token), undefined, token)
})

t.test('a file that is being written is looked at again, then told to its owner', async (t) => {
  const path = join(await newFolder(t), 'token')
  const waits: number[] = []
  let onWait: (() => Promise<void>) | undefined
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms)
    await onWait?.()
  }
  const file = new TokenFile({ path, nowMs: () => 10 * MINUTE_MS, wait })
  const read = async () => (await file.read(forEver())).token.reveal()
  await t.rejects(read(), {
    code: 'unavailable',
    retryAfterMs: 5_000,
    message: /cannot be read \(ENOENT\); the program that owns the file must write a new one/,
  })
  t.equal(
    waits.reduce((sum, ms) => sum + ms, 0),
    2_000,
    'two seconds of patience',
  )
  await writeFile(path, '')
  onWait = () => writeFile(path, ' opaque-token\n')
  t.equal(await read(), 'opaque-token')
  onWait = undefined
  for (const [text, message] of [
    ['', /is empty/],
    ['two words', /is not one word of plain text/],
    ['bell\u0007', /is not one word of plain text/],
    ['x'.repeat(65_537), /has more than 65536 bytes/],
    [jwt({ exp: 9 * 60 }), /ended at 1970-01-01T00:09:00.000Z/],
  ] as const) {
    await writeFile(path, text)
    await t.rejects(read(), { code: 'unavailable', message })
  }
  await writeFile(path, jwt({ exp: 9 * 60 + 31 }))
  t.ok(await read(), 'of one that has just ended the STS has the last word')
  await t.rejects(new TokenFile({ path: tmpdir(), nowMs: () => 0, wait }).read(forEver()), {
    message: /cannot be read \(EISDIR\)/,
  })
})

t.test('every way of writing the file is a change', async (t) => {
  const path = join(await newFolder(t), 'token')
  const file = new TokenFile({ path, nowMs: Date.now, wait: async () => {} })
  t.notOk(file.changed(), 'it was never read, and there is nothing')
  const ways = [
    () => writeFile(path, 'first'),
    () => writeFile(path, 'other'),
    () => truncate(path, 3),
    async () => {
      await writeFile(`${path}.next`, 'oth')
      await rename(`${path}.next`, path)
    },
    () => rm(path),
    () => writeFile(path, 'again'),
  ]
  for (const [index, write] of ways.entries()) {
    await write()
    t.ok(file.changed(), `way ${index}`)
    t.ok(file.changed(), 'until it is read')
    await file.read(forEver()).catch(() => {})
    t.notOk(file.changed(), 'which it is now')
  }
})

/** An STS on the clock of a test: sessions end with their token, and tokens that ended are refused as MinIO does. */
async function fakeSts(t: Test, nowMs: () => number) {
  const state = { asked: 0, refused: 0 }
  const server = createServer((request, answer) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      state.asked++
      const token = new URLSearchParams(body).get('WebIdentityToken') ?? ''
      const endMs = tokenEndMs(token) ?? 0
      answer.sendDate = false
      if (endMs <= nowMs()) {
        state.refused++
        const code = '<Code>InvalidParameterValue</Code><Message>Token is expired</Message>'
        answer.writeHead(400).end(`<ErrorResponse><Error>${code}</Error></ErrorResponse>`)
        return
      }
      const action = 'AssumeRoleWithWebIdentity'
      const fields = {
        AccessKeyId: `key-${state.asked}`,
        SecretAccessKey: 'secret',
        SessionToken: 'session',
        Expiration: new Date(endMs).toISOString(),
      }
      const xml = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
      const result = `<${action}Result><Credentials>${xml.join('')}</Credentials></${action}Result>`
      answer.end(`<${action}Response>${result}</${action}Response>`)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, { url })
}

/** Every opening of the path by any of the ways of `node:fs` that lead to a descriptor, with its flags. */
function watchOpens(t: Test, path: string): { how: string; flags: unknown }[] {
  const seen: { how: string; flags: unknown }[] = []
  const restores: (() => unknown)[] = []
  const readers = /^(stat|lstat|access|exists|realpath|watch|createReadStream)/
  for (const [room, label] of [
    [fs, 'fs'],
    [fs.promises, 'promises'],
  ] as const) {
    const methods = room as unknown as Record<string, unknown>
    for (const [name, method] of Object.entries(methods)) {
      if (typeof method !== 'function' || /^[A-Z_]/.test(name)) continue
      methods[name] = new Proxy(method, {
        apply(target, self, words: unknown[]) {
          if (words.some((word) => String(word) === path) && !readers.test(name))
            seen.push({ how: `${label}.${name}`, flags: words[1] })
          return Reflect.apply(target, self, words)
        },
      })
      restores.push(() => (methods[name] = method))
    }
  }
  // Named imports follow what stands in the rooms.
  syncBuiltinESMExports()
  t.teardown(() => {
    for (const restore of restores) restore()
    syncBuiltinESMExports()
  })
  return seen
}

t.test(
  'a token that ends while it is exchanged is exchanged again when it is replaced',
  async (t) => {
    const path = join(await newFolder(t), 'token')
    const nowMs = Date.parse('2026-11-21T00:00:00Z')
    const sts = await fakeSts(t, () => nowMs)
    let waits = 0
    const wait = async (): Promise<void> => {
      if (++waits === 5) await writeFile(path, jwt({ exp: nowMs / 1_000 + 900 }))
    }
    const file = new TokenFile({ path, nowMs: () => nowMs, wait })
    const provider = webIdentity({ file, sts: { url: sts.url, nowMs: () => nowMs } })
    await writeFile(path, jwt({ exp: nowMs / 1_000 - 1 }))
    t.match(await provider.retrieve({}, forEver()), { expiresMs: nowMs + 900_000 })
    t.strictSame([waits, sts.refused, sts.asked], [5, 1, 2])
    await writeFile(path, jwt({ exp: nowMs / 1_000 - 1 }))
    await t.rejects(provider.retrieve({}, forEver()), { code: 'unavailable', message: /ended at/ })
    t.equal(waits, 5 + 20)
  },
)

t.test('24 hours beside another program: nobody ends what the other has', async (t) => {
  const path = join(await newFolder(t), 'token')
  let nowMs = Date.parse('2026-11-21T00:00:00Z')
  const sts = await fakeSts(t, () => nowMs)
  const file = new TokenFile({ path, nowMs: () => nowMs, wait: async () => {} })
  const ours = new CachedCredentials({
    provider: webIdentity({ file, sts: { url: sts.url, nowMs: () => nowMs } }),
    nowMs: () => nowMs,
    random: () => 0.5,
  })
  const ownerWrites = async (): Promise<string> => {
    const token = jwt({ exp: nowMs / 1_000 + 60 * 60 })
    await writeFile(`${path}.next`, token)
    await rename(`${path}.next`, path)
    return token
  }
  const written = new Set<string>()
  let last = await ownerWrites()
  let { ctimeNs } = await stat(path, { bigint: true })
  const minutes = 24 * 60
  let theirs = 0
  let good = 0
  for (let minute = 0; minute < minutes; minute++, nowMs += MINUTE_MS) {
    if (minute > 0 && minute % 45 === 0) {
      last = await ownerWrites()
      ctimeNs = (await stat(path, { bigint: true })).ctimeNs
    }
    written.add(last)
    const { expiresMs = 0 } = await ours.get(forEver())
    if (expiresMs > nowMs) good++
    await turn()
    // The other program finds what the owner wrote, touched by nobody, and it is good.
    const found = await readFile(path, 'utf8')
    if (found === last && (tokenEndMs(found) ?? 0) > nowMs) theirs++
    if ((await stat(path, { bigint: true })).ctimeNs !== ctimeNs) t.fail('the file was touched')
  }
  t.equal(good, minutes)
  t.equal(theirs, minutes)
  t.equal(sts.refused, 0)
  t.equal(written.size, 32)
  t.ok(sts.asked >= written.size && sts.asked <= 3 * written.size, `${sts.asked} sessions`)
})

t.test('a token file is never opened for writing, whatever its owner does to it', async (t) => {
  const path = join(await newFolder(t), 'token')
  let nowMs = Date.parse('2026-11-21T00:00:00Z')
  const sts = await fakeSts(t, () => nowMs)
  const wait = async (): Promise<void> => {}
  const file = new TokenFile({ path, nowMs: () => nowMs, wait })
  const source = new CachedCredentials({
    provider: webIdentity({ file, sts: { url: sts.url, nowMs: () => nowMs } }),
    nowMs: () => nowMs,
  })
  // The owner's own hands, from before the watch.
  const { writeFileSync, rmSync } = fs
  const acts = [
    () => writeFileSync(path, jwt({ exp: nowMs / 1_000 + 900 })),
    () => writeFileSync(path, jwt({ exp: nowMs / 1_000 - 900 })),
    () => writeFileSync(path, 'garbage'),
    () => writeFileSync(path, ''),
    () => rmSync(path, { force: true }),
    () => source.expire(),
    () => (nowMs += 11 * MINUTE_MS),
    () => (nowMs += 2_000),
  ]
  const seen = watchOpens(t, path)
  let state = 7
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  let good = 0
  for (let step = 0; step < 400; step++) {
    acts[Math.floor(random() * acts.length)]?.()
    await source.get(forEver()).then(
      () => good++,
      () => {},
    )
    await turn()
  }
  t.ok(good > 50 && good < 400, `${good} of 400 had credentials`)
  t.ok(seen.length > 50, `${seen.length} times opened`)
  t.strictSame(
    [...new Set(seen.map(({ how, flags }) => `${how} ${String(flags)}`))],
    ['promises.open r'],
  )
})
