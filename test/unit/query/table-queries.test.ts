import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { decodeSchemaMessage } from '../../../service/arrow/schema-message.ts'
import { planTable } from '../../../service/planning/plan-table.ts'
import type { Split } from '../../../service/planning/split.ts'
import { TicketKeys } from '../../../service/planning/ticket-keys.ts'
import { openTicket, sealTicket } from '../../../service/planning/ticket.ts'
import { parseFilter } from '../../../service/predicate/parse-filter.ts'
import { tableQueries } from '../../../service/query/table-queries.ts'
import type { TableFilter } from '../../../service/query/table-queries.ts'
import { frameLimits, MESSAGE_BYTES_MAX } from '../../../service/query/frame-limits.ts'
import type { Frame } from '../../../service/scan/frame.ts'
import type { ScanRequest } from '../../../service/scan/scan-request.ts'
import { fakeFooter, int32Bytes } from '../../support/fake-footer.ts'
import type { FakeColumn } from '../../support/fake-footer.ts'
import { memoryTable } from '../../support/memory-table.ts'
import { holderOf, openingOf } from '../../support/ticket-holder.ts'

const { signal } = new AbortController()
const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const orders = { schema: 'lake-a', table: 'orders' }
const nowMs = 1_790_000_000_000

/** Ten row groups of 10 rows, the first with id 0 to 9 and so on. */
const footer = fakeFooter(
  [
    { name: 'Id', type: int, physicalType: 'int32', nullable: false },
    { name: 'Name', type: { kind: 'utf8' }, physicalType: 'byte_array' },
  ],
  Array.from({ length: 10 }, (_, group) => ({
    rowCount: 10,
    decodedBytes: 100,
    statistics: { Id: { min: int32Bytes(group * 10), max: int32Bytes(group * 10 + 9) } },
  })),
)

const noFrames: AsyncIterable<Frame> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
}

function setUp() {
  const table = memoryTable()
  table.put('tables/Orders/day=2026-11-01/a.parquet', footer)
  table.put('tables/other/a.parquet', footer)
  table.put('tables/order_lines/a.parquet', footer)
  const keys = new TicketKeys([])
  const scanned: ScanRequest[] = []
  const clock = { nowMs }
  const { catalog, footers } = table
  const queries = tableQueries({
    catalog,
    plan: (request, abort) =>
      planTable(request, { catalog, footers, nowMs: () => clock.nowMs }, abort),
    sealTicket: (split: Split) => sealTicket(split, keys, holderOf()),
    openTicket: (ticket) => openTicket(ticket, openingOf(keys, clock.nowMs)),
    scan: (request) => {
      scanned.push(request)
      return noFrames
    },
    parseFilter,
    ticketTtlMs: 60_000,
    nowMs: () => clock.nowMs,
  })
  const listed = async (filter: TableFilter) => {
    const names: string[] = []
    for await (const { table: name } of queries.listTables(filter, signal)) names.push(name)
    return names
  }
  /** What the tickets of a plan make of a scan. */
  const scansOf = async (request: Parameters<typeof queries.plan>[0]) => {
    const { endpoints } = await queries.plan(request, signal)
    scanned.length = 0
    for (const { ticket } of endpoints) {
      const { frames } = await queries.read(ticket, signal)
      for await (const frame of frames) frame.release()
    }
    return scanned
  }
  return { ...table, queries, keys, clock, listed, scansOf, scanned }
}

t.test('tables are listed by pattern, up to a limit', async (t) => {
  const { queries, listed } = setUp()
  t.strictSame(await queries.listSchemas(signal), ['lake-a'])
  t.strictSame(await listed({}), ['order_lines', 'orders', 'other'])
  t.strictSame(await listed({ schema: 'LAKE-A', pattern: 'ORD*' }), ['order_lines', 'orders'])
  t.strictSame(await listed({ pattern: 'o????s', limit: 1 }), ['orders'])
  t.strictSame(await listed({ limit: 2 }), ['order_lines', 'orders'])
  await t.rejects(listed({ schema: 'lake-b' }), { code: 'table_not_found' })
})

t.test('a table is described in its own types, and counted', async (t) => {
  const { queries } = setUp()
  t.match(await queries.describe({ schema: 'Lake-A', table: 'ORDERS' }, signal), {
    table: orders,
    fields: [
      { name: 'Id', type: int, nullable: false },
      { name: 'Name', nullable: true },
      { name: 'day', type: { kind: 'date' }, nullable: true },
    ],
    partitionColumns: ['day'],
    fileCount: 1,
    rowCount: 100,
    partitionCount: 1,
    conflicts: [],
  })
})

t.test('of very many files rows are not counted', async (t) => {
  const { queries, put, footersAsked } = setUp()
  for (let at = 0; at <= 1_000; at++) put(`tables/many/${at}.parquet`, footer)
  const facts = await queries.describe({ schema: 'lake-a', table: 'many' }, signal)
  t.match(facts, { fileCount: 1_001, rowCount: null, partitionCount: null })
  t.ok(footersAsked.length < 50, `${footersAsked.length} footers`)
  t.ok(
    facts.fields.every(({ nullable }) => nullable),
    'of a sample nothing is promised',
  )
})

t.test('a plan says what its tickets will give', async (t) => {
  const { queries } = setUp()
  const plan = await queries.plan({ table: orders, columns: ['DAY', 'id'] }, signal)
  t.match(plan, { table: orders, rowCount: 100, expiresMs: nowMs + 6 * 60 * 60 * 1000 })
  t.equal(plan.endpoints.length, 1)
  t.match(plan.endpoints[0], { rowCount: 100, rowGroupCount: 10, decodedBytes: 1000 })
  t.strictSame(
    plan.fields.map(({ name }) => name),
    ['day', 'Id'],
  )
  t.strictSame(decodeSchemaMessage(plan.schemaMessage).fields, plan.fields)
  const read = await queries.read(plan.endpoints[0]?.ticket ?? Buffer.of(), signal)
  t.strictSame(read.fields, plan.fields)
  t.strictSame(read.schemaMessage, plan.schemaMessage)
  const alone = await queries.schemaOf({ table: orders, columns: ['day', 'id'] }, signal)
  t.strictSame(alone.schemaMessage, plan.schemaMessage)
})

t.test('a ticket carries columns, filter and limit to the scan', async (t) => {
  const { scansOf } = setUp()
  const [scan] = await scansOf({
    table: orders,
    columns: ['day', 'Id'],
    filter: 'id = 37',
    limit: 7,
  })
  t.match(scan, {
    columns: [
      { field: { name: 'day' }, from: { kind: 'partition', partition: 'day' } },
      { field: { name: 'Id', nullable: false }, from: { kind: 'file' } },
    ],
    rowLimit: 7,
    split: { files: [{ rowGroups: { start: 3, end: 4 } }] },
  })
  t.strictSame(
    scan?.predicate,
    parseFilter('Id = 37', [{ name: 'Id', type: int, nullable: false }]),
  )
})

t.test('a limit is shared out exactly', async (t) => {
  const { queries, scansOf } = setUp()
  const request = { table: orders, endpoints: 3 }
  const limits = async (limit: number) =>
    (await scansOf({ ...request, limit })).map(({ split, rowLimit }) => {
      const groups = split.files.map(({ rowGroups: { start, end } }) => end - start)
      return `${groups.join('+')} ${rowLimit ?? 'all'}`
    })
  t.strictSame(await limits(100), ['3 all', '4 all', '3 all'])
  t.strictSame(await limits(1_000), ['3 all', '4 all', '3 all'])
  t.strictSame(await limits(55), ['2 all', '2 all', '2 15'])
  t.strictSame(await limits(10), ['1 all'])
  t.strictSame(await limits(0), [' all'])
  const { rowCount, endpoints } = await queries.plan({ ...request, limit: 55 }, signal)
  t.equal(rowCount, 55)
  t.strictSame(
    endpoints.map((endpoint) => endpoint.rowCount),
    [20, 20, 15],
  )
  t.strictSame(
    (await scansOf({ ...request, limit: 5, filter: 'id >= 0' })).map(({ rowLimit }) => rowLimit),
    [5],
    'with a filter there is one endpoint',
  )
  const filtered = await queries.plan({ ...request, filter: 'id >= 0' }, signal)
  t.match(filtered, { rowCount: null, endpoints: [{ rowCount: null }, {}, {}] })
})

t.test('a filter that is always true is none', async (t) => {
  const { queries } = setUp()
  t.equal((await queries.plan({ table: orders, filter: '1 = 1' }, signal)).rowCount, 100)
})

t.test('one reader needs no ticket', async (t) => {
  const { queries, scanned } = setUp()
  const read = await queries.readTable({ table: orders, limit: 15, endpoints: 7 }, signal)
  for await (const frame of read.frames) frame.release()
  t.match(scanned, [{ rowLimit: 15, split: { files: [{ rowGroups: { start: 0, end: 2 } }] } }])
})

t.test('tickets are renewed while they hold', async (t) => {
  const { queries, clock } = setUp()
  const { endpoints, expiresMs } = await queries.plan({ table: orders }, signal)
  const ticket = endpoints[0]?.ticket ?? Buffer.of()
  clock.nowMs = expiresMs - 1
  queries.check(ticket)
  const renewed = queries.renew(ticket)
  t.equal(renewed.expiresMs, clock.nowMs + 60_000)
  clock.nowMs = expiresMs + 1
  const expired = { code: 'invalid_request', message: /expired/ }
  t.throws(() => queries.check(ticket), expired)
  t.throws(() => queries.renew(ticket), expired)
  await t.rejects(queries.read(ticket, signal), expired)
  queries.check(renewed.ticket)
})

t.test('a ticket of Athena reads all columns, as the files have them', async (t) => {
  const { queries, keys, scanned } = setUp()
  const { endpoints, fields } = await queries.plan({ table: orders }, signal)
  const split = openTicket(endpoints[0]?.ticket ?? Buffer.of(), openingOf(keys, nowMs))
  delete (split as { read?: unknown }).read
  const ticket = sealTicket(split, keys, holderOf())
  t.strictSame((await queries.read(ticket, signal)).fields, fields)
  t.match(scanned.at(-1), { split: { files: [{ rowGroups: { start: 0, end: 10 } }] } })
  queries.check(queries.renew(ticket).ticket)
})

t.test('what does not fit into a message is told before it is sent', async (t) => {
  const { queries, put } = setUp()
  const column = (index: number, length: number): FakeColumn => ({
    name: String(index).padEnd(length, 'x'),
    type: int,
    physicalType: 'int32',
  })
  const columns = Array.from({ length: 70 }, (_, index) => column(index, 65_536))
  put('tables/names/a.parquet', fakeFooter(columns, [{ rowCount: 1, decodedBytes: 1 }]))
  const names = { schema: 'lake-a', table: 'names' }
  const large = { code: 'too_large', message: /schema of lake-a\.names takes \d+ bytes/ }
  await t.rejects(queries.plan({ table: names }, signal), large)
  await t.rejects(queries.schemaOf({ table: names }, signal), large)
})

t.test('frames leave room for the headers of wide tables', async (t) => {
  const fields = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ name: `c${at}`, type: int, nullable: true }))
  t.match(frameLimits(fields(1)), { bodyBytesTarget: 2_000_000 })
  t.equal(frameLimits(fields(10_000)).bodyBytesMax, MESSAGE_BYTES_MAX - 512 - 640_000)
  t.throws(() => frameLimits(fields(60_000)), { code: 'too_large', message: /60000 columns/ })
})
