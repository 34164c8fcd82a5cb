import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Client } from 'minio'
import { findPython, pythonScript } from './bench-python.ts'
import { startMinio } from './start-minio.ts'
import type { TestServer } from './start-server.ts'
import { storeClient } from './store-client.ts'

/** The tables' bucket, and the one that blocks are spilled to. */
export const benchBucket = 'bench'
export const spillBucket = 'spill'

/** `name-codec`, as the tables are called in the store. */
export type BenchTable =
  | 'trips-snappy'
  | 'trips-zstd'
  | 'split-snappy'
  | 'logs-snappy'
  | 'logs-zstd'
  | 'dicts-snappy'
  | 'nested-snappy'

/** A MinIO of the benchmarks' own; it starts when the first of them asks and is kept for the others. */
export interface BenchStore extends TestServer {
  readonly client: Client
  readonly python: string
}

/** As tables of a data lake often have them. */
const ROWS_PER_GROUP = 131_072
const ROWS_PER_GROUP_SMOKE = 4_096
/** Row groups of each table: 500 MB of Arrow of trips, 160 of logs, 350 of dictionaries, 60 of the split. */
const groupCounts: Readonly<Record<BenchTable, number>> = {
  'trips-snappy': 24,
  'trips-zstd': 24,
  'split-snappy': 3,
  'logs-snappy': 6,
  'logs-zstd': 6,
  'dicts-snappy': 14,
  'nested-snappy': 6,
}
const GROUPS_SMOKE = 3

const cache = join(import.meta.dirname, '../../.cache/bench')
let starting: Promise<BenchStore> | undefined
let loaded = new Map<string, Promise<void>>()

/** Undefined when there is no Python with pyarrow to write tables with. */
export async function benchStore(): Promise<BenchStore | undefined> {
  const python = findPython()
  if (python === undefined) return undefined
  starting ??= start(python)
  return starting
}

/** Ends the store that was started, if one was. */
export async function endBenchStore(): Promise<void> {
  const store = await starting
  starting = undefined
  loaded = new Map()
  await store?.stop()
}

/** Puts the table into the store, made by pyarrow once and kept in the project's cache. */
export async function loadTable(
  store: BenchStore,
  table: BenchTable,
  smoke: boolean,
): Promise<void> {
  const key = `${table} ${smoke}`
  const loading = loaded.get(key) ?? load(store, table, smoke)
  loaded.set(key, loading)
  await loading
}

async function start(python: string): Promise<BenchStore> {
  const server = await startMinio()
  const client = storeClient(server)
  await client.makeBucket(benchBucket)
  await client.makeBucket(spillBucket)
  return { ...server, client, python }
}

async function load({ client, python }: BenchStore, table: BenchTable, smoke: boolean) {
  const folder = await made(python, table, smoke)
  for (const file of await readdir(folder)) {
    await client.fPutObject(benchBucket, `tables/${table}/${file}`, join(folder, file))
  }
}

async function made(python: string, table: BenchTable, smoke: boolean): Promise<string> {
  const script = pythonScript('make_tables.py')
  const [name = '', codec = ''] = table.split('-')
  const rows = smoke ? ROWS_PER_GROUP_SMOKE : ROWS_PER_GROUP
  const groups = smoke ? GROUPS_SMOKE : groupCounts[table]
  const words = [String(rows), `${name}:${codec}:${groups}`]
  const version = createHash('sha256')
    .update(await readFile(script))
    .update(words.join(' '))
  const folder = join(cache, 'tables', version.digest('hex').slice(0, 16))
  if (existsSync(folder)) return join(folder, table)
  const unfinished = `${folder}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  await promisify(execFile)(python, [script, unfinished, ...words])
  await rename(unfinished, folder).catch(() => rm(unfinished, { recursive: true }))
  return join(folder, table)
}
