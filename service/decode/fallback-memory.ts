import { wasmMemory } from 'parquet-wasm/esm'

/**
 * Bytes of this thread's parquet-wasm: memory of WebAssembly grows and never shrinks. The decoder must have been made.
 */
export function fallbackMemoryBytes(): number {
  const { buffer } = wasmMemory() as { readonly buffer: ArrayBuffer }
  return buffer.byteLength
}
