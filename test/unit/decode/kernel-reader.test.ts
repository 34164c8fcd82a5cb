import t from 'tap'

import { ownColumn } from '../../../service/arrow/own-rows.ts'
import type { ColumnReader, RowReader } from '../../../service/decode/decoder.ts'
import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { createKernelMemory, loadKernels } from '../../../service/decode/kernel-module.ts'
import { GatewayError } from '../../../service/errors.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import {
  describeChunk,
  difference,
  type GeneratedChunk,
  generateChunk,
  planOf,
} from '../../support/kernel-chunks.ts'

const KIB = 1024
const CANARY = 0xc7

// The memory: the row group's buffer, canaries, room, canaries, target, canaries.
const inside = { start: 64 * KIB, end: 1024 * KIB }
const room = { start: 1088 * KIB, end: 4096 * KIB }
const target = { start: 4160 * KIB, end: 5184 * KIB }
const memory = createKernelMemory(5248 * KIB)
memory.grow(5248 / 64 - 1)
const bytes = new Uint8Array(memory.buffer)
const guards = [
  bytes.subarray(0, inside.start),
  bytes.subarray(inside.end, room.start),
  bytes.subarray(room.end, target.start),
  bytes.subarray(target.end),
]
for (const guard of guards) guard.fill(CANARY)
const canaries = Buffer.alloc(64 * KIB, CANARY)
const decoder = kernelDecoder({ module: await loadKernels(), memory })

function openChunk(chunk: GeneratedChunk, stored: Uint8Array, isInside: boolean) {
  const rowCount = chunk.spec.values.length
  const buffer = isInside ? bytes.subarray(inside.start, inside.start + stored.length) : stored
  if (isInside) buffer.set(stored)
  const plan = { source: 'test', rowCount, chunks: [planOf(chunk, 0)] }
  const takeRoom = (lengthBytes: number) =>
    bytes.subarray(room.start, room.start + Math.ceil(lengthBytes / 64) * 64)
  return decoder.open(plan, buffer, takeRoom)
}

function columnOf(reader: RowReader): ColumnReader {
  const [column] = reader.columns
  if (column === undefined) throw new Error('no column')
  return column
}

function rowsOf(chunk: GeneratedChunk, first: number, count: number): GeneratedChunk {
  const values = chunk.spec.values.slice(first, first + count)
  return { ...chunk, spec: { ...chunk.spec, values } }
}

/** Reads windows of any size, now and then from somewhere else on; says what differs. */
function readWindows(chunk: GeneratedChunk, column: ColumnReader, random: () => number): string {
  const rowCount = chunk.spec.values.length
  const most = [1, 8, 64, rowCount][Math.floor(random() * 4)] ?? 1
  let windows = 0
  for (let row = 0; row < rowCount && windows < 300; windows++) {
    if (random() < 0.1) {
      row = Math.floor(random() * rowCount)
      column.seek(row)
    }
    const count = Math.min(rowCount - row, 1 + Math.floor(random() * most))
    const read = column.read(count, bytes.subarray(target.start, target.end))
    const wrong = difference(rowsOf(chunk, row, count), read.column)
    if (wrong !== '') return `${wrong} of rows ${row} to ${row + count}`
    row += count
  }
  return ''
}

t.test('windows of a chunk are its rows, wherever they begin and end', async (t) => {
  let opened = 0
  for (let seed = 0; seed < 2000; seed++) {
    const chunk = generateChunk(seed)
    const reader = openChunk(chunk, chunk.bytes, seed % 2 === 0)
    if (reader === undefined || chunk.spec.values.length === 0) continue
    opened++
    const wrong = readWindows(chunk, columnOf(reader), randomNumbers(seed * 13 + 5))
    if (wrong !== '') t.fail(`${seed}: ${wrong} (${describeChunk(chunk)})`)
    if (guards.some((guard) => !canaries.equals(guard))) {
      t.fail(`${seed} wrote outside its place`)
      break
    }
  }
  t.ok(opened > 1200, `${opened} opened`)
})

t.test('a damaged chunk ends in a typed error or in sound windows', async (t) => {
  const outcomes: Record<string, number> = {}
  for (let seed = 0; seed < 2000; seed++) {
    const random = randomNumbers(seed * 29 + 3)
    const chunk = generateChunk(seed)
    const mutant = new Uint8Array(chunk.bytes)
    for (let change = 0; change < 1 + (seed % 3); change++) {
      const at = Math.floor(mutant.length * random() ** (random() < 0.5 ? 4 : 1))
      mutant[at] = Math.floor(random() * 256)
    }
    let outcome = 'read'
    try {
      const reader = openChunk(chunk, mutant, seed % 2 === 0)
      if (reader === undefined || chunk.spec.values.length === 0) continue
      const different = readWindows(chunk, columnOf(reader), random)
      if (different.endsWith('rows')) t.fail(`${seed}: ${different}`)
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
  const allowed = ['read', 'unreadable_file', 'unsupported', 'too_large']
  t.strictSame(
    Object.keys(outcomes).filter((outcome) => !allowed.includes(outcome)),
    [],
  )
  t.ok((outcomes['unreadable_file'] ?? 0) > 300, 'damage is noticed')
})

t.test('a target too small is too_large, and the rows are read again from there', async (t) => {
  let refused = 0
  for (let seed = 0; seed < 600; seed++) {
    const chunk = generateChunk(seed)
    const rowCount = chunk.spec.values.length
    const reader = rowCount > 0 ? openChunk(chunk, chunk.bytes, seed % 2 === 0) : undefined
    if (reader === undefined) continue
    const column = columnOf(reader)
    const first = Math.floor(rowCount / 3)
    column.seek(first)
    const end = target.start + 64 * (seed % 5)
    bytes.fill(CANARY, end, end + 4096)
    try {
      column.read(rowCount - first, bytes.subarray(target.start, end))
    } catch (error) {
      refused++
      t.match(error, { code: 'too_large' })
      column.seek(first)
    }
    t.ok(bytes.subarray(end, end + 4096).every((byte) => byte === CANARY))
    if (refused === 0) continue
    column.seek(first)
    const again = column.read(rowCount - first, bytes.subarray(target.start, target.end))
    t.equal(difference(rowsOf(chunk, first, rowCount - first), again.column), '')
  }
  t.ok(refused > 100, `${refused} refused`)
})

t.test('what lay in the memory before never shows in what is written', async (t) => {
  let compared = 0
  for (let seed = 0; seed < 1000; seed++) {
    const chunk = generateChunk(seed)
    const rowCount = chunk.spec.values.length
    const results = [0x00, 0xff].map((junk) => {
      bytes.fill(junk, room.start, room.start + 200 * KIB)
      bytes.fill(junk, target.start, target.start + 200 * KIB)
      const reader = rowCount > 0 ? openChunk(chunk, chunk.bytes, seed % 2 === 0) : undefined
      if (reader === undefined) return undefined
      const column = columnOf(reader)
      const first = Math.floor(rowCount / 2)
      column.seek(first)
      const read = column.read(rowCount - first, bytes.subarray(target.start, target.end))
      ownColumn(read.column, 0, rowCount - first)
      return Buffer.from(bytes.subarray(target.start, target.start + read.lengthBytes))
    })
    const [zeros, ones] = results
    if (zeros === undefined || ones === undefined) continue
    compared++
    if (!zeros.equals(ones)) {
      t.fail(`${seed}: depends on what was there before (${describeChunk(chunk)})`)
    }
  }
  t.ok(compared > 600, `${compared} compared`)
})
