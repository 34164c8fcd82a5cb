import { mkdir, rename, rm, utimes } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from 'assemblyscript/asc'
import { sourcesTimeMs } from './kernel-sources.mjs'

// Compiles the decode kernels (kernels/*.ts, AssemblyScript) to one module, in about a second:
//   node service/decode/build-kernels.mjs

const root = resolve(import.meta.dirname, '../..')

/** Where the built module lies, in the repository and in an installation. */
export const modulePath = resolve(root, 'dist/kernels/decode.wasm')

/**
 * The memory is the host's, may be shared between threads, and ends below 2 GiB, so that addresses are positive
 * numbers: KERNEL_MEMORY_PAGES_MAX of kernel-module.ts. No runtime, no asserts: kernels allocate nothing and check
 * their bounds themselves. Warning 201 is about 64-bit memories.
 */
const options = [
  ['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert', '--runtime', 'stub'],
  ['--enable', 'simd', '--enable', 'threads', '--importMemory', '--sharedMemory'],
  ['--initialMemory', '1', '--maximumMemory', '32767', '--disableWarning', '201'],
].flat()

/**
 * Builds the module, complete or not at all: others may be building or loading it at the same time. It gets the time
 * of its sources: one that was begun before they changed and ends after is told from one that has the change.
 */
export async function buildKernels() {
  const timeMs = await sourcesTimeMs()
  const unfinished = `${modulePath}.${process.pid}.${process.hrtime.bigint()}`
  await mkdir(dirname(modulePath), { recursive: true })
  const names = ['service/decode/kernels/decode.ts', '--outFile', relative(root, unfinished)]
  const messages = []
  const stderr = { write: (text) => messages.push(text) }
  const { error } = await main([...names, '--baseDir', root, ...options], { stderr })
  try {
    if (error !== null)
      throw new Error(`the kernels do not compile\n${messages.join('')}`, { cause: error })
    await utimes(unfinished, timeMs / 1000, timeMs / 1000)
    await rename(unfinished, modulePath)
  } finally {
    await rm(unfinished, { force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernels()
