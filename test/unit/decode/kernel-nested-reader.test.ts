import t from 'tap'

import type { ColumnReader } from '../../../service/decode/decoder.ts'
import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import {
  createKernelMemory,
  loadKernels,
  PAGE_BYTES,
} from '../../../service/decode/kernel-module.ts'
import { columnPlan } from '../../../service/decode/nested-plan.ts'
import { GatewayError } from '../../../service/errors.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { describeNested, generateNested, writeNested } from '../../support/nested-chunks.ts'
import { nestedDifference, type Shape } from '../../support/nested-values.ts'
import { columnKinds } from '../../support/parquet-columns.ts'

t.setTimeout(300_000)

// The memory of the readers: an open row group's room, then the frame.
const roomBytes = 4 * 1024 * 1024
const memory = createKernelMemory(2 * roomBytes)
memory.grow((2 * roomBytes) / PAGE_BYTES - 1)
const room = new Uint8Array(memory.buffer, 64, roomBytes - 64)
const target = new Uint8Array(memory.buffer, roomBytes, roomBytes)
const placing = kernelDecoder({ module: await loadKernels(), memory })

/** Undefined when the column can only be decoded whole. */
function openRows(file: Uint8Array): ColumnReader | undefined {
  const object = { bucket: 'test', key: 'nested', etag: '1', sizeBytes: file.length }
  const footer = parseFooter(file, object)
  const [column] = footer.columns
  const whole = [{ start: 0, end: file.length, at: 0 }]
  const chunk = column && columnPlan(footer, 0, column, whole)
  if (chunk === undefined) throw new Error('not for the kernels')
  const plan = { source: 'test', rowCount: footer.rowCount, chunks: [chunk] }
  const opened = placing.open(plan, file, (length) => room.subarray(0, Math.ceil(length / 64) * 64))
  return opened?.columns[0]
}

/** Reads the rows of a file in steps, here and there anew; what is wrong. */
function readInSteps(seed: number, counts: { reads: number; refused: number }): string {
  const file = generateNested(seed)
  const { shape, rows, bytes } = file
  const random = randomNumbers(seed)
  const reader = openRows(bytes)
  const stepMax = 1 + Math.floor(random() * Math.max(rows.length, 1))
  if (reader === undefined) return ''
  for (let row = 0, tries = 0; row < rows.length && tries < 60; tries++) {
    if (random() < 0.1) {
      row = Math.floor(random() * rows.length)
      reader.seek(row)
    }
    const count = Math.min(rows.length - row, 1 + Math.floor(random() * stepMax))
    try {
      const { column } = reader.read(count, target)
      const found = nestedDifference(shape, rows.slice(row, row + count), column)
      counts.reads++
      // It has learned how many places the rows have: now its frames are laid out alike.
      const [first, second] = [0xa5, 0x5a].map((junk) => {
        reader.seek(row)
        target.fill(junk, 0, roomBytes / 8)
        const { lengthBytes } = reader.read(count, target)
        return Buffer.from(target.subarray(0, lengthBytes))
      })
      const isWritten = first !== undefined && second !== undefined && first.equals(second)
      if (found !== '' || !isWritten) {
        return `${found} in ${count} rows from ${row}, all written: ${isWritten} (${describeNested(file)})`
      }
      row += count
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'too_large') throw error
      // More places below lists than were to be expected: it learns that there are.
      counts.refused++
      reader.seek(row)
    }
  }
  return ''
}

t.test('rows are read some at a time, in place, forwards and back', async (t) => {
  let wrong = 0
  const counts = { reads: 0, refused: 0 }
  for (let seed = 0; seed < 1500; seed++) {
    const found = readInSteps(seed, counts)
    if (found !== '' && wrong++ < 5) t.fail(`${seed}: ${found}`)
  }
  t.equal(wrong, 0)
  t.ok(counts.reads > 2000)
  t.comment(`${counts.reads} reads, ${counts.refused} of more than was expected`)
})

t.test('a row of many more values than the others is read, alone if need be', async (t) => {
  const leaf = columnKinds.find(({ physicalType }) => physicalType === 'int64')
  if (leaf === undefined) throw new Error('no such type')
  const element: Shape = { kind: 'leaf', isOptional: false, leaf }
  const shape: Shape = { kind: 'list', isOptional: false, style: 'three', element }
  const rows = Array.from({ length: 101 }, (_, row) =>
    Array.from({ length: row === 50 ? 3000 : 1 }, (_, at) => new Uint8Array(8).fill(at)),
  )
  for (let seed = 0; seed < 40; seed++) {
    const { bytes } = writeNested(shape, rows, randomNumbers(seed))
    const reader = openRows(bytes)
    if (reader === undefined) continue
    let step = 40
    let refusals = 0
    for (let row = 0; row < rows.length;) {
      const count = Math.min(step, rows.length - row)
      try {
        const { column } = reader.read(count, target)
        t.equal(nestedDifference(shape, rows.slice(row, row + count), column), '')
        row += count
        step = 40
        refusals = 0
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'too_large') throw error
        // A single row is refused once at most: then its size is known.
        if (count === 1 && refusals++ > 0) throw error
        step = Math.ceil(count / 2)
        reader.seek(row)
      }
    }
  }
})
