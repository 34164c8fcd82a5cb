import type { Client } from 'minio'
import { mutantOf } from '../fuzz/run-mutants.ts'
import { takeApart } from '../fuzz/parquet-parts.ts'
import { brokenFiles, goldenBytes, goldenNames } from './golden-files.ts'
import { largeFile } from './large-table.ts'

export const soakSchema = 'soak'

/** Tables of which every reading must give the same bytes: by the kernels, and by the fallback. */
export const goodTables = ['orders', 'nested'] as const

const NESTED_GOLDEN = 'list_of_struct_of_map'
const FILE_COUNT = 2
const ROWS_PER_FILE = 20_000
const ROWS_PER_GROUP = 5_000

export const SOAK_SEED = 2
/** Of all kinds. */
const MUTANT_COUNT = 60

/** Mutants of seed 2 that trapped parquet-wasm when the list was made, so that workers are lost and replaced. */
export const trappingMutants: readonly number[] = [289, 418, 509, 803, 2233]

/** Puts all tables; answers the names of those whose files are damaged, each of one file. */
export async function putSoakTables(client: Client): Promise<readonly string[]> {
  await client.makeBucket(soakSchema)
  const put = (table: string, name: string, bytes: Uint8Array) =>
    client.putObject(soakSchema, `tables/${table}/${name}.parquet`, Buffer.from(bytes))
  const shape = { rowCount: ROWS_PER_FILE, rowsPerGroup: ROWS_PER_GROUP }
  for (let file = 0; file < FILE_COUNT; file++) {
    await put('orders', String(file), largeFile({ seed: file, ...shape }).bytes)
  }
  await put('nested', 'file', goldenBytes(NESTED_GOLDEN))
  const broken = brokenFiles().map(([name]) => ({ name, bytes: goldenBytes(`broken/${name}`) }))
  const originals = goldenNames().map((name) => ({ parts: takeApart(goldenBytes(name)) }))
  const numbers = [
    ...trappingMutants,
    ...Array.from({ length: MUTANT_COUNT }, (_, number) => number),
  ]
  const mutants = numbers.map((number) => ({
    name: `mutant_${number}`,
    bytes: mutantOf(originals, SOAK_SEED, number).mutant.bytes,
  }))
  const hostile = [...broken, ...mutants]
  for (const { name, bytes } of hostile) await put(`hostile_${name}`, 'file', bytes)
  return hostile.map(({ name }) => `hostile_${name}`)
}
