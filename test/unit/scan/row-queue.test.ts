import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { ownRows } from '../../../service/arrow/own-rows.ts'
import { type BatchPiece, planBatch } from '../../../service/arrow/write-batch.ts'
import { RowQueue } from '../../../service/scan/row-queue.ts'
import { randomNumbers, randomType, randomValue } from '../../support/columns-random.ts'
import { columnOf, int, readColumn, type Value } from '../../support/columns.ts'

function valuesOf(types: readonly ArrowType[], pieces: readonly BatchPiece[]): Value[][] {
  return ownRows(types, pieces).map(readColumn)
}

t.test('frames hold all rows in order, are full and never too large', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomNumbers(seed)
    const types = [int(32), randomType(random, 2), randomType(random, 2)]
    const limits = {
      bodyBytesTarget: 3_000 + Math.floor(random() * 3_000),
      bodyBytesMax: 1e6,
      rowsMax: 1 + Math.floor(random() * 60),
    }
    const queue = new RowQueue(types, limits)
    const expected: Value[][] = types.map(() => [])
    const read: Value[][] = types.map(() => [])
    let isFull = true
    const drain = (isEnd: boolean) => {
      for (let rows = queue.take(isEnd); rows !== undefined; rows = queue.take(isEnd)) {
        const batch = planBatch(types, rows)
        isFull &&= batch.bodyBytes <= limits.bodyBytesTarget || batch.rowCount === 1
        isFull &&= batch.rowCount <= limits.rowsMax && batch.rowCount > 0
        valuesOf(types, rows).forEach((values, i) => read[i]?.push(...values))
      }
    }
    for (let group = 0; group < 30; group++) {
      const rowCount = Math.floor(random() * (random() < 0.2 ? 100 : 6))
      const columns = types.map((type) =>
        columnOf(
          type,
          Array.from({ length: rowCount }, () => randomValue(random, type, 0.2)),
        ),
      )
      columns.forEach((column, i) => expected[i]?.push(...readColumn(column)))
      queue.add(columns, rowCount)
      drain(false)
      queue.detach()
      // What the decoder gets back is not looked at any more.
      for (const column of columns) column.values?.fill(0xee)
    }
    drain(true)
    t.ok(isFull, `seed ${seed}: full frames`)
    t.strictSame(read, expected, `seed ${seed}: rows`)
  }
})

t.test('thousands of tiny row groups become few pieces', async (t) => {
  const queue = new RowQueue([int(32)], { bodyBytesTarget: 1e6, bodyBytesMax: 1e6, rowsMax: 1e6 })
  for (let i = 0; i < 5_000; i++) {
    queue.add([columnOf(int(32), [i])], 1)
    queue.detach()
  }
  t.equal(queue.take(false), undefined)
  const pieces = queue.take(true) ?? []
  t.ok(pieces.length < 40, `${pieces.length} pieces`)
  t.strictSame(valuesOf([int(32)], pieces), [Array.from({ length: 5_000 }, (_, i) => i)])
  t.equal(queue.take(true), undefined)
})

t.test('rows without columns are cut by their number', async (t) => {
  const queue = new RowQueue([], { bodyBytesTarget: 100, bodyBytesMax: 100, rowsMax: 10 })
  queue.add([], 25)
  const counts: number[] = []
  for (let rows = queue.take(true); rows !== undefined; rows = queue.take(true)) {
    counts.push(planBatch([], rows).rowCount)
  }
  t.strictSame(counts, [10, 10, 5])
})
