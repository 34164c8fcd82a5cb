import type { DecoderEngine } from './decoder-engine.ts'
import type { Decoder } from './decoder.ts'
import type { EngineWatch } from './engine-counts.ts'
import { hybridDecoder } from './hybrid-decoder.ts'
import { kernelDecoder } from './kernel-decoder.ts'
import { loadKernels } from './kernel-module.ts'
import { parquetWasmDecoder } from './parquet-wasm-decoder.ts'
import { withRowSelection } from './select-rows.ts'

/** A decoder of this thread's own. */
export async function openDecoder(engine: DecoderEngine, watch?: EngineWatch): Promise<Decoder> {
  const forced = engine === 'parquet-wasm'
  const fallback = parquetWasmDecoder(forced ? watch : undefined)
  if (forced) return withRowSelection(fallback)
  const kernels = kernelDecoder({ module: await loadKernels() })
  return withRowSelection(hybridDecoder({ kernels, fallback, ...(watch && { watch }) }))
}
