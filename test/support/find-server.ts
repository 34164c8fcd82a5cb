import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A server's binary: as the environment names it, in PATH, or in the project's cache. */
export function findServer(name: string, named: string | undefined): string | undefined {
  if (named !== undefined && named !== '') return named
  const cache = join(import.meta.dirname, '../../.cache/bin')
  return [...(process.env['PATH'] ?? '').split(delimiter), cache]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}
