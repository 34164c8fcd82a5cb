/** Bytes of a footer's thrift. 1,000 row groups of 100 columns take 11 MB; pyarrow's own limits are near 100 MB. */
export const FOOTER_BYTES_MAX = 64 * 1024 * 1024

/** Elements of a schema, groups and the root included. */
export const SCHEMA_ELEMENTS_MAX = 100_000

/** Levels of groups in a schema; a list takes two. Below what overflows a decoder's stack. */
export const SCHEMA_DEPTH_MAX = 64

export const ROW_GROUPS_MAX = 1_000_000

export const KEY_VALUES_MAX = 10_000

/** `PAR1` or `PARE`, and the footer's length before it: Parquet format, "File format". */
export const MAGIC_BYTES = 4
export const TRAILER_BYTES = 8

/** The fewest bytes a column chunk's required fields take in thrift-compact. */
export const CHUNK_BYTES_MIN = 15
