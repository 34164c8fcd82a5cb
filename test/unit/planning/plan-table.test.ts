import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { TablePlan, TablePlanRequest } from '../../../service/planning/plan-table.ts'
import { cutEvenly, planTable } from '../../../service/planning/plan-table.ts'
import type { Predicate } from '../../../service/predicate/predicate.ts'
import { inDomain, predicateTrue } from '../../../service/predicate/predicate.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { fakeFooter, int32Bytes } from '../../support/fake-footer.ts'
import { memoryTable } from '../../support/memory-table.ts'

const { signal } = new AbortController()
const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const nowMs = 1_790_000_000_000

/** A row group of 10 rows that holds one number. */
const group = (value: number, decodedBytes = 100) => ({
  rowCount: 10,
  decodedBytes,
  statistics: { id: { min: int32Bytes(value), max: int32Bytes(value), nullCount: 0 } },
})
const footerOf = (...groups: readonly ReturnType<typeof group>[]) =>
  fakeFooter([{ name: 'id', type: int, physicalType: 'int32' }], groups)

const idIs = (value: bigint): Predicate =>
  inDomain('id', int, {
    nullAllowed: false,
    ranges: [{ low: { value, inclusive: true }, high: { value, inclusive: true } }],
  })

function tableOf(files: Readonly<Record<string, ReturnType<typeof footerOf>>>) {
  const table = memoryTable()
  for (const [name, footer] of Object.entries(files)) table.put(`tables/orders/${name}`, footer)
  const plan = (request: Partial<TablePlanRequest> = {}) =>
    planTable(
      {
        table: { schema: 'lake-a', table: 'orders' },
        predicate: predicateTrue,
        rowsMax: Infinity,
        partsMax: 1,
        ...request,
      },
      { catalog: table.catalog, footers: table.footers, nowMs: () => nowMs },
      signal,
    )
  return { ...table, plan }
}

const filesOf = ({ parts }: TablePlan) =>
  parts.map(({ split, rowCount }) => {
    const files = split.files.map(
      ({ key, rowGroups: { start, end } }) => `${key.slice(split.prefix.length)}:${start}-${end}`,
    )
    return `${files.join(' ')} = ${rowCount}`
  })

t.test('a whole table is one part, or as many as are asked for, in key order', async (t) => {
  const { plan } = tableOf({
    'b.parquet': footerOf(group(1), group(2)),
    'a.parquet': footerOf(group(3), group(4), group(5)),
    'c.parquet': footerOf(group(6)),
  })
  t.strictSame(filesOf(await plan()), ['a.parquet:0-3 b.parquet:0-2 c.parquet:0-1 = 60'])
  t.strictSame(filesOf(await plan({ partsMax: 2 })), [
    'a.parquet:0-3 = 30',
    'b.parquet:0-2 c.parquet:0-1 = 30',
  ])
  const four = await plan({ partsMax: 4 })
  t.equal(four.parts.length, 4)
  t.equal(four.ledger.splits, 4)
  t.equal((await plan({ partsMax: 100 })).parts.length, 6)
  t.equal(four.parts[0]?.split.expiresMs, nowMs + 6 * 60 * 60 * 1000)
})

t.test('row groups that cannot match are gaps, and the ledger says so', async (t) => {
  const { plan } = tableOf({ 'a.parquet': footerOf(group(1), group(2), group(1), group(1)) })
  const planned = await plan({ predicate: idIs(1n) })
  t.strictSame(filesOf(planned), ['a.parquet:0-1 a.parquet:2-4 = 30'])
  t.match(planned.ledger, { rowGroupsKept: 3, rowGroupsDroppedByStatistics: 1, rowsKept: 30 })
})

t.test('no rows are one part of no files', async (t) => {
  const { plan } = tableOf({ 'a.parquet': footerOf(group(1)) })
  const nothing = await plan({ predicate: idIs(9n), partsMax: 8 })
  t.strictSame(filesOf(nothing), [' = 0'])
  t.strictSame(filesOf(await plan({ rowsMax: 0 })), [' = 0'])
})

t.test('behind a limit nothing is planned, and few footers are read', async (t) => {
  const files = Array.from({ length: 100 }, (_, index) => [
    `${String(index).padStart(3, '0')}.parquet`,
    footerOf(group(1), group(2)),
  ])
  const { plan, footersAsked } = tableOf(Object.fromEntries(files))
  const planned = await plan({ rowsMax: 25 })
  t.strictSame(filesOf(planned), ['000.parquet:0-2 001.parquet:0-1 = 30'])
  t.ok(footersAsked.length <= 10, `${footersAsked.length} footers`)
})

t.test('pieces are contiguous, none empty, about the same size (seeded)', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomNumbers(seed)
    const items = Array.from({ length: Math.floor(random() * 60) }, (_, index) => ({
      index,
      decodedBytes: Math.floor(random() ** 3 * 1000),
    }))
    const piecesMax = 1 + Math.floor(random() * 12)
    const pieces = cutEvenly(items, piecesMax)
    t.strictSame(pieces.flat(), items)
    t.equal(pieces.length, Math.max(1, Math.min(piecesMax, items.length)))
    if (items.length > 0 && pieces.some((piece) => piece.length === 0)) t.fail(`seed ${seed}`)
    const total = items.reduce((sum, { decodedBytes }) => sum + decodedBytes, 0)
    const widest = Math.max(0, ...items.map(({ decodedBytes }) => decodedBytes))
    const sizes = pieces.map((piece) => piece.reduce((sum, one) => sum + one.decodedBytes, 0))
    const bound = total / pieces.length + 2 * widest
    t.ok(Math.max(...sizes) <= bound, `seed ${seed}: ${sizes.join(' ')} of ${total}`)
  }
})
