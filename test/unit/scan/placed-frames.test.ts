import t from 'tap'
import type { Field } from '../../../service/arrow/arrow-type.ts'
import { type BatchPiece, planBatch } from '../../../service/arrow/write-batch.ts'
import type { Decoder } from '../../../service/decode/decoder.ts'
import { openDecoder } from '../../../service/decode/open-decoder.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { FrameLimits } from '../../../service/scan/frame.ts'
import { InProcessRunner } from '../../../service/scan/in-process-runner.ts'
import type { ScanColumn } from '../../../service/scan/scan-request.ts'
import { scanSplit } from '../../../service/scan/scan-split.ts'
import { createWorkerMemory } from '../../../service/scan/worker-memory.ts'
import { columnsOfFrame, rowsOfFrame } from '../../support/columns-from-frames.ts'
import { goldenBytes, goldenNames, goldenRows, plainField } from '../../support/columns-golden.ts'
import { field, int, utf8 } from '../../support/columns.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { writeNested } from '../../support/nested-chunks.ts'
import type { Shape } from '../../support/nested-values.ts'
import { columnKinds } from '../../support/parquet-columns.ts'
import { texts, writeParquet } from '../../support/write-parquet.ts'

const MIB = 1024 * 1024
const quiet = new AbortController().signal
const nowMs = () => performance.now()
const small = { memoryBytes: 4 * MIB, bufferBytesKept: 2 * MIB, roomBytes: 2 * MIB }
const memory = createWorkerMemory(small)
/** Even the smallest row group is worth frames of its own. */
const frames: FrameLimits = { bodyBytesTarget: 64, bodyBytesMax: MIB, rowsMax: 100_000 }

const objects = memoryStore()
const decoder = await openDecoder('auto', undefined, {
  memory: memory.memory,
  region: memory.whole,
})
let openCount = 0
const counting: Decoder = {
  ...decoder,
  open(...words) {
    const reader = decoder.open?.(...words)
    if (reader !== undefined) openCount++
    return reader
  },
}
const placing = new InProcessRunner({
  store: objects,
  decoder: counting,
  nowMs,
  limits: small,
  memory,
})
const ordinary = new InProcessRunner({ store: objects, decoder, nowMs })
const footers = new FooterCache({ store: objects, bytesMax: 64 * MIB, concurrency: 4 })

interface ScanOptions {
  readonly limits?: FrameLimits
  readonly more?: readonly ScanColumn[]
  /** Of the types in which columns are asked for. */
  readonly change?: (field: Field) => Field
  /** Instead of a golden file. */
  readonly bytes?: Uint8Array
  readonly rowLimit?: number
}

async function scanOf(name: string, runner: InProcessRunner, options: ScanOptions = {}) {
  const { limits = frames, more = [], change = (one) => one, bytes, rowLimit } = options
  const object = objects.put('b', `t/day=7/${name}.parquet`, bytes ?? goldenBytes(name))
  const footer = await footers.get(object, quiet)
  const own = footer.columns.map(({ field: one }) => change(plainField(one)))
  const columns = [...own.map((one) => ({ field: one, from: { kind: 'file' as const } })), ...more]
  const split = {
    table: { schema: 'b', table: 't' },
    bucket: 'b',
    prefix: 't/',
    files: [{ ...object, rowGroups: { start: 0, end: footer.rowGroupCount } }],
    partitionColumns: ['day'],
    expiresMs: 0,
  }
  const request = { split, columns, frames: limits, ...(rowLimit && { rowLimit }) }
  const scan = scanSplit(request, { footers, runner }, quiet)
  return { fields: columns.map((column) => column.field), scan }
}

/** A type to which every value can be cast. */
function widened(one: Field): Field {
  const { type } = one
  if (type.kind === 'int' && type.bitWidth < 64 && type.signed) return { ...one, type: int(64) }
  if (type.kind === 'float' && type.bitWidth === 32)
    return { ...one, type: { kind: 'float', bitWidth: 64 } }
  if (type.kind === 'timestamp' && type.unit !== 'second')
    return { ...one, type: { ...type, unit: 'second' } }
  return one
}

interface Read {
  readonly rowCount: number
  readonly columns: BatchPiece['columns']
  readonly rows: unknown[][]
}

/** Copies of the frames, one by one. */
async function readAll(
  fields: readonly Field[],
  scan: Awaited<ReturnType<typeof scanOf>>['scan'],
): Promise<Read[]> {
  const read: Read[] = []
  for await (const frame of scan.frames) {
    const { columns, rowCount } = columnsOfFrame(fields, frame)
    read.push({ rowCount, columns, rows: rowsOfFrame(fields, frame) })
    frame.release()
  }
  return read
}

/** The same rows as one batch, byte for byte. */
function bodyOf(fields: readonly Field[], pieces: readonly BatchPiece[]): Buffer {
  const plan = planBatch(
    fields.map(({ type }) => type),
    pieces,
  )
  const body = Buffer.alloc(plan.bodyBytes, 0xaa)
  plan.writeBody(body)
  return body
}

const asPieces = (read: readonly Read[]) =>
  read.map(({ columns, rowCount: count }) => ({ columns, start: 0, count }))

for (const bodyBytesTarget of [64, 2048]) {
  t.test(`frames of ${bodyBytesTarget} bytes hold in place what copies hold`, async (t) => {
    const before = openCount
    for (const name of goldenNames()) {
      const limits = { ...frames, bodyBytesTarget }
      const { fields, scan } = await scanOf(name, placing, { limits })
      const placed = await readAll(fields, scan)
      const whole = await readAll(fields, (await scanOf(name, ordinary, { limits })).scan)
      t.strictSame(
        placed.flatMap(({ rows }) => rows),
        goldenRows(name),
        name,
      )
      const [one, other] = [placed, whole].map((read) => bodyOf(fields, asPieces(read)))
      t.ok(other !== undefined && one?.equals(other), `${name}, bytes`)
      t.equal(placing.memory.usedBytes, 0, `${name} leaves no memory behind`)
      t.equal(scan.receipt.frames, placed.length)
    }
    t.ok(openCount - before > 10, `${openCount - before} row groups in place`)
  })
}

t.test('casts, constants and missing columns stand between columns in place', async (t) => {
  const before = openCount
  const more: ScanColumn[] = [
    { field: field('day', int(32)), from: { kind: 'partition', partition: 'day' } },
    { field: field('nowhere', utf8), from: { kind: 'file' } },
  ]
  for (const name of ['integers', 'timestamps', 'decimals', 'floats']) {
    const limits = { ...frames, bodyBytesTarget: 512 }
    const options = { limits, more, change: widened }
    const { fields, scan } = await scanOf(name, placing, options)
    const placed = await readAll(fields, scan)
    const whole = await readAll(fields, (await scanOf(name, ordinary, options)).scan)
    const [one, other] = [placed, whole].map((read) => bodyOf(fields, asPieces(read)))
    t.ok(other !== undefined && one?.equals(other), `${name}, bytes`)
    t.equal(placing.memory.usedBytes, 0)
  }
  t.ok(openCount > before)
})

t.test('a row limit ends a scan within a row group', async (t) => {
  const { fields, scan } = await scanOf('integers', placing, { rowLimit: 3 })
  const placed = await readAll(fields, scan)
  t.strictSame(
    placed.flatMap(({ rows }) => rows),
    goldenRows('integers').slice(0, 3),
  )
})

t.test('rows whose text is longer than that of the others come in smaller frames', async (t) => {
  const values = Array.from({ length: 3_000 }, (_, row) => (row < 2_900 ? 'x' : 'y'.repeat(row)))
  const bytes = writeParquet([['text', texts(values)]])
  const limits = { bodyBytesTarget: 16_384, bodyBytesMax: 32_768, rowsMax: 100_000 }
  const before = openCount
  const { fields, scan } = await scanOf('long', placing, { limits, bytes })
  const placed = await readAll(fields, scan)
  t.equal(openCount, before + 1)
  t.strictSame(
    placed.flatMap(({ rows }) => rows),
    values.map((text) => [text]),
  )
  const short = { ...limits, bodyBytesTarget: 1_024, bodyBytesMax: 2_048 }
  const again = await scanOf('long', placing, { limits: short, bytes })
  await t.rejects(readAll(again.fields, again.scan), { code: 'too_large' })
  t.equal(placing.memory.usedBytes, 0)
})

t.test('rows whose lists are longer than those before come in smaller frames', async (t) => {
  const leaf = columnKinds.find(({ physicalType }) => physicalType === 'int64')
  if (leaf === undefined) throw new Error('no such type')
  const element: Shape = { kind: 'leaf', isOptional: true, leaf }
  const shape: Shape = { kind: 'list', isOptional: true, style: 'three', element }
  const lists = Array.from({ length: 3_000 }, (_, row) =>
    Array.from({ length: row < 2_900 ? row % 2 : row - 2_800 }, (_, at) =>
      new Uint8Array(8).fill(at),
    ),
  )
  for (const seed of [1, 2, 3, 4]) {
    const { bytes } = writeNested(shape, lists, randomNumbers(seed))
    const limits = { bodyBytesTarget: 16_384, bodyBytesMax: 32_768, rowsMax: 100_000 }
    const before = openCount
    const { fields, scan } = await scanOf('lists', placing, { limits, bytes })
    const placed = await readAll(fields, scan)
    t.ok(openCount > before)
    const whole = await scanOf('lists', ordinary, { limits, bytes })
    const copied = await readAll(whole.fields, whole.scan)
    t.strictSame(
      placed.flatMap(({ rows }) => rows),
      copied.flatMap(({ rows }) => rows),
    )
    t.ok(placed.length < 100, `${placed.length} frames, ${copied.length} with copies`)
  }
  t.equal(placing.memory.usedBytes, 0)
})

t.test(
  'scans that share little room open their row groups again, and read every row',
  async (t) => {
    const names = goldenNames().slice(0, 12)
    const limits = { ...frames, bodyBytesTarget: 128 }
    const one = { ...small, roomBytes: 256 * 1024 }
    const tight = createWorkerMemory(one)
    const place = { memory: tight.memory, region: tight.whole }
    const shared = await openDecoder('auto', undefined, place)
    const runner = new InProcessRunner({
      store: objects,
      decoder: shared,
      nowMs,
      limits: one,
      memory: tight,
    })
    await Promise.all(
      [...names, ...names].map(async (name) => {
        const { fields, scan } = await scanOf(name, runner, { limits })
        const read = await readAll(fields, scan)
        t.strictSame(
          read.flatMap(({ rows }) => rows),
          goldenRows(name),
          name,
        )
      }),
    )
    t.equal(runner.memory.usedBytes, 0)
  },
)

t.test(
  'no frame of several rows is larger than was asked for, however little that is',
  async (t) => {
    let fullCount = 0
    for (const bodyBytesTarget of [512, 2048, 5000]) {
      for (const name of goldenNames()) {
        const { scan } = await scanOf(name, placing, { limits: { ...frames, bodyBytesTarget } })
        for await (const frame of scan.frames) {
          const { rowCount, bodyBytes } = frame
          if (rowCount > 1) {
            if (bodyBytes > bodyBytesTarget) t.fail(`${name}: ${bodyBytes} of ${bodyBytesTarget}`)
            fullCount += 1
          }
          frame.release()
        }
      }
    }
    t.ok(fullCount > 100, `${fullCount} frames`)
  },
)
