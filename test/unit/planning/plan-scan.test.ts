import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { Ledger } from '../../../service/planning/ledger.ts'
import { addLedgers, emptyLedger } from '../../../service/planning/ledger.ts'
import type { PlanOptions, PlanPage, PlanRequest } from '../../../service/planning/plan-scan.ts'
import { planSplits } from '../../../service/planning/plan-scan.ts'
import { TicketKeys } from '../../../service/planning/ticket-keys.ts'
import { openTicket } from '../../../service/planning/ticket.ts'
import type { Predicate } from '../../../service/predicate/predicate.ts'
import { inDomain, predicateTrue } from '../../../service/predicate/predicate.ts'
import type { FakeRowGroup } from '../../support/fake-footer.ts'
import { fakeFooter, int32Bytes } from '../../support/fake-footer.ts'
import type { MemoryTable, MemoryTableOptions } from '../../support/memory-table.ts'
import { memoryTable } from '../../support/memory-table.ts'
import { holderOf, openingOf } from '../../support/ticket-holder.ts'

const { signal } = new AbortController()
const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const orders = { schema: 'lake-a', table: 'orders' }
const keys = new TicketKeys([])
const nowMs = 1_790_000_000_000

/** Row groups of 100 decoded bytes and 10 rows; the numbers are least and greatest values of column `id`. */
const footerOf = (...groups: readonly (readonly [number, number])[]) =>
  fakeFooter(
    [{ name: 'Id', type: int, physicalType: 'int32' }],
    groups.map(([min, max]): FakeRowGroup => ({
      rowCount: 10,
      decodedBytes: 100,
      statistics: { Id: { min: int32Bytes(min), max: int32Bytes(max), nullCount: 0 } },
    })),
  )

const idIs = (value: bigint): Predicate =>
  inDomain('id', int, {
    nullAllowed: false,
    ranges: [{ low: { value, inclusive: true }, high: { value, inclusive: true } }],
  })

interface Planner extends MemoryTable {
  plan(request?: Partial<PlanRequest>): Promise<PlanPage>
  /** All pages; the names of files and row groups, such as `a0-2 b0-1`. */
  planAll(
    request?: Partial<PlanRequest>,
  ): Promise<{ splits: string[]; pages: number; ledger: Ledger }>
}

function planner(
  options: MemoryTableOptions = {},
  planOptions: Partial<PlanOptions> = {},
): Planner {
  const table = memoryTable(options)
  const { catalog, footers } = table
  const parts = {
    catalog,
    footers,
    keys,
    nowMs: () => nowMs,
    options: { splitBytesTarget: 200, ...planOptions },
  }
  const plan = (request: Partial<PlanRequest> = {}) => {
    const all = {
      table: orders,
      predicate: predicateTrue,
      holder: holderOf(),
      splitsMax: 1000,
      pageBytesMax: 1_000_000,
    }
    return planSplits({ ...all, ...request }, parts, signal)
  }
  return {
    ...table,
    plan,
    async planAll(request = {}) {
      const splits: string[] = []
      let [pages, ledger] = [0, emptyLedger]
      let continuation: string | undefined
      do {
        const from = continuation === undefined ? {} : { continuation }
        const page = await plan({ ...request, ...from })
        splits.push(...names(page))
        pages += 1
        ledger = addLedgers(ledger, page.ledger)
        continuation = page.continuation
      } while (continuation !== undefined)
      return { splits, pages, ledger }
    },
  }
}

function names(page: PlanPage): string[] {
  return page.splits.map(({ split }) =>
    split.files
      .map(({ key, rowGroups: { start, end } }) => {
        const name = key.slice(split.prefix.length).replace('.parquet', '')
        return `${name}${start}-${end}`
      })
      .join(' '),
  )
}

const put = ({ put: add }: MemoryTable, name: string, ...groups: (readonly [number, number])[]) =>
  add(`tables/orders/${name}.parquet`, footerOf(...groups))

t.test('plans sealed splits of whole row groups, in key order, files pinned', async (t) => {
  const table = planner()
  const b = put(table, 'b', [1, 2])
  const a = put(table, 'a', [1, 2], [3, 4], [5, 6])
  put(table, 'c')
  const page = await table.plan({ table: { schema: 'LAKE-A', table: 'Orders' } })
  t.strictSame(names(page), ['a0-2', 'a2-3 b0-1'])
  t.equal(page.continuation, undefined)
  const [, second] = page.splits
  t.strictSame(second?.split, {
    table: orders,
    bucket: 'lake-a',
    prefix: 'tables/orders/',
    files: [
      { key: a.key, etag: a.etag, sizeBytes: a.sizeBytes, rowGroups: { start: 2, end: 3 } },
      { key: b.key, etag: b.etag, sizeBytes: b.sizeBytes, rowGroups: { start: 0, end: 1 } },
    ],
    partitionColumns: [],
    expiresMs: nowMs + 6 * 3_600_000,
  })
  t.strictSame(openTicket(second?.ticket ?? Buffer.of(), openingOf(keys, nowMs)), second?.split)
  const { ledger } = page
  t.match(ledger, { filesKept: 2, filesWithoutRows: 1, rowGroupsKept: 4, rowsKept: 40, splits: 2 })
  t.equal(ledger.fileBytesKept, a.sizeBytes + b.sizeBytes)
  t.equal(
    ledger.ticketBytes,
    page.splits.reduce((sum, { ticket }) => sum + ticket.length, 0),
  )
  t.equal(table.store.reads.length, 0)
})

t.test('drops partitions before any footer and row groups by statistics', async (t) => {
  const table = planner()
  const day = (at: number) => `day=2026-11-0${at}`
  for (const at of [1, 2, 3]) {
    put(table, `${day(at)}/a`, [1, 5], [6, 9])
    put(table, `${day(at)}/b`, [6, 9], [10, 12])
  }
  put(table, `day=__HIVE_DEFAULT_PARTITION__/n`, [1, 9])
  const value = BigInt(Date.UTC(2026, 10, 2) / 86_400_000)
  const days: Predicate = inDomain(
    'DAY',
    { kind: 'date', unit: 'day' },
    {
      nullAllowed: false,
      ranges: [{ low: { value, inclusive: true } }],
    },
  )
  const { splits, ledger } = await table.planAll({
    predicate: { kind: 'and', terms: [days, idIs(5n)] },
  })
  t.strictSame(splits, [`${day(2)}/a0-1 ${day(3)}/a0-1`])
  t.strictSame(table.footersAsked.length, 4)
  t.match(ledger, {
    foldersDroppedByPartition: 2,
    filesDroppedByPartition: 0,
    filesDroppedByStatistics: 2,
    filesKept: 2,
    rowGroupsKept: 2,
    rowGroupsDroppedByStatistics: 6,
    rowsDroppedByStatistics: 60,
  })
})

t.test('knows that a column a file lacks is null there', async (t) => {
  const table = planner()
  put(table, 'a', [1, 5])
  const isNull = (column: string) => inDomain(column, int, { nullAllowed: true, ranges: [] })
  const notNull = (column: string) => inDomain(column, int, { nullAllowed: false, ranges: [{}] })
  t.strictSame((await table.planAll({ predicate: isNull('added') })).splits, ['a0-1'])
  t.strictSame((await table.planAll({ predicate: notNull('added') })).splits, [])
  t.strictSame((await table.planAll({ predicate: isNull('ID') })).splits, [])
  t.strictSame((await table.planAll({ predicate: notNull('ID') })).splits, ['a0-1'])
})

function bigTable(options: MemoryTableOptions = {}) {
  const table = planner({ pageEntriesMax: 7, ...options })
  for (let at = 0; at < 40; at++) {
    const groups = Array.from({ length: at % 4 }, (_, group) => [group, (at % 3) * group] as const)
    put(table, `p=${at % 5}/f${String(at).padStart(2, '0')}`, ...groups)
    table.put(`tables/orders/p=${at % 5}/_skip${at}`)
  }
  return table
}

t.test('gives the same splits and the same ledger however it is cut into pages', async (t) => {
  const table = bigTable()
  const predicates = [
    predicateTrue,
    idIs(2n),
    inDomain('p', int, { nullAllowed: false, ranges: [{ low: { value: 2n, inclusive: true } }] }),
  ]
  for (const predicate of predicates) {
    const whole = await table.planAll({ predicate })
    t.equal(whole.pages, 1)
    const { foldersDroppedByPartition } = whole.ledger
    t.equal(foldersDroppedByPartition, predicate === predicates[2] ? 2 : 0)
    t.equal(whole.ledger.skippedHidden, 8 * (5 - foldersDroppedByPartition))
    for (const splitsMax of [1, 2, 3, 7]) {
      const paged = await table.planAll({ predicate, splitsMax })
      t.strictSame(paged.splits, whole.splits, `${splitsMax} splits a page`)
      t.equal(paged.pages, Math.ceil(whole.splits.length / splitsMax))
      t.strictSame({ ...paged.ledger, ticketBytes: 0 }, { ...whole.ledger, ticketBytes: 0 })
    }
    const tight = await table.planAll({ predicate, pageBytesMax: 400 })
    t.ok(tight.pages > 1)
    t.equal(tight.ledger.rowGroupsKept, whole.ledger.rowGroupsKept)
  }
})

t.test('keeps the tickets of a page within its bytes', async (t) => {
  const table = bigTable()
  let continuation: string | undefined
  do {
    const from = continuation === undefined ? {} : { continuation }
    const page = await table.plan({ pageBytesMax: 600, ...from })
    const bytes = page.splits.reduce((sum, { ticket }) => sum + ticket.length, 0)
    t.ok(page.splits.length === 1 || bytes <= 600, `${page.splits.length} splits, ${bytes} bytes`)
    continuation = page.continuation
  } while (continuation !== undefined)
})

t.test('lists once, also to begin a plan of several pages', async (t) => {
  const table = planner({ pageEntriesMax: 2 })
  for (const name of ['a', 'b', 'c', 'd']) put(table, name, [1, 2], [1, 2])
  table.store.reset()
  await table.plan()
  t.equal(table.store.lists.length, 1 + 2, 'tables, two pages of files')
  t.equal(table.footersAsked.length, 4)
  table.store.reset()
  const { continuation = '' } = await table.plan({ splitsMax: 1 })
  t.equal(table.store.lists.length, 1 + 2)
  table.store.reset()
  await table.plan({ continuation })
  t.strictSame(
    table.store.lists.slice(1).map(({ startAfter }) => startAfter),
    ['tables/orders/a.parquet', 'tables/orders/a.parquet'],
  )
})

t.test('leaves files that came after the first page out', async (t) => {
  for (const sameMoment of [true, false]) {
    const table = planner()
    for (const name of ['a', 'c', 'e']) put(table, name, [1, 2], [1, 2])
    const first = await table.plan({ splitsMax: 1 })
    t.strictSame(names(first), ['a0-2'])
    if (!sameMoment) table.clock.nowMs += 60_000
    for (const name of ['b', 'd', 'f']) put(table, name, [1, 2])
    const { continuation = '' } = first
    const second = await table.plan({ continuation })
    t.strictSame(names(second), ['c0-2', 'e0-2'], sameMoment ? 'written at once' : 'written later')
    t.equal(second.ledger.filesLater, 3)
  }
})

t.test(
  'asks to plan again when a file to come was replaced or deleted, not one that is planned',
  async (t) => {
    const change: readonly ((table: Planner) => void)[] = [
      (table) => put(table, 'c', [1, 2]),
      (table) => table.remove('tables/orders/c.parquet'),
      (table) => {
        table.clock.nowMs += 60_000
        put(table, 'c', [1, 2])
      },
    ]
    for (const happen of change) {
      const table = planner()
      for (const name of ['a', 'b', 'c', 'd']) put(table, name, [1, 2], [1, 2])
      const { continuation = '' } = await table.plan({ splitsMax: 1 })
      happen(table)
      await t.rejects(table.plan({ continuation }), {
        code: 'object_changed',
        message: /lake-a\.orders.*plan again/,
      })
    }
    const table = planner()
    for (const name of ['a', 'b']) put(table, name, [1, 2], [1, 2])
    const { continuation = '' } = await table.plan({ splitsMax: 1 })
    table.remove('tables/orders/a.parquet')
    t.strictSame(names(await table.plan({ continuation })), ['b0-2'])
  },
)

t.test('goes on within a file as it was pinned', async (t) => {
  const table = planner()
  const pinned = put(table, 'a', [1, 2], [1, 2], [1, 2])
  const { continuation = '' } = await table.plan({ splitsMax: 1 })
  table.clock.nowMs += 60_000
  put(table, 'a', [1, 2])
  const second = await table.plan({ continuation })
  t.strictSame(names(second), ['a2-3'])
  t.equal(second.splits[0]?.split.files[0]?.etag, pinned.etag, 'the read will find it changed')
})

t.test('tells tables apart whose names read the same when joined by a dot', async (t) => {
  const table = planner()
  for (const name of ['a', 'b', 'c']) {
    table.put(`tables/x.orders/${name}.parquet`, footerOf([1, 2], [1, 2]))
  }
  const asked = { schema: 'lake-a', table: 'x.orders' }
  const { continuation = '' } = await table.plan({ table: asked, splitsMax: 1 })
  t.not(continuation, '')
  const other = { schema: 'lake-a.x', table: 'orders' }
  await t.rejects(table.plan({ continuation, table: other }), { message: /another table/ })
})

t.test('refuses continuations that are not its own', async (t) => {
  const table = planner()
  for (const name of ['a', 'b', 'c']) put(table, name, [1, 2], [1, 2])
  table.put('tables/other/a.parquet', footerOf([1, 2]))
  const { continuation = '' } = await table.plan({ splitsMax: 1 })
  const [{ ticket } = { ticket: Buffer.of() }] = (await table.plan()).splits
  const bad = ['', 'x', '!!', continuation.slice(0, -4), `C${continuation.slice(1)}`]
  bad.push(Buffer.from(ticket).toString('base64url'), 'A'.repeat(100_000))
  table.store.reset()
  for (const token of bad) {
    await t.rejects(table.plan({ continuation: token }), { code: 'invalid_request' })
  }
  await t.rejects(table.plan({ continuation, table: { schema: 'lake-a', table: 'other' } }), {
    code: 'invalid_request',
    message: /another table/,
  })
  t.equal(table.store.lists.length, 0)
  const { catalog, footers } = table
  const late = { catalog, footers, keys, nowMs: () => nowMs + 6 * 3_600_000 }
  const holder = holderOf()
  const request = {
    table: orders,
    predicate: predicateTrue,
    holder,
    splitsMax: 1,
    pageBytesMax: 1000,
  }
  await t.rejects(planSplits({ ...request, continuation }, late, signal), {
    code: 'invalid_request',
    message: /expired/,
  })
})

t.test('names the file that it cannot read, and plans nothing without files', async (t) => {
  const table = planner()
  put(table, 'a', [1, 2])
  table.put('tables/orders/b.parquet')
  await t.rejects(table.plan(), { code: 'unreadable_file', message: /b\.parquet/ })
  table.put('tables/none/_SUCCESS')
  const page = await table.plan({ table: { schema: 'lake-a', table: 'none' } })
  t.strictSame([page.splits, page.continuation], [[], undefined])
  await t.rejects(table.plan({ table: { schema: 'lake-a', table: 'nowhere' } }), {
    code: 'table_not_found',
  })
})

t.test('carries partition columns and many small files in one split', async (t) => {
  const table = planner({}, { splitBytesTarget: 10_000 })
  for (let at = 0; at < 60; at++) put(table, `day=2026-11-02/hour=${at % 3}/f${at}`, [1, 2])
  const { splits } = await table.plan()
  t.equal(splits.length, 1)
  t.equal(splits[0]?.split.files.length, 60)
  t.strictSame(splits[0]?.split.partitionColumns, ['day', 'hour'])
})

t.test('names what is left to the caller, once a plan', async (t) => {
  const table = planner()
  for (const name of ['a', 'b', 'c']) put(table, name, [1, 2], [3, 4])
  const notApplied = ['the value set of "raw"', '$cast', '$cast']
  const { pages, ledger } = await table.planAll({ notApplied, splitsMax: 1 })
  t.equal(pages, 3)
  t.strictSame(ledger.notApplied, ['the value set of "raw"', '$cast'])
  const second = await table.plan({ notApplied, splitsMax: 1 })
  const { continuation } = second
  t.ok(continuation)
  const rest = await table.plan({ notApplied, ...(continuation && { continuation }) })
  t.strictSame(rest.ledger.notApplied, [])
})
