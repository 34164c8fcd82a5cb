import type { DecoderEngine } from './decoder-engine.ts'
import type { Decoder } from './decoder.ts'
import type { EngineWatch } from './engine-counts.ts'
import { hybridDecoder } from './hybrid-decoder.ts'
import { kernelDecoder, type KernelDecoderOptions } from './kernel-decoder.ts'
import { loadKernels } from './kernel-module.ts'
import { parquetWasmDecoder } from './parquet-wasm-decoder.ts'
import { withRowSelection } from './select-rows.ts'

/**
 * A decoder of this thread's own.
 *
 * @param place the memory of the kernels and the part of it for row groups that are decoded whole; default: one of
 *   their own
 */
export async function openDecoder(
  engine: DecoderEngine,
  watch?: EngineWatch,
  place?: Required<Pick<KernelDecoderOptions, 'memory' | 'region'>>,
): Promise<Decoder> {
  const forced = engine === 'parquet-wasm'
  const fallback = parquetWasmDecoder(forced ? watch : undefined)
  if (forced) return withRowSelection(fallback)
  const kernels = kernelDecoder({ module: await loadKernels(), ...place })
  return withRowSelection(hybridDecoder({ kernels, fallback, ...(watch && { watch }) }))
}
