import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { environmentFindings } from '../support/tidy.ts'

const root = resolve(import.meta.dirname, '../..')
const configuration = ['.dependency-cruiser.cjs', '.oxlintrc.json', 'tsconfig.json', 'package.json']
/** One clean file for every folder that the checks look into. */
const clean = {
  'service/errors.ts': 'export const zero = 0\n',
  'service/scan/scan-split.ts': "export { zero } from '../errors.ts'\n",
  'shim-lambda/handler.ts': 'export const one = 1\n',
  'proto/gen/two.ts': 'export const two = 2\n',
  'test/unit/three.ts': 'export const three = 3\n',
}

t.test('a tree without faults passes', async (t) => {
  const tree = await plant(t, {})
  t.match(await check(tree, 'depcruise'), {
    code: 0,
    output: 'no dependency violations found (5 modules',
  })
  t.match(await check(tree, 'oxlint'), { code: 0, output: 'Found 0 warnings and 0 errors' })
  t.strictSame(await environmentFindings(tree), [])
})

t.test('an upward import fails the check', async (t) => {
  const tree = await plant(t, {
    'service/errors.ts': "export const zero = 0\nexport type { Up } from './scan/up.ts'\n",
    'service/scan/up.ts': 'export type Up = string\n',
  })
  const { code, output } = await check(tree, 'depcruise')
  t.not(code, 0)
  t.match(output, 'errors-imports-upward: service/errors.ts → service/scan/up.ts')
})

t.test('a door that opens another door fails the check', async (t) => {
  const tree = await plant(t, {
    'service/http/door.ts': "export { answer } from '../federation/answer.ts'\n",
    'service/federation/answer.ts': 'export const answer = 42\n',
  })
  const { code, output } = await check(tree, 'depcruise')
  t.not(code, 0)
  t.match(output, 'http-opens-another-door: service/http/door.ts')
})

t.test('a shim that imports the service fails the check', async (t) => {
  const tree = await plant(t, {
    'shim-lambda/handler.ts': "export { zero } from '../service/errors.ts'\n",
  })
  const { code, output } = await check(tree, 'depcruise')
  t.not(code, 0)
  t.match(output, 'shim-is-thin: shim-lambda/handler.ts')
})

t.test('a floating promise fails the check', async (t) => {
  const tree = await plant(t, {
    'service/scan/forget.ts': [
      "import { writeFile } from 'node:fs/promises'",
      'export function forget(): void {',
      "  writeFile('a', 'b')",
      '}\n',
    ].join('\n'),
  })
  const { code, output } = await check(tree, 'oxlint')
  t.not(code, 0)
  t.match(output, /no-floating-promises[^]*service\/scan\/forget\.ts:3/)
})

t.test('a room that reads the environment fails the tidy test', async (t) => {
  const plain = 'export const home = process.env.HOME\n'
  const disguised = "export const home = process['env']['HOME']\n"
  const imported = "import { env } from 'node:process'\nexport const home = env['HOME']\n"
  const tree = await plant(t, {
    'service/config.ts': plain,
    'service/scan/plain.ts': plain,
    'service/scan/disguised.ts': disguised,
    'shim-lambda/imported.ts': imported,
  })
  t.strictSame((await environmentFindings(tree)).toSorted(), [
    'service/scan/disguised.ts reads the environment',
    'service/scan/plain.ts reads the environment',
    'shim-lambda/imported.ts reads the environment',
  ])
})

/** A small tree under the project's own configuration, with these files in it. */
async function plant(t: Test, faults: Readonly<Record<string, string>>): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), 'spillway-planted-'))
  t.teardown(() => rm(tree, { recursive: true }))
  await Promise.all(configuration.map((file) => cp(join(root, file), join(tree, file))))
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  for (const [file, text] of Object.entries({ ...clean, ...faults })) {
    await mkdir(dirname(join(tree, file)), { recursive: true })
    await writeFile(join(tree, file), text)
  }
  return tree
}

/** Runs one command of `npm run check:style` as it is written in package.json, without the test runner's loaders. */
async function check(tree: string, tool: string): Promise<{ code: number; output: string }> {
  const { scripts } = JSON.parse(await readFile(join(tree, 'package.json'), 'utf8'))
  const commands: string[] = scripts['check:style'].split('&&')
  const command = commands.map((one) => one.trim()).find((one) => one.split(' ')[0] === tool)
  const env = { PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH']}` }
  return new Promise((done) => {
    execFile(
      'sh',
      ['-c', `unset NODE_OPTIONS; ${command}`],
      { cwd: tree, env },
      (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
      },
    )
  })
}
