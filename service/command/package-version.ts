import { createRequire } from 'node:module'

/** Of package.json, two folders up in the sources and three in the build. */
export function packageVersion(): string {
  const require = createRequire(import.meta.url)
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = require(path) as { name: string; version: string }
      if (name === 'spillway') return version
    } catch {
      // The other place has it.
    }
  }
  return 'unknown'
}
