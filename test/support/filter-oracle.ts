import assert from 'node:assert'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { openDecoder } from '../../service/decode/open-decoder.ts'
import { parquetWasmDecoder } from '../../service/decode/parquet-wasm-decoder.ts'
import { partitionsOf } from '../../service/catalog/partitions.ts'
import { readConstraints } from '../../service/federation/athena-constraints.ts'
import type { Footer } from '../../service/footers/footer.ts'
import { FooterCache } from '../../service/footers/footer-cache.ts'
import { IndexCache } from '../../service/footers/index-cache.ts'
import { memoryStore } from '../../service/objects/memory-store.ts'
import type { ObjectVersion } from '../../service/objects/object-store.ts'
import { pruneRowGroups, undecidedTerms } from '../../service/planning/prune.ts'
import type { Split } from '../../service/planning/split.ts'
import type { Predicate } from '../../service/predicate/predicate.ts'
import { conjunctsOf } from '../../service/predicate/predicate.ts'
import { InProcessRunner } from '../../service/scan/in-process-runner.ts'
import { scanSplit } from '../../service/scan/scan-split.ts'
import { footerWithBlooms } from './bloom-filters.ts'
import { rowsOfFrames } from './columns-from-frames.ts'
import { randomNumbers } from './columns-random.ts'
import { field, int } from './columns.ts'
import { NoResult } from './oracle.ts'
import type { Row } from './oracle.ts'
import { randomTable, rememberingDecoder } from './random-table.ts'
import type { RandomTable } from './random-table.ts'
import type { ColumnKind } from './random-table-kinds.ts'
import { athenaKinds } from './random-table-kinds.ts'
import { spoiledFooter } from './spoiled-footer.ts'

/** Tables of one run, and predicates asked of each. */
const TABLES = 100
const PREDICATES = 103
const MIB = 1024 * 1024
/** Set SPILLWAY_TEST_SEED to try others. */
export const oracleSeed = Number(process.env['SPILLWAY_TEST_SEED'] ?? 20_261_121)

const quiet = new AbortController().signal
const frames = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 100_000 }
const rowId: Field = field('row_id', int(32))
const memory = memoryStore()
const decoder = rememberingDecoder(parquetWasmDecoder())
const runner = new InProcessRunner({ store: memory, decoder, nowMs: () => 0 })
/** Pages are chosen by the kernels only, and of each question others. */
const pageRunner = new InProcessRunner({
  store: memory,
  decoder: await openDecoder('auto'),
  nowMs: () => 0,
})
const indexes = new IndexCache({ store: memory, bytesMax: MIB })
/** The files are small: every saving counts. */
const pruning = { indexGainBytesMin: 0, bloomGainMin: 0, dictionaryGainMin: 0, lateBytesMin: 0 }

interface Stage {
  readonly table: RandomTable
  readonly split: Split
  readonly footers: ReadonlyMap<string, Footer>
  readonly rows: readonly Row[]
}

/** A question as a door's caller writes it, and what it means. */
export interface Pair {
  /** For messages. */
  readonly text: string
  /** What the door makes of it; one sentence when that is nothing. */
  readonly predicate: Predicate | string
  readonly matches: (row: Row) => boolean
}

/** Constraints as Athena sends them. */
export function constraintsPair(constraints: object, matches: Pair['matches']): Pair {
  const text = JSON.stringify(constraints)
  const { predicate, understood, notUnderstood } = readConstraints(text)
  const sentence = `not understood: ${notUnderstood.join(', ')}`
  return { text, predicate: understood ? predicate : sentence, matches }
}

async function stageOf(
  random: () => number,
  number: number,
  kinds: readonly ColumnKind[],
): Promise<Stage> {
  const table = randomTable(random, 6, kinds)
  const cache = new FooterCache({ store: memory, bytesMax: MIB, concurrency: 1 })
  const footers = new Map<string, Footer>()
  const objects: ObjectVersion[] = []
  for (const { key, bytes, blooms } of table.files) {
    const object = memory.put(`b${number}`, key, bytes)
    objects.push(object)
    footers.set(key, footerWithBlooms(await cache.get(object, quiet), blooms))
  }
  const files = objects.map(({ key, etag, sizeBytes }) => {
    const end = footers.get(key)?.rowGroupCount ?? 0
    return { key, etag, sizeBytes, rowGroups: { start: 0, end } }
  })
  const split = {
    table: { schema: 'b', table: 't' },
    bucket: `b${number}`,
    prefix: 't/',
    files,
    partitionColumns: table.partitionColumns,
    expiresMs: 0,
  }
  const rows = table.files.flatMap(({ groups }) => groups.flat())
  return { table, split, footers, rows }
}

/** Undefined where arithmetic has no result in some row: then the query may end with that. */
function expectedRows({ rows }: Stage, { matches }: Pair): readonly number[] | undefined {
  try {
    return rows.filter(matches).map((row) => Number(row.get('row_id')))
  } catch (error) {
    if (error instanceof NoResult) return undefined
    throw error
  }
}

interface Way {
  readonly footerOf: (key: string) => Footer | undefined
  /** Page indexes are used, and what they drop is added here. */
  readonly dropped?: OracleCounts
}

async function scannedRows(
  { split }: Stage,
  predicate: Predicate,
  { footerOf, dropped }: Way,
): Promise<readonly number[]> {
  const footers = {
    async get({ key }: ObjectVersion) {
      return footerOf(key) ?? assert.fail(`no footer of ${key}`)
    },
  }
  const columns = [{ field: rowId, from: { kind: 'file' as const } }]
  const deps = dropped ? { footers, runner: pageRunner, indexes, pruning } : { footers, runner }
  const scan = scanSplit({ split, columns, frames, predicate }, deps, quiet)
  const rows = await rowsOfFrames([rowId], scan.frames)
  if (dropped) {
    dropped.rowsByPages += scan.receipt.rowsDroppedByPageIndex
    dropped.groupsByBlooms += scan.receipt.rowGroupsDroppedByBloomFilter
  }
  return rows.map(([id]) => Number(id))
}

export interface OracleCounts {
  pairs: number
  matching: number
  /** Row groups by what was known of them before they were read. */
  none: number
  all: number
  some: number
  /** Rows of row groups that statistics left in, dropped by page indexes. */
  rowsByPages: number
  /** Row groups dropped by bloom filters. */
  groupsByBlooms: number
  /** Pairs left out: arithmetic has no result in some row. */
  withoutResult: number
}

interface Asked {
  readonly predicate: Predicate
  readonly matches: Pair['matches']
  readonly counts: OracleCounts
}

/** Row groups that no row or every row is said to match, against the rows themselves. */
function wrongVerdicts(
  { table }: Stage,
  { predicate, matches, counts }: Asked,
  footerOf: (key: string) => Footer | undefined,
): readonly string[] {
  const wrong: string[] = []
  for (const { key, groups } of table.files) {
    const footer = footerOf(key)
    if (!footer) continue
    const partitions = partitionsOf(key, 't/')
    const { kept } = pruneRowGroups(predicate, footer, partitions)
    for (const [groupIndex, rows] of groups.entries()) {
      const matching = rows.filter(matches).length
      const left = undecidedTerms(conjunctsOf(predicate), { footer, groupIndex, partitions })
      const isKept = kept.some((group) => group.groupIndex === groupIndex)
      const isWrong =
        (!isKept && matching > 0) ||
        (left === undefined && matching > 0) ||
        (left?.length === 0 && matching < rows.length)
      counts[left === undefined ? 'none' : left.length === 0 ? 'all' : 'some'] += 1
      if (isWrong)
        wrong.push(`${key}, row group ${groupIndex}: ${matching} of ${rows.length} match`)
    }
  }
  return wrong
}

async function checkPair(
  stage: Stage,
  pair: Pair,
  random: () => number,
  counts: OracleCounts,
): Promise<string[]> {
  const expected = expectedRows(stage, pair)
  const { predicate } = pair
  if (typeof predicate === 'string') return [predicate]
  if (expected === undefined) {
    counts.withoutResult += 1
    return []
  }
  counts.pairs += 1
  counts.matching += expected.length
  const spoiled = new Map(
    [...stage.footers].map(([key, footer]) => [key, spoiledFooter(footer, random)]),
  )
  const bare = (key: string) => withoutStatistics(stage.footers.get(key))
  const whole = (key: string) => stage.footers.get(key)
  const ways: Record<string, Way> = {
    pruned: { footerOf: whole },
    // Where statistics decide nothing, both are the same scan.
    ...(isDecided(stage, predicate, bare) && { unpruned: { footerOf: bare } }),
    ...(random() < 0.15 && { spoiled: { footerOf: (key: string) => spoiled.get(key) } }),
    ...(random() < 0.25 && { paged: { footerOf: whole, dropped: counts } }),
    ...(random() < 0.1 && { 'paged, nothing else': { footerOf: bare, dropped: counts } }),
  }
  const picked = new Set<unknown>(expected)
  const matches = (row: Row) => picked.has(Number(row.get('row_id')))
  const wrong: string[] = []
  for (const [name, way] of Object.entries(ways)) {
    const rows = await scannedRows(stage, predicate, way)
    if (rows.join() !== expected.join()) {
      wrong.push(`${name}: rows ${rows.join()} instead of ${expected.join()}`)
    }
    wrong.push(...wrongVerdicts(stage, { predicate, matches, counts }, way.footerOf))
  }
  return wrong
}

/** True when statistics decide what cannot be decided without them. */
function isDecided(
  { table, footers }: Stage,
  predicate: Predicate,
  bare: (key: string) => Footer | undefined,
): boolean {
  const terms = conjunctsOf(predicate)
  return table.files.some(({ key, groups }) => {
    const [footer, without] = [footers.get(key), bare(key)]
    const partitions = partitionsOf(key, 't/')
    const left = (of: Footer | undefined, groupIndex: number) =>
      of && undecidedTerms(terms, { footer: of, groupIndex, partitions })?.join()
    return groups.some((_, index) => left(footer, index) !== left(without, index))
  })
}

function withoutStatistics(footer: Footer | undefined): Footer | undefined {
  return footer && Object.assign(Object.create(footer) as Footer, { statistics: () => undefined })
}

export interface OracleOptions {
  readonly tables?: number
  readonly kinds?: readonly ColumnKind[]
}

/**
 * Makes tables and pairs by chance and compares what scans return with what an oracle picks, with statistics, without
 * and with spoiled ones; says what was wrong.
 */
export async function askOracle(
  makePair: (random: () => number, table: RandomTable) => Pair,
  report: (wrong: string) => void,
  { tables = TABLES, kinds = athenaKinds }: OracleOptions = {},
): Promise<OracleCounts> {
  const counts: OracleCounts = {
    pairs: 0,
    matching: 0,
    none: 0,
    all: 0,
    some: 0,
    rowsByPages: 0,
    groupsByBlooms: 0,
    withoutResult: 0,
  }
  for (let number = 0; number < tables; number++) {
    const random = randomNumbers(oracleSeed + number)
    const stage = await stageOf(random, number, kinds)
    for (let at = 0; at < PREDICATES; at++) {
      const pair = makePair(random, stage.table)
      const [wrong] = await checkPair(stage, pair, random, counts)
      if (wrong !== undefined) {
        report(`table ${number}, predicate ${at}: ${wrong}; ${pair.text}`)
      }
    }
  }
  return counts
}
