import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { runCommand } from '../../../service/command/command-line.ts'
import { exitCodes } from '../../../service/command/exit-codes.ts'
import { packageVersion } from '../../../service/command/package-version.ts'

/** Runs a command that must end by itself, and what it wrote. */
async function run(t: Test, words: readonly string[], env: Record<string, string> = {}) {
  const outputs = [t.capture(process.stdout, 'write'), t.capture(process.stderr, 'write')]
  const code = await runCommand(words, env)
  const [stdout, stderr] = outputs.map((output) => {
    output.restore()
    return output.args().join('')
  })
  return { code, stdout, stderr }
}

t.test('wrong usage is exit code 2, the problem and the usage on stderr', async (t) => {
  const wrong: [string[], string][] = [
    [[], 'a command is missing'],
    [['server'], 'no such command: server'],
    [['__proto__'], 'no such command: __proto__'],
    [['serve', '--port', '8080'], 'serve takes no options: --port 8080'],
    [['demo', '--keep', '--fast'], 'demo does not know --fast'],
  ]
  for (const [words, problem] of wrong) {
    const { code, stdout, stderr } = await run(t, words)
    t.equal(code, 2, words.join(' '))
    t.equal(stdout, '')
    t.match(stderr, `spillway: ${problem}\n\nusage: spillway <command>`)
  }
})

t.test('wrong settings are exit code 2, each told on stderr', async (t) => {
  const { code, stdout, stderr } = await run(t, ['serve'], { SPILLWAY_WORKERS: 'many' })
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /^spillway: 3 wrong setting\(s\):\n/)
  for (const name of ['WORKERS', 'STORE_URL', 'STORE_ACCESS_KEY']) {
    t.match(stderr, `\n  SPILLWAY_${name}: got `)
  }
})

t.test('help and version are exit code 0, on stdout', async (t) => {
  for (const word of ['help', '--help']) {
    const { code, stdout, stderr } = await run(t, [word])
    t.equal(code, 0)
    t.match(stdout, /^usage: spillway <command>[^]*serve[^]*demo/)
    t.equal(stderr, '')
  }
  const file = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(file) as { version: string }
  t.equal(packageVersion(), version)
  t.match(await run(t, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('exit codes are the published ones', async (t) => {
  t.strictSame(exitCodes, { good: 0, failed: 1, usage: 2 })
})
