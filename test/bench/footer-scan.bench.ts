import { createRequire } from 'node:module'
import { makeVector } from 'apache-arrow'
import { parquetMetadata } from 'hyparquet'
import type * as ParquetWasm from 'parquet-wasm/node'
import type * as ParseFooterModule from '../../service/footers/parse-footer.ts'
import { importBuilt } from '../support/bench-build.ts'
import { ownCpuSeconds } from '../support/bench-cpu.ts'
import type { BenchOptions, Figure } from '../support/bench-figure.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import { writeParquet } from '../support/write-parquet.ts'

export const title = 'Footers: 1,000 row groups of 100 columns'

/** Until the compiler has settled. */
const WARM_UP_ROUNDS = 3

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const groups = smoke ? 50 : 1_000
  const columns = smoke ? 20 : 100
  const bytes = Uint8Array.from(fileOf(groups, columns))
  const object = { bucket: 'bench', key: 'footer', etag: '1', sizeBytes: bytes.length }
  const { parseFooter } = await importBuilt<typeof ParseFooterModule>(
    'service/footers/parse-footer.ts',
  )
  const parquet = createRequire(import.meta.url)('parquet-wasm/node') as typeof ParquetWasm
  const file = new Blob([bytes])
  const readers = {
    ours: () => parseFooter(bytes, object).rowGroupCount,
    wasm: async () => {
      const opened = await parquet.ParquetFile.fromFile(file)
      const count = opened.metadata().numRowGroups()
      opened.free()
      return count
    },
    hyparquet: () => parquetMetadata(bytes.buffer).row_groups.length,
  }
  /** Of the processor: what else the machine does does not count. */
  const timed = async (name: keyof typeof readers): Promise<{ ms: number }> => {
    const before = ownCpuSeconds()
    const count = await readers[name]()
    if (count !== groups) throw new Error(`${name} found ${count} of ${groups} row groups`)
    return { ms: (ownCpuSeconds() - before) * 1e3 }
  }
  const {
    ours,
    wasm,
    hyparquet: other,
  } = await medianOfRounds(
    smoke ? 2 : 7,
    {
      ours: () => timed('ours'),
      wasm: () => timed('wasm'),
      hyparquet: () => timed('hyparquet'),
    },
    WARM_UP_ROUNDS,
  )
  print(`scan ${ours.ms.toFixed(1)} ms, parquet-wasm ${wasm.ms.toFixed(1)} ms`)
  print(`hyparquet ${other.ms.toFixed(1)} ms`)
  return [
    { name: `footer of ${groups} × ${columns} chunks: scanned in`, reached: ours.ms, unit: 'ms' },
    {
      name: `footer of ${groups} × ${columns} chunks: speed, of parquet-wasm's`,
      reached: wasm.ms / ours.ms,
      unit: '×',
    },
    {
      name: `footer of ${groups} × ${columns} chunks: speed, of hyparquet's`,
      reached: other.ms / ours.ms,
      unit: '×',
      must: { atLeast: 20 },
    },
  ]
}

/** One row a group; every chunk has statistics. */
function fileOf(groups: number, columns: number): Buffer {
  const rows = Int32Array.from({ length: groups }, (_, row) => row)
  // Columns that share a vector make a stream that cannot be read.
  const column = (_: unknown, index: number) =>
    [`column_${index}`, makeVector(rows.slice())] as const
  return writeParquet(Array.from({ length: columns }, column), { rowsPerGroup: 1 })
}
