import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Bench, type Figure, figureTable } from '../support/bench-figure.ts'
import { findPython } from '../support/bench-python.ts'
import { endBenchStore } from '../support/bench-store.ts'
import { fetchFigures, kernelFigures } from './figures-of.ts'

// Runs every benchmark of this folder and ends with one table of figures.
//   npm run bench -- [--smoke] [--only NAME]...

interface BenchModule {
  readonly title?: string
  readonly run: Bench
}

/** Benchmarks that return results of their own, which tests and people read too. */
const adapters: Readonly<Record<string, (results: never) => readonly Figure[]>> = {
  kernels: kernelFigures,
  'fetch-cpu': fetchFigures,
}

// The AWS SDK warns of Node 20 wherever it is used.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

// All benchmarks use the same Python.
const python = findPython()
if (python !== undefined) process.env['SPILLWAY_TEST_PYTHON'] = python

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const ending = '.bench.ts'
const names = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith(ending))
  .map((file) => file.slice(0, -ending.length))
  .toSorted()
const wanted = values.only.length === 0 ? names : values.only
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  print(`there is no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}`)
  process.exit(2)
}

// The servers end with this process, however it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void endBenchStore().finally(() => process.exit(1)))
}

const figures: Figure[] = []
const failures: string[] = []
for (const name of wanted) {
  const { title = '', run } = (await import(
    join(import.meta.dirname, name + ending)
  )) as BenchModule
  print(`\n== ${name}: ${title}`)
  const startedMs = performance.now()
  try {
    const results = await run({ smoke: values.smoke, print: (line) => print(`   ${line}`) })
    figures.push(...(adapters[name]?.(results as never) ?? results))
  } catch (error) {
    failures.push(name)
    print(`   FAILED: ${error instanceof Error ? error.stack : String(error)}`)
  }
  print(`   (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`)
}
await endBenchStore()
const mode = values.smoke ? ', smoke: the figures mean nothing' : ''
print(`\nNode ${process.versions.node}, ${process.platform} ${process.arch}${mode}\n`)
print(figureTable(figures, !values.smoke))
if (failures.length > 0) print(`\n${failures.length} failed: ${failures.join(', ')}`)
process.exitCode = failures.length > 0 ? 1 : 0
