// Bundles the shim into one file for Lambda, which exports `handler`.
//   node shim-lambda/bundle.mjs [OUTFILE, default dist/shim-lambda/index.mjs]
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const outfile =
  process.argv[2] ?? fileURLToPath(new URL('../dist/shim-lambda/index.mjs', import.meta.url))

await build({
  entryPoints: [fileURLToPath(new URL('handler.ts', import.meta.url))],
  outfile,
  bundle: true,
  minify: true,
  // Error names and stack traces in the function's log stay readable.
  keepNames: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  // Packages written as CommonJS (grpc-js, protobufjs) ask for Node's modules with require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})

const { size } = await stat(outfile)
process.stdout.write(`${outfile}: ${(size / 1024).toFixed(0)} KiB\n`)
