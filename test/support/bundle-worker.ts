import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../..')

/** The worker of a pool in one file, without its packages. */
export interface BundledWorker {
  /** To be given as the pool's `entry`. */
  readonly entry: URL
  remove(): void
}

/**
 * Bundles the scan worker for tests that start hundreds of them: run from its source by tsx a worker takes three
 * times as long to start.
 */
export async function bundleWorker(): Promise<BundledWorker> {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'scan-worker-'))
  const outfile = join(folder, 'scan-worker.mjs')
  // What lies beside the sources is found there.
  const source = pathToFileURL(join(root, 'service/decode/decoder.ts')).href
  await build({
    entryPoints: [join(root, 'service/scan/scan-worker.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    define: { 'import.meta.url': JSON.stringify(source) },
    logLevel: 'warning',
  })
  return { entry: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true }) }
}
