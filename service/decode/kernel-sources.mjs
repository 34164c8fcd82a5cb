import { readdir, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

const folder = resolve(import.meta.dirname, 'kernels')
const builder = resolve(import.meta.dirname, 'build-kernels.mjs')

/** When the youngest of the kernels' sources was written: a module that is made of them gets that time. */
export async function sourcesTimeMs() {
  const names = await readdir(folder)
  const files = [builder, ...names.map((name) => resolve(folder, name))]
  const times = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs))
  return Math.max(...times)
}
