/**
 * What a thread is given to run a file: the file itself when it is compiled. A TypeScript file, run from its source
 * by tsx, needs tsx told to it: on Node 20 threads do not inherit tsx's hooks.
 *
 * @param file without its extension, beside the caller: `new URL('./scan-worker', import.meta.url)`; one that ends in
 *   `.mjs` is taken as it is
 */
export function workerEntry(file: URL): URL {
  if (file.pathname.endsWith('.mjs')) return file
  if (!import.meta.url.endsWith('.ts')) return new URL(`${file.href}.js`)
  const hooks = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const source = JSON.stringify(`${file.href}.ts`)
  const script = `import { register } from ${hooks}; register(); await import(${source})`
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`)
}
