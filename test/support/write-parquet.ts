import { createRequire } from 'node:module'
import type { DataType, Vector } from 'apache-arrow'
import {
  Field,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import type * as ParquetWasm from 'parquet-wasm/node'

const parquet = createRequire(import.meta.url)('parquet-wasm/node') as typeof ParquetWasm

/** A column of a file: names may be anything, and may repeat. */
export type FileColumn = readonly [name: string, values: Vector<DataType>]

export interface WriteParquetOptions {
  /** Default: all rows in one group. */
  readonly rowsPerGroup?: number
}

/** A Parquet file of these columns, Snappy as most writers choose. */
export function writeParquet(
  columns: readonly FileColumn[],
  { rowsPerGroup = 1_048_576 }: WriteParquetOptions = {},
): Buffer {
  const fields = columns.map(([name, { type }]) => new Field(name, type, true))
  const schema = new Schema(fields)
  const children = columns.flatMap(([, { data }]) => data.slice(0, 1))
  const length = columns[0]?.[1].length ?? 0
  const rows = makeData({ type: new Struct(fields), length, nullCount: 0, children })
  const table = new Table(schema, [new RecordBatch(schema, rows)])
  const properties = new parquet.WriterPropertiesBuilder()
    .setCompression(parquet.Compression.SNAPPY)
    .setMaxRowGroupSize(rowsPerGroup)
    .build()
  const written = parquet.writeParquet(
    parquet.Table.fromIPCStream(tableToIPC(table, 'stream')),
    properties,
  )
  return Buffer.from(written)
}

/** Integers of 64 bits. */
export function longs(values: readonly (number | null)[]): Vector<Int64> {
  return vectorFromArray(
    values.map((value) => (value === null ? null : BigInt(value))),
    new Int64(),
  )
}

export function texts(values: readonly (string | null)[]): Vector<Utf8> {
  return vectorFromArray(values, new Utf8())
}

/** `start` and what follows it, `count` of them. */
export function sequence(count: number, start = 0): number[] {
  return Array.from({ length: count }, (_, index) => start + index)
}
