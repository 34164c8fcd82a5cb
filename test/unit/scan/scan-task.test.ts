import t from 'tap'
import type { Column } from '../../../service/arrow/column.ts'
import type { Decoder } from '../../../service/decode/decoder.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { FrameLimits } from '../../../service/scan/frame.ts'
import { MEMORY_UNIT_BYTES } from '../../../service/scan/memory-units.ts'
import { InProcessRunner } from '../../../service/scan/in-process-runner.ts'
import type { ScanPiece } from '../../../service/scan/scan-job.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import { columnOf, field, int, utf8 } from '../../support/columns.ts'
import { countingStore } from '../../support/counting-store.ts'
import { fakeDecoder } from '../../support/fake-decoder.ts'

const limits: FrameLimits = { bodyBytesTarget: 100_000, bodyBytesMax: 200_000, rowsMax: 10 }
const quiet = new AbortController().signal
const ROWS = 95

const store = memoryStore()
const object = store.put('b', 'k', new Uint8Array(1_000))

/** Row group `number` of a file of numbers; the fake decoder answers for it. */
function pieceOf(number: number): ScanPiece {
  const source = `b/k, row group ${number}`
  return {
    object,
    source,
    rowCount: ROWS,
    columns: [
      { kind: 'decoded', index: 0 },
      { kind: 'constant', value: 'c' },
    ],
    plan: {
      source,
      rowCount: ROWS,
      columnNames: ['n'],
      fetches: [
        { start: 0, end: 10, at: 4 },
        { start: 500, end: 600, at: 14 },
      ],
      wastedBytes: 0,
      bufferBytes: 122,
      tail: new Uint8Array(8).fill(7),
      tailAt: 114,
      decodedBytesEstimate: 400,
    },
  }
}

async function* pieces(count: number): AsyncGenerator<ScanPiece> {
  for (let number = 0; number < count; number++) yield pieceOf(number)
}

function columnsOf(source: string): Column[] {
  const group = Number(source.split(' ').at(-1))
  const values = Array.from({ length: ROWS }, (_, row) => (row % 7 ? group * 1_000 + row : null))
  return [columnOf(int(16), values)]
}

const fields = [field('n', int(64)), field('c', utf8)]
const job = { fields, frames: limits, rowLimit: Infinity }
const nowMs = () => 0

function expected(count: number): unknown[][] {
  return Array.from({ length: count * ROWS }, (_, i) => {
    const row = i % ROWS
    return [row % 7 ? Math.floor(i / ROWS) * 1_000 + row : null, 'c']
  })
}

t.test('each range is read once, a row group is decoded once, rows come in order', async (t) => {
  const counting = countingStore(store)
  const decoder = fakeDecoder(columnsOf)
  const runner = new InProcessRunner({ store: counting, decoder, nowMs })
  const run = runner.run(job, pieces(5), quiet)
  t.strictSame(await rowsOfFrames(fields, run.frames), expected(5))
  t.equal(decoder.decodedCount(), 5)
  t.equal(counting.reads.length, 10)
  const { receipt } = run
  t.match(receipt, {
    rowGroups: 5,
    rowsRead: 5 * ROWS,
    rowsReturned: 5 * ROWS,
    fetchRequests: 10,
    fetchBytes: 550,
    frames: 48,
  })
})

t.test('a scan that waits for its reader lets others decode, and loses nothing', async (t) => {
  const runner = new InProcessRunner({
    store,
    decoder: fakeDecoder(columnsOf),
    nowMs,
    limits: { memoryBytes: 8 * MEMORY_UNIT_BYTES, framesOutstandingMax: 2 },
  })
  const readers = Array.from({ length: 4 }, () =>
    runner.run(job, pieces(4), quiet).frames[Symbol.asyncIterator](),
  )
  const rows: unknown[][][] = readers.map(() => [])
  // Every reader takes one frame in turn: none gets on unless all of them do.
  for (let left = readers.length; left > 0;) {
    left = 0
    for (const [i, reader] of readers.entries()) {
      const next = await reader.next()
      if (next.done === true) continue
      left++
      const frame = next.value
      const one = (async function* () {
        yield frame
      })()
      rows[i]?.push(...(await rowsOfFrames(fields, one)))
    }
  }
  for (const read of rows) t.strictSame(read, expected(4))
  t.equal(runner.memory.usedBytes, 0)
})

t.test(
  'without room to park its rows a scan keeps the decoder, and others wait for it',
  async (t) => {
    const decoder = fakeDecoder(columnsOf)
    const runner = new InProcessRunner({
      store,
      decoder,
      nowMs,
      limits: { parkedBytesMax: 100, framesOutstandingMax: 1 },
    })
    const first = runner.run(job, pieces(1), quiet).frames[Symbol.asyncIterator]()
    const held = await first.next()
    const second = runner.run(job, pieces(1), quiet)
    let isDone = false
    const reading = rowsOfFrames(fields, second.frames).then((rows) => {
      isDone = true
      return rows
    })
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    t.equal(isDone, false)
    t.equal(decoder.decodedCount(), 1)
    if (held.done !== true) held.value.release()
    for (let next = await first.next(); next.done !== true; next = await first.next()) {
      next.value.release()
    }
    t.strictSame(await reading, expected(1))
  },
)

t.test(
  'the signal ends a scan that waits for its reader, with the decoder or without',
  async (t) => {
    for (const piecesOf of [pieces, planless]) {
      const limits = { framesOutstandingMax: 1 }
      const runner = new InProcessRunner({ store, decoder: fakeDecoder(columnsOf), nowMs, limits })
      const gone = new AbortController()
      const reader = runner.run(job, piecesOf(2), gone.signal).frames[Symbol.asyncIterator]()
      const held = await reader.next()
      for (let i = 0; i < 5; i++) await new Promise(setImmediate)
      gone.abort()
      await t.rejects(reader.next(), { code: 'cancelled' })
      if (held.done !== true) held.value.release()
      t.equal(runner.memory.usedBytes, 0)
    }
  },
)

/** Row groups of which nothing is read. */
async function* planless(count: number): AsyncGenerator<ScanPiece> {
  for await (const { object, source, rowCount } of pieces(count)) {
    const nothing = { kind: 'constant', value: null } as const
    yield { object, source, rowCount, columns: [nothing, nothing] }
  }
}

t.test('the buffer is clean but for what was read and the tail', async (t) => {
  const buffers: Uint8Array[] = []
  const inner = fakeDecoder(columnsOf)
  const decoder: Decoder = {
    decode(plan, buffer) {
      buffers.push(new Uint8Array(buffer))
      buffer.fill(0xee)
      return inner.decode(plan, buffer)
    },
  }
  const runner = new InProcessRunner({ store, decoder, nowMs })
  await rowsOfFrames(fields, runner.run(job, pieces(6), quiet).frames)
  const clean = new Uint8Array(122).fill(7, 114)
  for (const buffer of buffers) t.strictSame(buffer, clean)
})

t.test('a footer and a row group that disagree about rows are an unreadable file', async (t) => {
  const inner = fakeDecoder(columnsOf)
  const decoder: Decoder = {
    decode: (plan, buffer) => ({ ...inner.decode(plan, buffer), rowCount: 3 }),
  }
  const runner = new InProcessRunner({ store, decoder, nowMs })
  await t.rejects(rowsOfFrames(fields, runner.run(job, pieces(1), quiet).frames), {
    code: 'unreadable_file',
    message: 'b/k, row group 0 holds 3 rows where its footer says 95',
  })
  t.equal(runner.memory.usedBytes, 0)
})

t.test('a value that does not fit is told with row group and column', async (t) => {
  const runner = new InProcessRunner({ store, decoder: fakeDecoder(columnsOf), nowMs })
  const narrow = field('n', { kind: 'decimal', precision: 2, scale: 0, bitWidth: 128 })
  const run = runner.run({ ...job, fields: [narrow, field('c', utf8)] }, pieces(2), quiet)
  await t.rejects(rowsOfFrames(fields, run.frames), {
    code: 'unsupported',
    message: 'b/k, row group 1, column "n": a value of int16 does not fit decimal(2, 0)',
  })
})

t.test('a trap is an unreadable file, and the decoder is not used again', async (t) => {
  const inner = fakeDecoder(columnsOf)
  let calls = 0
  const decoder: Decoder = {
    decode(plan, buffer) {
      if (++calls === 2) throw new Error('unreachable')
      return inner.decode(plan, buffer)
    },
  }
  const runner = new InProcessRunner({ store, decoder, nowMs })
  await t.rejects(rowsOfFrames(fields, runner.run(job, pieces(3), quiet).frames), {
    code: 'unreadable_file',
    message: /the decoder failed on b\/k, row group 1/,
  })
  await t.rejects(rowsOfFrames(fields, runner.run(job, pieces(3), quiet).frames), {
    code: 'unavailable',
  })
  t.equal(calls, 2)
})
