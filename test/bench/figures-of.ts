import type { Figure } from '../support/bench-figure.ts'
import type { FetchCpuFigures } from './fetch-cpu.bench.ts'
import type { KernelFigure } from './kernels.bench.ts'

/** node:zlib has zstd from 22.15 on; what must be reached on zstd is asked only there. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
export const hasZstd = major > 22 || (major === 22 && minor >= 15)

/** How many times as fast as parquet-wasm the kernels must decode a row group, by the names of the files. */
const kernelsAtLeast: Readonly<Record<string, number>> = {
  'numbers snappy': 2,
  'dictionary snappy': 2,
  'strings snappy': 1.2,
  ...(hasZstd && { 'numbers zstd': 1.5, 'strings zstd': 1.5 }),
}

export function kernelFigures(results: readonly KernelFigure[]): Figure[] {
  return results.map(({ name, kernelMs, parquetWasmMs }) => {
    const atLeast = kernelsAtLeast[name]
    return {
      name: `kernels, one row group, ${name}: speed, of parquet-wasm's`,
      reached: kernelMs === null ? undefined : parquetWasmMs / kernelMs,
      unit: '×',
      ...(atLeast !== undefined && { must: { atLeast } }),
      aim: name.endsWith('zstd') ? 2 : 3,
    }
  })
}

export function fetchFigures({ ratio, ratioMax }: FetchCpuFigures): Figure[] {
  const name = "CPU of reading a GB over plain sockets, of node:http's"
  return [{ name, reached: ratio, unit: '×', must: { atMost: ratioMax } }]
}
