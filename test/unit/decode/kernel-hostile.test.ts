import t from 'tap'

import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { createKernelMemory, loadKernels } from '../../../service/decode/kernel-module.ts'
import { GatewayError } from '../../../service/errors.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { isSound } from '../../support/sound-column.ts'
import { mutate } from '../../support/mutate-bytes.ts'
import { describeChunk, difference, generateChunk, planOf } from '../../support/kernel-chunks.ts'

const MUTANTS = 6000
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

t.test(`${MUTANTS} mutants end in a typed error or in a sound column`, async (t) => {
  const outcomes: Record<string, number> = {}
  for (let seed = 0; seed < MUTANTS; seed++) {
    const random = randomNumbers(seed * 31 + 7)
    const chunk = generateChunk(seed)
    const mutant = mutate(chunk.bytes, random)
    const rowCount = chunk.spec.values.length
    const isInside = seed % 2 === 0 && mutant.length < 60_000
    const buffer = isInside ? bytes.subarray(0, mutant.length) : mutant
    if (isInside) buffer.set(mutant)
    const plan = { source: 'test', rowCount, chunks: [planOf(chunk, 0)] }
    let outcome = 'same'
    try {
      const { columns, end } = decoder.decodeTo(plan, buffer, output)
      const [column] = columns
      if (!isSound(column, rowCount) || end > output.end) t.fail(`${seed} is not sound`)
      if (difference(chunk, column) !== '') outcome = 'other values'
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      outcome = error.code
      if (!error.message.startsWith('test'))
        t.fail(`${seed} does not name its file: ${error.message}`)
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    // A buffer in the first guard must not be written to either.
    if (isInside) {
      if (Buffer.compare(buffer, mutant) !== 0) t.fail(`${seed} wrote to its input`)
      buffer.fill(CANARY)
    }
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

t.test('a region that is too small is too_large, and nothing is written past it', async (t) => {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed * 7)
  for (const seed of seeds) {
    const chunk = generateChunk(seed)
    const plan = {
      source: 'test',
      rowCount: chunk.spec.values.length,
      chunks: [planOf(chunk, 0)],
    }
    const small = { start: output.start, end: output.start + 64 * (seed % 5) }
    bytes.fill(CANARY, small.end, small.end + 4096)
    try {
      decoder.decodeTo(plan, chunk.bytes, small)
    } catch (error) {
      t.match(error, { code: 'too_large' })
    }
    t.ok(bytes.subarray(small.end, small.end + 4096).every((byte) => byte === CANARY))
  }
})

t.test('cut anywhere, a chunk is refused', async (t) => {
  for (let seed = 0; seed < 400; seed++) {
    const chunk = generateChunk(seed)
    const rowCount = chunk.spec.values.length
    if (rowCount === 0) continue
    const whole = planOf(chunk, 0)
    const end = Math.floor(randomNumbers(seed)() * chunk.bytes.length)
    const plan = { source: 'test', rowCount, chunks: [{ ...whole, end }] }
    try {
      decoder.decodeTo(plan, chunk.bytes, output)
      t.fail(`${seed} decodes from ${end} of ${chunk.bytes.length} bytes`)
    } catch (error) {
      t.match(error, { code: 'unreadable_file' })
    }
  }
})

t.test('what lay in the memory before never shows in a column', async (t) => {
  let compared = 0
  for (let seed = 0; seed < 2500; seed++) {
    const chunk = generateChunk(seed)
    const mutant = mutate(chunk.bytes, randomNumbers(seed * 17 + 3))
    const plan = {
      source: 'test',
      rowCount: chunk.spec.values.length,
      chunks: [planOf(chunk, 0)],
    }
    const results = [0x00, 0xff].map((junk) => {
      bytes.fill(junk, region.start, region.start + 200_000)
      bytes.fill(junk, output.start, output.start + 200_000)
      try {
        const { end } = decoder.decodeTo(plan, mutant, output)
        // Also the padding between the buffers.
        return Buffer.from(bytes.subarray(output.start, end))
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        return error.message
      }
    })
    const [zeros, ones] = results
    if (Buffer.isBuffer(zeros)) compared++
    const isSame =
      Buffer.isBuffer(zeros) && Buffer.isBuffer(ones) ? zeros.equals(ones) : zeros === ones
    if (!isSame) t.fail(`${seed}: depends on what was there before (${describeChunk(chunk)})`)
  }
  t.ok(compared > 300, `${compared} columns compared`)
})
