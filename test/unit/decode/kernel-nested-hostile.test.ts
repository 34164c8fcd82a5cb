import t from 'tap'

import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { createKernelMemory, loadKernels } from '../../../service/decode/kernel-module.ts'
import { columnPlan } from '../../../service/decode/nested-plan.ts'
import { GatewayError } from '../../../service/errors.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { mutate } from '../../support/mutate-bytes.ts'
import {
  describeNested,
  fileOf,
  generateNested,
  type NestedFile,
} from '../../support/nested-chunks.ts'
import { nestedDifference } from '../../support/nested-values.ts'
import type { ChunkSpec, SpecLevels } from '../../support/parquet-pages.ts'
import { isSound } from '../../support/sound-column.ts'

const MUTANTS = 2500

t.setTimeout(300_000)

const MIB = 1024 * 1024
const CANARY = 0xc7

// The memory: canaries, scratch, canaries, output, canaries. The row group's buffer is elsewhere.
const region = { start: 64 * 1024, end: 4 * MIB }
const output = { start: 4 * MIB + 64 * 1024, end: 8 * MIB }
const memory = createKernelMemory(8 * MIB + 64 * 1024)
memory.grow((8 * MIB + 64 * 1024) / 65_536 - 1)
const bytes = new Uint8Array(memory.buffer)
const guards = [
  bytes.subarray(0, region.start),
  bytes.subarray(region.end, output.start),
  bytes.subarray(output.end),
]
for (const guard of guards) guard.fill(CANARY)
const canaries = Buffer.alloc(64 * 1024, CANARY)
const decoder = kernelDecoder({ module: await loadKernels(), memory, region })

/** The plan of the file, whose bytes are the buffer as they stand. */
function planOf(file: Uint8Array) {
  const object = { bucket: 'test', key: 'nested', etag: '1', sizeBytes: file.length }
  const footer = parseFooter(file, object)
  const [column] = footer.columns
  const whole = [{ start: 0, end: file.length, at: 0 }]
  const chunk = column && columnPlan(footer, 0, column, whole)
  if (chunk === undefined) throw new Error('not for the kernels')
  const dataEnd = Math.max(...footer.leaves.map((_, index) => footer.chunk(0, index).end))
  return { dataEnd, plan: { source: 'test', rowCount: footer.rowCount, chunks: [chunk] } }
}

/** Changes bytes of the chunks, as often as not those of levels, which begin pages. */
function mutateChunks(file: Uint8Array, dataEnd: number, random: () => number): Uint8Array {
  const mutant = new Uint8Array(file)
  mutant.set(mutate(file.subarray(4, dataEnd), random), 4)
  return mutant
}

t.test(`${MUTANTS} nested mutants end in a typed error or in a sound column`, async (t) => {
  const outcomes: Record<string, number> = {}
  for (let seed = 0; seed < MUTANTS; seed++) {
    const file = generateNested(seed)
    const { dataEnd, plan } = planOf(file.bytes)
    const mutant = mutateChunks(file.bytes, dataEnd, randomNumbers(seed * 31 + 7))
    let outcome = 'same'
    try {
      const { columns, end } = decoder.decodeTo(plan, mutant, output)
      const [column] = columns
      if (!isSound(column, plan.rowCount) || end > output.end) {
        t.fail(`${seed} is not sound (${describeNested(file)})`)
      }
      if (column && nestedDifference(file.shape, file.rows, column) !== '') outcome = 'other values'
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      outcome = error.code
      if (!error.message.startsWith('test')) t.fail(`${seed}: ${error.message}`)
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if (guards.some((guard) => !canaries.equals(guard))) {
      t.fail(`${seed} wrote outside its place`)
      break
    }
  }
  t.comment(JSON.stringify(outcomes))
  const allowed = ['same', 'other values', 'unreadable_file', 'unsupported', 'too_large']
  t.strictSame(
    Object.keys(outcomes).filter((outcome) => !allowed.includes(outcome)),
    [],
  )
  t.ok((outcomes['unreadable_file'] ?? 0) > MUTANTS / 10, 'mutants are noticed')
})

t.test('what lay in the memory before never shows in a nested column', async (t) => {
  let compared = 0
  for (let seed = 0; seed < 1200; seed++) {
    const file = generateNested(seed)
    const { dataEnd, plan } = planOf(file.bytes)
    const mutant = mutateChunks(file.bytes, dataEnd, randomNumbers(seed * 17 + 3))
    const [zeros, ones] = [0x00, 0xff].map((junk) => {
      bytes.fill(junk, region.start, region.start + 300_000)
      bytes.fill(junk, output.start, output.start + 300_000)
      try {
        return JSON.stringify(decoder.decodeTo(plan, mutant, output).columns, (_, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
        )
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        return error.message
      }
    })
    if (zeros?.startsWith('[')) compared++
    if (zeros !== ones) t.fail(`${seed}: depends on what was there (${describeNested(file)})`)
  }
  t.ok(compared > 150, `${compared} columns compared`)
})

t.test('read some rows at a time, mutants end in a typed error or in sound columns', async (t) => {
  const room = bytes.subarray(region.start, region.end)
  const target = bytes.subarray(output.start, output.end)
  const outcomes: Record<string, number> = {}
  for (let seed = 0; seed < 1500; seed++) {
    const file = generateNested(seed)
    const { dataEnd, plan } = planOf(file.bytes)
    const random = randomNumbers(seed * 13 + 5)
    const mutant = mutateChunks(file.bytes, dataEnd, random)
    let outcome = 'read'
    try {
      const [reader] =
        decoder.open(plan, mutant, (length) => room.subarray(0, length))?.columns ?? []
      if (reader === undefined) continue
      for (let row = 0; row < plan.rowCount;) {
        const count = Math.min(plan.rowCount - row, 1 + Math.floor(random() * 100))
        const { column, lengthBytes } = reader.read(count, target)
        if (!isSound(column, count) || lengthBytes > target.length) t.fail(`${seed} is not sound`)
        row += count
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      outcome = error.code
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if (guards.some((guard) => !canaries.equals(guard))) {
      t.fail(`${seed} wrote outside its place`)
      break
    }
  }
  t.comment(JSON.stringify(outcomes))
  t.ok((outcomes['unreadable_file'] ?? 0) > 500, 'mutants are noticed')
})

/** A lie about the levels of a leaf; undefined where there is nothing to lie about. */
type Lie = (levels: SpecLevels) => SpecLevels | undefined

/** The first index that fits. */
function changed(
  levels: SpecLevels,
  name: 'repetitions' | 'definitions',
  fits: (index: number) => boolean,
  level: number,
): SpecLevels | undefined {
  const at = levels[name].findIndex((_, index) => fits(index))
  return at < 0 ? undefined : { ...levels, [name]: levels[name].with(at, level) }
}

const lies: Readonly<Record<string, Lie>> = {
  'a list that goes on before it begins': (levels) =>
    levels.repetitionMax === 0 ? undefined : changed(levels, 'repetitions', (at) => at === 0, 1),
  'a list that goes on though it is empty': (levels) =>
    levels.repetitionMax === 0
      ? undefined
      : changed(
          levels,
          'repetitions',
          (at) => at > 0 && levels.repetitions[at] === 0 && levels.definitions[at - 1] === 0,
          levels.repetitionMax,
        ),
  'an element that is not there': (levels) =>
    changed(levels, 'definitions', (at) => (levels.repetitions[at] ?? 0) > 0, 0),
  'a definition level beyond the highest': (levels) =>
    ((levels.definitionMax + 1) & levels.definitionMax) === 0
      ? undefined
      : changed(levels, 'definitions', () => true, levels.definitionMax + 1),
  'a repetition level beyond the highest': (levels) =>
    levels.repetitionMax === 2 ? changed(levels, 'repetitions', (at) => at > 0, 3) : undefined,
  'a row that is not one': (levels) =>
    levels.repetitionMax === 0
      ? undefined
      : changed(levels, 'repetitions', (at) => (levels.repetitions[at] ?? 0) > 0, 0),
}

t.test('each lie about levels is a typed error', async (t) => {
  const told: Record<string, number> = {}
  for (let seed = 0; seed < 800; seed++) {
    const file = generateNested(seed)
    const [first] = file.specs
    if (first?.levels === undefined) continue
    for (const [name, lie] of Object.entries(lies)) {
      const levels = lie(first.levels)
      if (levels === undefined) continue
      told[name] = (told[name] ?? 0) + 1
      const found = decodeLie(file, [{ ...first, levels }, ...file.specs.slice(1)])
      if (found !== 'unreadable_file') {
        t.fail(`${name}, ${seed}: ${found} (${describeNested(file)})`)
      }
    }
  }
  t.comment(JSON.stringify(told))
  t.ok(Object.keys(lies).every((name) => (told[name] ?? 0) > 50))
})

t.test('keys and values that disagree on how many they are, are a typed error', async (t) => {
  let told = 0
  for (let seed = 0; seed < 1600; seed++) {
    const file = generateNested(seed)
    const [keys, values] = file.specs
    if (file.shape.kind !== 'map' || keys === undefined || values?.levels === undefined) continue
    // The last entry, when it is not the only one of its row.
    if (values.levels.repetitions.at(-1) !== 1) continue
    told++
    const { repetitions, definitions } = values.levels
    const levels = {
      ...values.levels,
      repetitions: repetitions.slice(0, -1),
      definitions: definitions.slice(0, -1),
    }
    const shorter = { ...values, levels, values: values.values.slice(0, -1) }
    const found = decodeLie(file, [keys, shorter, ...file.specs.slice(2)])
    if (found !== 'unreadable_file') t.fail(`${seed}: ${found} (${describeNested(file)})`)
  }
  t.ok(told > 50, `${told} lies`)
})

function decodeLie({ shape, rows }: NestedFile, specs: readonly ChunkSpec[]): string {
  const file = fileOf(shape, rows.length, specs)
  try {
    const { columns } = decoder.decodeTo(planOf(file).plan, file, output)
    return isSound(columns[0], rows.length) ? 'sound' : 'unsound'
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return error.code
  }
}
