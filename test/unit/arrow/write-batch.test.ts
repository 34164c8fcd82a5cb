import { tableFromIPC } from 'apache-arrow'
import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import type { Column } from '../../../service/arrow/column.ts'
import { planFlightMessage, planIpcMessage } from '../../../service/arrow/framed-message.ts'
import { measureRows, paddingBytesMax, rowsThatFit } from '../../../service/arrow/measure-rows.ts'
import { ownColumn, ownRows } from '../../../service/arrow/own-rows.ts'
import { recordBatchMessage } from '../../../service/arrow/record-batch-message.ts'
import { encodeSchemaMessage } from '../../../service/arrow/schema-message.ts'
import { type BatchPiece, planBatch } from '../../../service/arrow/write-batch.ts'
import { columnsFromIpc } from '../../support/columns-from-ipc.ts'
import { randomNumbers, randomType, randomValue } from '../../support/columns-random.ts'
import { columnOf, field, int, listOf, readColumn, structOf, utf8 } from '../../support/columns.ts'

/** Memory as a worker's: shared, and full of what was there before. */
function dirtyMemory(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes)).fill(0xee)
}

function ipc(types: readonly ArrowType[], pieces: readonly BatchPiece[]): Uint8Array {
  const message = planIpcMessage(planBatch(types, pieces))
  return message.write(dirtyMemory(message.totalBytes))
}

function readBack(types: readonly ArrowType[], pieces: readonly BatchPiece[]): unknown[] {
  const fields = types.map((type, i) => field(`c${i}`, type))
  const [batch] = columnsFromIpc(fields, [ipc(types, pieces)])
  return batch?.columns.map(readColumn) ?? []
}

const piece = (column: Column, start = 0, count = column.rowCount): BatchPiece => ({
  columns: [column],
  start,
  count,
})

t.test('random nested columns in random pieces are read back equal', async (t) => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomNumbers(seed)
    const types = Array.from({ length: 3 }, () => randomType(random, 3))
    const expected: unknown[][] = types.map(() => [])
    const pieces = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      const nulls = random() < 0.3 ? 0 : random()
      const rowCount = Math.floor(random() * 40)
      const before = Math.floor(random() * 20)
      const columns = types.map((type) =>
        columnOf(
          type,
          Array.from({ length: rowCount }, () => randomValue(random, type, nulls)),
          Array.from({ length: before }, () => randomValue(random, type, nulls)),
        ),
      )
      const start = Math.floor(random() * (rowCount + 1))
      const count = Math.floor(random() * (rowCount - start + 1))
      columns.forEach((column, i) =>
        expected[i]?.push(...readColumn(column).slice(start, start + count)),
      )
      return { columns, start, count }
    })
    t.strictSame(readBack(types, pieces), expected, `seed ${seed}`)
    const owned = ownRows(types, pieces)
    t.strictSame(owned.map(readColumn), expected, `seed ${seed}, copied`)
    const count = expected[0]?.length ?? 0
    t.strictSame(readBack(types, [{ columns: owned, start: 0, count }]), expected)
    const measured = pieces.reduce((sum, p) => sum + measureRows(p.columns, p.start, p.count), 0)
    const { bodyBytes } = planBatch(types, pieces)
    t.ok(bodyBytes <= measured + paddingBytesMax(types) + 8, `seed ${seed} measures enough`)
  }
})

t.test('apache-arrow shows the values of simple columns', async (t) => {
  const fields: Field[] = [field('n', int(32)), field('s', utf8), field('l', listOf(int(8)))]
  const columns = [
    columnOf(int(32), [1, null, 3]),
    columnOf(utf8, ['a', 'žluť', null]),
    columnOf(listOf(int(8)), [[1, null], [], null]),
  ]
  const message = ipc(
    fields.map(({ type }) => type),
    [{ columns, start: 0, count: 3 }],
  )
  const table = tableFromIPC(Buffer.concat([encodeSchemaMessage({ fields }), message]))
  t.strictSame(
    table.toArray().map((row) => JSON.stringify(row)),
    ['{"n":1,"s":"a","l":[1,null]}', '{"n":null,"s":"žluť","l":[]}', '{"n":3,"s":null,"l":null}'],
  )
})

t.test('nothing that stood in memory or behind a null is written', async (t) => {
  const columns = [columnOf(int(32), [1, null, 3]), columnOf({ kind: 'bool' }, [null, true, null])]
  const types = columns.map(({ type }) => type)
  const plan = planBatch(types, [{ columns, start: 0, count: 3 }])
  const body = dirtyMemory(plan.bodyBytes)
  plan.writeBody(body)
  const expected = new Uint8Array(256)
  expected.set([0b101])
  expected.set([1, 0, 0, 0, 0, 0, 0, 0, 3], 64)
  expected.set([0b010], 128)
  expected.set([0b010], 192)
  t.strictSame([...body], [...expected])
})

t.test('a validity bitmap is left out where no row is null', async (t) => {
  const column = columnOf(int(64), [null, 1, 2, 3])
  t.equal(planBatch([int(64)], [piece(column)]).bodyBytes, 128)
  t.equal(planBatch([int(64)], [piece(column, 1, 3)]).bodyBytes, 64)
})

t.test('rows without columns, or of nulls only, have a body of eight zero bytes', async (t) => {
  const noColumns = planBatch([], [{ columns: [], start: 0, count: 7 }])
  t.equal(noColumns.bodyBytes, 8)
  const body = dirtyMemory(8)
  noColumns.writeBody(body)
  t.strictSame([...body], [0, 0, 0, 0, 0, 0, 0, 0])
  t.equal(columnsFromIpc([], [ipc([], [{ columns: [], start: 0, count: 7 }])])[0]?.rowCount, 7)
  const nulls = columnOf({ kind: 'null' }, [null, null])
  t.equal(planBatch([nulls.type], [piece(nulls)]).bodyBytes, 8)
  t.equal(planBatch([int(8)], [piece(columnOf(int(8), []))]).bodyBytes, 0)
})

t.test('copied rows keep nothing else alive', async (t) => {
  const column = columnOf(
    utf8,
    Array.from({ length: 1000 }, () => 'x'.repeat(100)),
  )
  const copy = ownColumn(column, 500, 2)
  t.strictSame(readColumn(copy), ['x'.repeat(100), 'x'.repeat(100)])
  t.equal(copy.values?.buffer.byteLength, 64 + 256)
})

t.test('types that were to be cast away are refused', async (t) => {
  const type: ArrowType = { kind: 'utf8_view' }
  t.throws(() => planBatch([type], [piece(columnOf(type, ['a']))]), { code: 'unsupported' })
})

t.test('as many rows fit as are measured', async (t) => {
  const columns = [
    columnOf(utf8, ['a', 'bb', 'c'.repeat(100), 'd']),
    columnOf(int(64), [1, 2, 3, 4]),
  ]
  for (let bytes = 0; bytes < 200; bytes++) {
    const fit = rowsThatFit(columns, { start: 0, count: 4 }, bytes)
    t.ok(fit === 0 || measureRows(columns, 0, fit) <= bytes)
    t.ok(fit === 4 || measureRows(columns, 0, fit + 1) > bytes)
  }
  t.equal(rowsThatFit([], { start: 5, count: 9 }, 0), 9)
  t.equal(rowsThatFit(columns, { start: 2, count: 2 }, 60), 0)
})

t.test('a flight message holds prefix, header and an aligned body', async (t) => {
  const column = columnOf(structOf({ a: utf8 }), [['x'], ['y'.repeat(1000)]])
  const plan = planBatch([column.type], [piece(column)])
  const flight = planFlightMessage(plan)
  const memory = dirtyMemory(flight.totalBytes + 100)
  const message = Buffer.from(flight.write(memory))
  t.equal(message[0], 0)
  t.equal(message.readUInt32BE(1), message.length - 5)
  t.equal(message[5], 0x12)
  const [headerBytes, headerAt] = varint(message, 6)
  t.equal(headerBytes % 8, 0)
  const header = message.subarray(headerAt, headerAt + headerBytes)
  t.strictSame([...header], [...recordBatchMessage(plan)])
  const tagAt = headerAt + headerBytes
  t.strictSame([...message.subarray(tagAt, tagAt + 2)], [0xc2, 0x3e])
  const [bodyBytes, bodyAt] = varint(message, tagAt + 2)
  t.equal(bodyBytes, plan.bodyBytes)
  t.equal(bodyAt + bodyBytes, message.length)
  const written = flight.write(memory)
  t.equal((written.byteOffset + bodyAt) % 64, 0)
  t.strictSame(
    [...memory.subarray(flight.totalBytes)],
    Array.from({ length: 100 }, () => 0xee),
  )
})

function varint(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0
  for (let i = at, scale = 1; ; i++, scale *= 128) {
    const byte = bytes[i] ?? 0
    value += (byte & 127) * scale
    if (byte < 128) return [value, i + 1]
  }
}
