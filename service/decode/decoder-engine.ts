/** `auto`: our kernels for the columns they know, parquet-wasm for the others; or parquet-wasm for all. */
export const decoderEngines = ['auto', 'parquet-wasm'] as const
export type DecoderEngine = (typeof decoderEngines)[number]
