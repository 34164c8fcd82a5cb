import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const scripts = join(root, 'test/bench/python')

/** Why there is nothing to compare with. */
export const NO_PYTHON =
  'no Python with pyarrow: run test/bench/install-python.sh or set SPILLWAY_TEST_PYTHON'

/** The Python that has pyarrow: `SPILLWAY_TEST_PYTHON`, the project's cache, `python3`. */
export function findPython(): string | undefined {
  const named = process.env['SPILLWAY_TEST_PYTHON'] ?? ''
  const cached = join(root, '.cache/venv/bin/python')
  const known = [
    ...(named === '' ? [] : [named]),
    ...(existsSync(cached) ? [cached] : []),
    'python3',
  ]
  return known.find((python) => hasModule(python, 'pyarrow.flight'))
}

export function hasModule(python: string, name: string): boolean {
  return spawnSync(python, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0
}

/** A script of test/bench/python. */
export function pythonScript(name: string): string {
  return join(scripts, name)
}
