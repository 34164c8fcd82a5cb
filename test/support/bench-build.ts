import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { bundleWorkerTo } from './bundle-worker.ts'
import { loadKernels } from '../../service/decode/kernel-module.ts'

const root = join(import.meta.dirname, '../..')
const dist = join(root, 'dist')
const sourceFolders = ['service', 'proto/gen']
/** Specifiers of modules beside the one that imports them. */
const relativeImport = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.\.?\/[^'"]+)\.ts\2/g

let building: Promise<string> | undefined

/**
 * The folder of the compiled service: `dist` when it is newer than every source, else a copy that is compiled now,
 * without its types being checked. What tsx makes of the sources is slower than what users run.
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

interface Source {
  /** From the root. */
  readonly path: string
  readonly modifiedMs: number
}

async function build(): Promise<string> {
  const sources = (await Promise.all(sourceFolders.map(sourcesIn))).flat()
  const newestMs = Math.max(...sources.map(({ modifiedMs }) => modifiedMs))
  if ((await modifiedMs(join(dist, 'service/main.js'))) > newestMs) return dist
  return buildInto(join(root, '.cache/bench/build'))
}

/** Compiles the service as it is now to a folder within this repository, where its packages are found. */
export async function buildInto(target: string): Promise<string> {
  const sources = (await Promise.all(sourceFolders.map(sourcesIn))).flat()
  await Promise.all(sources.map((source) => compile(source, target)))
  await loadKernels()
  await mkdir(join(target, 'kernels'), { recursive: true })
  await copyFile(join(dist, 'kernels/decode.wasm'), join(target, 'kernels/decode.wasm'))
  await bundleWorkerTo(join(target, 'service/scan/scan-worker.js'))
  return target
}

async function sourcesIn(folder: string): Promise<Source[]> {
  const entries = await readdir(join(root, folder), { recursive: true })
  const paths = entries
    .map((entry) => join(folder, entry))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('service/decode/kernels/'))
  return Promise.all(
    paths.map(async (path) => ({ path, modifiedMs: await modifiedMs(join(root, path)) })),
  )
}

/** 0 when there is no such file. */
async function modifiedMs(file: string): Promise<number> {
  return existsSync(file) ? (await stat(file)).mtimeMs : 0
}

/** The output gets its source's time, and is good as long as that is the same. */
async function compile({ path, modifiedMs: sourceMs }: Source, target: string): Promise<void> {
  const output = join(target, path.replace(/\.ts$/, '.js'))
  if (Math.abs((await modifiedMs(output)) - sourceMs) < 1) return
  const text = await readFile(join(root, path), 'utf8')
  const { code } = await transform(text, { loader: 'ts', format: 'esm', target: 'node20' })
  await mkdir(dirname(output), { recursive: true })
  await writeFile(output, code.replace(relativeImport, '$1$2$3.js$2'))
  await utimes(output, sourceMs / 1000, sourceMs / 1000)
}
