import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { isAllowed, licenceFindings } from '../support/licences.ts'

t.test('what users get has licences of the list', async (t) => {
  const { findings, packageCount } = await licenceFindings(resolve(import.meta.dirname, '../..'))
  t.strictSame(findings, [])
  t.ok(packageCount > 10)
})

t.test('a licence that is not on the list is told, and one that is missing', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'spillway-licences-'))
  t.teardown(() => rm(root, { recursive: true }))
  const plant = async (name: string, about: object) => {
    await mkdir(join(root, 'node_modules', name), { recursive: true })
    await writeFile(join(root, 'node_modules', name, 'package.json'), JSON.stringify(about))
  }
  await plant('good', { license: 'MIT' })
  await plant('bad', { license: 'AGPL-3.0-only' })
  await plant('silent', {})
  await plant('tool', { license: 'GPL-3.0-only' })
  const version = '1.0.0'
  const packages = {
    '': {},
    'node_modules/good': { version },
    'node_modules/bad': { version, license: 'MIT' },
    'node_modules/silent': { version },
    'node_modules/tool': { version, dev: true },
    'node_modules/elsewhere': { version, optional: true, license: 'ISC' },
  }
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }))
  t.strictSame(await licenceFindings(root), {
    packageCount: 4,
    findings: [
      'node_modules/bad@1.0.0: AGPL-3.0-only is not allowed',
      'node_modules/silent@1.0.0: no licence is not allowed',
    ],
  })
})

t.test('expressions of licences', async (t) => {
  const good = ['MIT', '(MIT OR GPL-3.0-only)', 'MIT AND ISC', 'GPL-2.0-only OR (MIT AND 0BSD)']
  t.strictSame(
    good.map(isAllowed),
    good.map(() => true),
  )
  const bad = [
    '',
    'GPL-3.0-only',
    'MIT AND GPL-3.0-only',
    'MIT OR',
    '(MIT',
    'MIT ISC',
    'UNLICENSED',
  ]
  t.strictSame(
    bad.map(isAllowed),
    bad.map(() => false),
  )
})
