import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')

interface Bundler {
  bundleWorker(outfile: string, define: Readonly<Record<string, string>>): Promise<void>
}

/** The worker of a pool in one file, as `npm run build` makes it. */
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
  await bundleWorkerTo(outfile, { 'import.meta.url': JSON.stringify(source) })
  return { entry: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true }) }
}

/** Bundles it to a file that lies as `service/scan/scan-worker.js` does in `dist`. */
export async function bundleWorkerTo(
  outfile: string,
  define: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { href } = pathToFileURL(join(root, 'service/scan/bundle-worker.mjs'))
  const bundler = (await import(href)) as Bundler
  await bundler.bundleWorker(outfile, define)
}
