import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { loadKernels } from '../../service/decode/kernel-module.ts'

const root = join(import.meta.dirname, '../..')
const sourceFolders = ['service', 'proto/gen']

let building: Promise<string> | undefined

/**
 * The folder of the compiled service: `dist` when it is newer than every source, else a copy that is compiled now,
 * without its types being checked. What runs from TypeScript by tsx is slower than what users run.
 */
export function builtService(): Promise<string> {
  building ??= build()
  return building
}

/** A module of the compiled service; the path as in the sources. */
export async function importBuilt<Module>(path: string): Promise<Module> {
  const file = join(await builtService(), path.replace(/\.ts$/, '.js'))
  return (await import(pathToFileURL(file).href)) as Module
}

async function build(): Promise<string> {
  const files = (await Promise.all(sourceFolders.map(sourcesIn))).flat()
  const dist = join(root, 'dist')
  if (await isNewer(join(dist, 'service/main.js'), files)) return dist
  const target = join(root, '.cache/bench/build')
  await rm(target, { recursive: true, force: true })
  await Promise.all(files.map((file) => compile(file, target)))
  await loadKernels()
  await mkdir(join(target, 'kernels'), { recursive: true })
  await copyFile(join(dist, 'kernels/decode.wasm'), join(target, 'kernels/decode.wasm'))
  return target
}

async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true })
  return entries
    .map((entry) => join(folder, entry))
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.startsWith('service/decode/kernels/'))
}

async function isNewer(built: string, files: readonly string[]): Promise<boolean> {
  if (!existsSync(built)) return false
  const times = await Promise.all(files.map(async (file) => (await stat(join(root, file))).mtimeMs))
  return (await stat(built)).mtimeMs > Math.max(...times)
}

async function compile(file: string, target: string): Promise<void> {
  const output = join(target, file.replace(/\.ts$/, '.js'))
  await mkdir(dirname(output), { recursive: true })
  if (!file.endsWith('.ts')) return cp(join(root, file), output)
  const { outputText } = ts.transpileModule(await readFile(join(root, file), 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  })
  await writeFile(output, outputText)
}
