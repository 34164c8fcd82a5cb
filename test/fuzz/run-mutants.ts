import { inspect, isDeepStrictEqual } from 'node:util'
import type { Field } from '../../service/arrow/arrow-type.ts'
import type { Canonical } from '../support/columns-canonical.ts'
import { goldenBytes, goldenNames } from '../support/columns-golden.ts'
import { randomNumbers } from '../support/columns-random.ts'
import { type Mutant, mutate, type Promised } from './mutate-parquet.ts'
import { MutantReader, type MutantReaderOptions, type Reading } from './mutant-reader.ts'
import { type ParquetParts, takeApart } from './parquet-parts.ts'

/** What no mutant may take, in milliseconds, and what all together may add to the process' memory. */
const MS_MAX = 10_000
const GROWTH_BYTES_MAX = 256 * 1024 * 1024

export interface FuzzOptions extends Omit<MutantReaderOptions, 'onLoss'> {
  readonly seed: number
  readonly seconds: number
  /** No more mutants than this. */
  readonly countMax?: number
  /** Only the mutant of this number. */
  readonly only?: number
}

export interface FuzzReport {
  readonly counts: Readonly<Record<string, number>>
  readonly workersLost: number
  /** The numbers of mutants that cost a worker. */
  readonly lostBy: readonly number[]
  readonly slowestMs: number
  readonly growthBytes: number
  /** What broke the rule, with the number that repeats it. */
  readonly failures: readonly string[]
}

interface Original {
  readonly name: string
  readonly parts: ParquetParts
  readonly fields: readonly Field[]
  readonly rows: readonly Canonical[][]
}

/** Reads mutants of every golden file until the time is over. */
export async function runMutants(options: FuzzOptions): Promise<FuzzReport> {
  const { seed, seconds, countMax = Infinity, only, ...readerOptions } = options
  let workersLost = 0
  const reader = await MutantReader.start({ ...readerOptions, onLoss: () => workersLost++ })
  try {
    const originals = await readOriginals(reader)
    const baseBytes = process.memoryUsage.rss()
    const endMs = performance.now() + seconds * 1_000
    const counts: Record<string, number> = {}
    const failures: string[] = []
    const lostBy: number[] = []
    let slowestMs = 0
    let peakBytes = baseBytes
    for (let number = only ?? 0; number < countMax && performance.now() < endMs; number++) {
      const { original, mutant } = mutantOf(originals, seed, number)
      const startedMs = performance.now()
      const lostBefore = workersLost
      const reading = await reader.read(mutant.bytes, original.fields)
      if (workersLost > lostBefore) lostBy.push(number)
      const tookMs = performance.now() - startedMs
      slowestMs = Math.max(slowestMs, tookMs)
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
      const outcome = judge(original, mutant, reading)
      counts[outcome] = (counts[outcome] ?? 0) + 1
      const broken = tookMs > MS_MAX ? `took ${Math.round(tookMs)} ms` : brokenRules.get(outcome)
      if (broken !== undefined) {
        const { name } = original
        failures.push(
          `--seed ${seed} --only ${number}: ${name}, ${mutant.what}: ${broken}${causeOf(reading)}`,
        )
      }
      if (only !== undefined) break
    }
    const growthBytes = peakBytes - baseBytes
    if (growthBytes > GROWTH_BYTES_MAX) failures.push(`memory grew by ${growthBytes} bytes`)
    return { counts, workersLost, lostBy, slowestMs, growthBytes, failures }
  } finally {
    await reader.close()
  }
}

async function readOriginals(reader: MutantReader): Promise<Original[]> {
  const originals: Original[] = []
  for (const name of goldenNames()) {
    const bytes = goldenBytes(name)
    const fields = await reader.fieldsOf(bytes)
    const reading = await reader.read(bytes, fields)
    if (reading.error !== undefined) throw reading.error
    originals.push({ name, parts: takeApart(bytes), fields, rows: reading.rows ?? [] })
  }
  return originals
}

/** Each mutant has random numbers of its own: it can be made again without those before it. */
export function mutantOf<T extends { readonly parts: ParquetParts }>(
  originals: readonly T[],
  seed: number,
  number: number,
): { original: T; mutant: Mutant } {
  const random = randomNumbers(seed * 1_000_003 + number)
  const original = originals[Math.floor(random() * originals.length)]
  if (original === undefined) throw new Error('there are no golden files')
  return { original, mutant: mutate(original.parts, random) }
}

const brokenRules = new Map([
  ['internal', 'an internal error'],
  ['unavailable', 'no answer'],
  ['busy', 'no answer'],
  ['other count', 'other rows than before, in silence'],
  ['other rows', 'other values than before, in silence'],
])

function judge({ rows }: Original, { promised }: Mutant, reading: Reading): string {
  if (reading.error !== undefined) return reading.error.code
  if (isDeepStrictEqual(reading.rows, rows)) return 'same rows'
  if (reading.rowCount !== rows.length) return 'other count'
  return isKept(promised) ? 'other rows' : 'same count'
}

function causeOf({ error }: Reading): string {
  return error?.cause === undefined ? '' : ` (${inspect(error.cause)})`
}

function isKept(promised: Promised): boolean {
  return promised === 'same rows'
}
