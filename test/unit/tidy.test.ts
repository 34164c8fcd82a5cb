import { resolve } from 'node:path'
import t from 'tap'
import { errorCodes } from '../../service/errors.ts'
import * as tidy from '../support/tidy.ts'

const root = resolve(import.meta.dirname, '../..')

t.test('the floors of ARCHITECTURE.md are those that the machine guards', async (t) => {
  t.strictSame(await tidy.floorsFindings(root), [])
})

t.test('ARCHITECTURE.md names every folder', async (t) => {
  t.strictSame(await tidy.folderFindings(root), [])
})

t.test('only the readers of settings mention the environment', async (t) => {
  t.strictSame(await tidy.environmentFindings(root), [])
})

t.test('files have telling names and at most 400 lines', async (t) => {
  t.strictSame(await tidy.fileFindings(root), [])
})

t.test('README.md documents the settings that are read, and no others', async (t) => {
  t.strictSame(await tidy.settingFindings(root), [])
})

t.test('README.md documents the metrics that are kept, and no others', async (t) => {
  t.strictSame(await tidy.metricFindings(root), [])
})

t.test('README.md documents the closed list of errors', async (t) => {
  t.strictSame(await tidy.errorFindings(root, errorCodes), [])
})

t.test('SECURITY.md names a test that exists for every threat', async (t) => {
  t.strictSame(await tidy.securityFindings(root), [])
})
