/** Rows of a row group: Arrow's offsets and parquet-wasm's batch size are 32-bit. */
export const ROW_GROUP_ROWS_MAX = 2 ** 31 - 1

/** Bytes of one page header. Statistics of long texts make them large; arrow-cpp stops at 16 MiB. */
export const PAGE_HEADER_BYTES_MAX = 16 * 1024 * 1024

/** Bytes of the pages of a row group's wanted columns, decompressed as their headers say. */
export const ROW_GROUP_PAGE_BYTES_MAX = 1024 * 1024 * 1024

/**
 * Memory of a decoder: the fetched bytes, the pages, the Arrow buffers. What needs more ends in a trap, which costs
 * a worker, not the gateway.
 */
export const DECODER_MEMORY_BYTES_MAX = 2 * 1024 * 1024 * 1024
