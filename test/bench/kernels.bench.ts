import { setFlagsFromString } from 'node:v8'

import type { Column } from '../../service/arrow/column.ts'
import { kernelDecoder } from '../../service/decode/kernel-decoder.ts'
import { createKernelMemory, loadKernels, PAGE_BYTES } from '../../service/decode/kernel-module.ts'
import { planRowGroup } from '../../service/decode/mini-file.ts'
import { columnPlan } from '../../service/decode/nested-plan.ts'
import { parquetWasmDecoder } from '../../service/decode/parquet-wasm-decoder.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'
import { type BenchFile, makeBenchFiles } from './kernel-files.ts'

/** Rows of a row group, as DuckDB's and many tables have them. */
const ROWS = 131_072

/** Where the kernels find the row group: readers put it into their memory. parquet-wasm copies what it is given. */
const BUFFER_BYTES = 64 * 1024 * 1024
const MEMORY_BYTES = 1024 * 1024 * 1024

export interface KernelFigure {
  readonly name: string
  /** Milliseconds, the least of all rounds; null when a column is not for the kernels here. */
  readonly kernelMs: number | null
  readonly parquetWasmMs: number
  readonly decodedBytes: number
}

/** Decodes one row group, all columns, by both engines in turns, and prints how many times faster the kernels are. */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<KernelFigure[]> {
  // As the workers have it: parquet-wasm is up to 1.8 times faster with it. Node 24 always inlines.
  if (Number.parseInt(process.versions.node) < 24) {
    setFlagsFromString('--experimental-wasm-inlining')
  }
  const memory = createKernelMemory(MEMORY_BYTES)
  memory.grow(BUFFER_BYTES / PAGE_BYTES)
  const region = { start: BUFFER_BYTES, end: MEMORY_BYTES }
  const kernels = kernelDecoder({ module: await loadKernels(), memory, region })
  const engines = { kernels, oracle: parquetWasmDecoder() }
  const { writer, files } = makeBenchFiles(smoke ? 4096 : ROWS)
  const rounds = smoke ? 3 : 60
  process.stdout.write(`one row group, files by ${writer}, Node ${process.versions.node}\n`)
  const figures = files.map((file) => measure(file, rounds, engines))
  for (const { name, kernelMs, parquetWasmMs, decodedBytes } of figures) {
    const size = `${(decodedBytes / 1e6).toFixed(1)} MB`
    const oracle = `parquet-wasm ${parquetWasmMs.toFixed(1)} ms`
    const kernels =
      kernelMs === null
        ? 'kernels have no such codec on this Node'
        : `kernels ${kernelMs.toFixed(1)} ms, ${(parquetWasmMs / kernelMs).toFixed(2)}x`
    process.stdout.write(
      `${name.padEnd(18)} ${size.padStart(8)}  ${oracle.padEnd(21)} ${kernels}\n`,
    )
  }
  return figures
}

interface Engines {
  readonly kernels: ReturnType<typeof kernelDecoder>
  readonly oracle: ReturnType<typeof parquetWasmDecoder>
}

function measure({ name, bytes }: BenchFile, rounds: number, engines: Engines): KernelFigure {
  const object = { bucket: 'bench', key: name, etag: '1', sizeBytes: bytes.length }
  const footer = parseFooter(bytes, object)
  const columnIndexes = [...footer.columns.keys()]
  const plan = planRowGroup({ footer, object, groupIndex: 0, columnIndexes })
  const buffer = new Uint8Array(plan.bufferBytes)
  for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
  const chunks = footer.columns.flatMap(
    (column) => columnPlan(footer, 0, column, plan.fetches) ?? [],
  )
  const inMemory = new Uint8Array(engines.kernels.memory.buffer, PAGE_BYTES, plan.bufferBytes)
  inMemory.set(buffer)
  const byKernels = (): void => engines.kernels.decode({ ...plan, chunks }, inMemory).release()
  const byOracle = (): void => engines.oracle.decode(plan, buffer).release()
  let kernelMs = Infinity
  let parquetWasmMs = Infinity
  for (let round = 0; round < rounds; round++) {
    parquetWasmMs = Math.min(parquetWasmMs, millisecondsOf(byOracle))
    if (chunks.length === columnIndexes.length) {
      kernelMs = Math.min(kernelMs, millisecondsOf(byKernels))
    }
  }
  const decoded = engines.oracle.decode(plan, buffer)
  const decodedBytes = decoded.columns.reduce((sum, column) => sum + bytesOf(column), 0)
  decoded.release()
  return {
    name,
    kernelMs: Number.isFinite(kernelMs) ? kernelMs : null,
    parquetWasmMs,
    decodedBytes,
  }
}

function bytesOf({ validity, offsets, values, children }: Column): number {
  const own = (validity?.length ?? 0) + (offsets?.length ?? 0) + (values?.length ?? 0)
  return children.reduce((sum, child) => sum + bytesOf(child), own)
}

function millisecondsOf(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}
