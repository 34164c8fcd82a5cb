import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'

import type { Kernels } from './kernel-signatures.ts'

/** The part of WebAssembly that is used here; lib.dom.d.ts, which describes it, is not for servers. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<KernelModule>
  Instance: new (module: KernelModule, imports: object) => { readonly exports: object }
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => KernelMemory
}

/** The compiled kernels: can be posted to workers, so that one thread compiles for all. */
export interface KernelModule {
  readonly [Symbol.toStringTag]: string
}

/** A memory that threads share: views of it stay valid when it grows. */
export interface KernelMemory {
  readonly buffer: SharedArrayBuffer
  /** Adds pages; throws a RangeError at the maximum. */
  grow(pages: number): number
}

export const PAGE_BYTES = 65_536

/** Addresses stay below 2 GiB, hence positive; build-kernels.mjs says the same to the compiler. */
export const KERNEL_MEMORY_PAGES_MAX = 32_767

/** Beside this file in the repository, never in an installation. */
const sources = new URL('kernels/', import.meta.url)
const builder = new URL('build-kernels.mjs', import.meta.url)
const times = new URL('kernel-sources.mjs', import.meta.url)

/**
 * Compiles the built kernels. In a working copy they are built first when they are missing or not as old as their
 * sources.
 *
 * @throws {Error} an installation that lacks `dist/kernels/decode.wasm`.
 */
export async function loadKernels(): Promise<KernelModule> {
  if (!existsSync(sources)) {
    return WebAssembly.compile(
      await readFile(new URL('../../kernels/decode.wasm', import.meta.url)),
    )
  }
  const built = new URL('../../dist/kernels/decode.wasm', import.meta.url)
  if (!(await isFresh(built))) {
    const { buildKernels }: { buildKernels: () => Promise<void> } = await import(builder.href)
    await buildKernels()
  }
  return WebAssembly.compile(await readFile(built))
}

async function isFresh(built: URL): Promise<boolean> {
  if (!existsSync(built)) return false
  const { sourcesTimeMs }: { sourcesTimeMs: () => Promise<number> } = await import(times.href)
  const { mtimeMs } = await stat(built)
  // Files keep their times to the microsecond.
  return Math.abs(mtimeMs - (await sourcesTimeMs())) < 1
}

/** A memory of `bytesMax` bytes at most, of which only what is used is ever occupied. */
export function createKernelMemory(bytesMax: number): KernelMemory {
  const maximum = Math.min(Math.ceil(bytesMax / PAGE_BYTES), KERNEL_MEMORY_PAGES_MAX)
  return new WebAssembly.Memory({ initial: 1, maximum, shared: true })
}

/** The kernels at work in a memory. Many instances, also of several threads, may share one. */
export function instantiateKernels(module: KernelModule, memory: KernelMemory): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  return exports as Kernels
}
