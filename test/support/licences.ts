import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Licences that let anybody use, change and sell what is built with them, as long as they are named. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
])

interface LockedPackage {
  readonly version?: string
  readonly license?: unknown
  readonly dev?: boolean
  readonly optional?: boolean
}

/** One sentence for each package of production whose licence is not allowed, or not known; and how many there are. */
export async function licenceFindings(
  root: string,
): Promise<{ readonly findings: readonly string[]; readonly packageCount: number }> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  const packages = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && !dev)
  const findings = await Promise.all(
    packages.map(async ([path, locked]) => {
      const licence = await licenceOf(join(root, path, 'package.json'), locked)
      if (licence !== undefined && isAllowed(licence)) return []
      return [`${path}@${locked.version ?? '?'}: ${licence ?? 'no licence'} is not allowed`]
    }),
  )
  return { findings: findings.flat(), packageCount: packages.length }
}

/** Whether an SPDX expression can be met by allowed licences alone. */
export function isAllowed(expression: string): boolean {
  const terms = expression.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const one = (): boolean => {
    const term = terms[at++]
    if (term !== '(') return term !== undefined && allowed.has(term)
    const inner = either()
    return terms[at++] === ')' && inner
  }
  const both = (): boolean => {
    let holds = one()
    while (terms[at] === 'AND') {
      at += 1
      holds = one() && holds
    }
    return holds
  }
  const either = (): boolean => {
    let holds = both()
    while (terms[at] === 'OR') {
      at += 1
      holds = both() || holds
    }
    return holds
  }
  return either() && at === terms.length
}

/** What the package says of itself; what is for other systems is not installed, and the lock file speaks for it. */
async function licenceOf(file: string, locked: LockedPackage): Promise<string | undefined> {
  let said: unknown = locked.license
  try {
    said = (JSON.parse(await readFile(file, 'utf8')) as { license?: unknown }).license
  } catch (error) {
    if (!locked.optional) throw error
  }
  return typeof said === 'string' ? said : undefined
}
