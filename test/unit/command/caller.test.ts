import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { callerCommand } from '../../../service/command/caller.ts'
import { Callers } from '../../../service/credentials/callers.ts'

/** What a command printed, and its exit code. */
async function run(t: Test, words: string, file?: string) {
  const outputs = [t.capture(process.stdout, 'write'), t.capture(process.stderr, 'write')]
  const env = file === undefined ? {} : { SPILLWAY_CALLERS_FILE: file }
  const code = await callerCommand(words.split(' '), env)
  const [out = '', err = ''] = outputs.map((output) => {
    output.restore()
    return output.args().join('')
  })
  return { code, out, err }
}

async function nameOf(t: Test, path: string, token: string): Promise<string> {
  const callers = await Callers.open({ path, nowMs: Date.now, onBroken() {}, onLoaded() {} })
  t.teardown(() => callers.close())
  return (await callers.identify({ authorization: `Bearer ${token}` })).name
}

t.test('a caller that was added is let in by what was printed, until it is removed', async (t) => {
  const file = join(t.testdir({}), 'callers.yaml')
  const added = await run(t, 'add athena --role everything', file)
  t.strictSame([added.code, added.err], [0, ''])
  t.match(added.out, /^spw_[\w-]{43}\n$/)
  const token = added.out.trim()
  t.equal(await nameOf(t, file, token), 'athena')
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.notMatch(await readFile(file, 'utf8'), new RegExp(token))
  const rotated = await run(t, 'rotate athena --expires 2999-01-01', file)
  t.equal(await nameOf(t, file, rotated.out.trim()), 'athena')
  t.equal(await nameOf(t, file, token), 'athena', 'the old one for a while')
  const { out } = await run(t, 'list', file)
  t.match(out, /athena +everything +2 +2999-01-01T00:00/)
  t.notMatch(out, /spw_|[0-9a-f]{64}/)
  t.strictSame(await run(t, 'remove athena', file), { code: 0, out: '', err: '' })
  await t.rejects(nameOf(t, file, token), { code: 'unauthenticated' })
})

t.test('the file may be named, keeps its mode, and stays behind its link', async (t) => {
  const folder = t.testdir({})
  const [file, link] = [join(folder, 'real.yaml'), join(folder, 'callers.yaml')]
  await writeFile(file, 'roles: { r: {} }\n', { mode: 0o640 })
  await symlink(file, link)
  const { code, out } = await run(t, `add me --role r --file ${link}`, '/nowhere/else')
  t.equal(code, 0)
  t.equal(await nameOf(t, file, out.trim()), 'me')
  t.equal((await stat(file)).mode & 0o777, 0o640)
})

t.test('what cannot be done changes nothing and exits 1', async (t) => {
  const text = 'roles: { r: {} }\ncallers: [{ name: a, roles: [r] }]\n'
  const folder = t.testdir({ 'callers.yaml': text, 'broken.yaml': 'callers: 7\n' })
  const file = join(folder, 'callers.yaml')
  for (const words of [
    'add a --role r',
    'add b --role x',
    'remove b',
    'rotate b',
    'add b --role r --expires soon',
  ]) {
    const { code, out, err } = await run(t, words, file)
    t.strictSame([code, out], [1, ''], words)
    t.match(err, /^spillway: invalid_request: /)
  }
  t.equal(await readFile(file, 'utf8'), text)
  t.match(await run(t, 'list', join(folder, 'none.yaml')), { code: 1, err: /there is no file/ })
  t.match(await run(t, 'list', join(folder, 'broken.yaml')), { code: 1, err: /callers: got 7/ })
})

t.test('wrong words are told with the usage and exit 2', async (t) => {
  const wrong = [
    'add',
    'add a',
    'list a',
    'remove',
    'remove a --role r',
    'add a b --role r',
    'change a',
    'add a --rol r',
  ]
  for (const words of wrong) {
    const { code, err } = await run(t, words, 'callers.yaml')
    t.equal(code, 2, words)
    t.match(err, /usage: spillway caller add/)
  }
  t.match(await run(t, 'list'), { code: 2, err: /SPILLWAY_CALLERS_FILE/ })
  t.match(await run(t, '--help'), { code: 0, out: /^usage: spillway caller add/ })
})
