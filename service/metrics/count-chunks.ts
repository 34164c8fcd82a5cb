import type { ScanReceipt } from '../scan/scan-receipt.ts'
import type { MetricsRegistry } from './registry.ts'

/** Labels of each count: the engine, and why it was not the kernels. */
const labels = {
  chunksByKernels: { engine: 'kernels', reason: 'none' },
  chunksNested: { engine: 'parquet-wasm', reason: 'nested' },
  chunksOfCodec: { engine: 'parquet-wasm', reason: 'codec' },
  chunksOfType: { engine: 'parquet-wasm', reason: 'type' },
  chunksOfEncoding: { engine: 'parquet-wasm', reason: 'encoding' },
  chunksForced: { engine: 'parquet-wasm', reason: 'forced' },
} as const satisfies Partial<Record<keyof ScanReceipt, Record<string, string>>>

/** Counts a scan's column chunks by the engine that decoded them. */
export function countChunks(registry: MetricsRegistry, receipt: Readonly<ScanReceipt>): void {
  for (const [name, label] of Object.entries(labels)) {
    const chunks = receipt[name as keyof typeof labels]
    if (chunks > 0) registry.add('scanChunks', chunks, label)
  }
}
