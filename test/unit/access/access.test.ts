import t from 'tap'
import { accessOf } from '../../../service/access/access.ts'
import { CallerAdmission } from '../../../service/access/admission.ts'
import type { HiddenError } from '../../../service/access/keep-details.ts'
import { SeenTables } from '../../../service/access/seen-tables.ts'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { Caller } from '../../../service/credentials/caller.ts'
import { anonymous } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import { planSplits } from '../../../service/planning/plan-scan.ts'
import { planTable } from '../../../service/planning/plan-table.ts'
import type { Split } from '../../../service/planning/split.ts'
import { TicketKeys } from '../../../service/planning/ticket-keys.ts'
import { parseFilter } from '../../../service/predicate/parse-filter.ts'
import { predicateTrue } from '../../../service/predicate/predicate.ts'
import { frameLimits } from '../../../service/query/frame-limits.ts'
import { tableFields } from '../../../service/query/table-columns.ts'
import { tableQueries } from '../../../service/query/table-queries.ts'
import type { Frame } from '../../../service/scan/frame.ts'
import type { ScanRequest } from '../../../service/scan/scan-request.ts'
import { fakeFooter, int32Bytes } from '../../support/fake-footer.ts'
import { madeCaller } from '../../support/made-caller.ts'
import { memoryTable } from '../../support/memory-table.ts'

const { signal } = new AbortController()
const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const orders = { schema: 'lake-a', table: 'orders' }
const nowMs = 1_790_000_000_000
const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')

/** Ten row groups of 10 rows, the first with ids 0 to 9, and so on. */
const footer = fakeFooter(
  [
    { name: 'Id', type: int, physicalType: 'int32', nullable: false },
    { name: 'Salary', type: int, physicalType: 'int32' },
  ],
  Array.from({ length: 10 }, (_, group) => ({
    rowCount: 10,
    decodedBytes: 100,
    statistics: {
      Id: { min: int32Bytes(group * 10), max: int32Bytes(group * 10 + 9) },
      Salary: { min: int32Bytes(900 - group * 100), max: int32Bytes(999 - group * 100) },
    },
  })),
)

function setUp(options: { readonly fail?: GatewayError; readonly keys?: TicketKeys } = {}) {
  const table = memoryTable()
  const { catalog, footers } = table
  table.put('tables/Orders/region=EU/a.parquet', footer)
  table.put('tables/Orders/region=US/b.parquet', footer)
  table.put('tables/people/a.parquet', footer)
  table.putInto('lake-b', 'tables/hidden/a.parquet')
  table.putInto('lake-c', 'tables/other/a.parquet')
  const reported: HiddenError[] = []
  const scanned: ScanRequest[] = []
  const keys = options.keys ?? new TicketKeys([key(1)])
  const clock = { nowMs }
  const planning = { catalog, footers, keys, nowMs: () => clock.nowMs }
  const parts = {
    catalog,
    planPage: (...asked: readonly [Parameters<typeof planSplits>[0], AbortSignal]) =>
      planSplits(asked[0], { ...planning, options: { splitBytesTarget: 200 } }, asked[1]),
    planTable: (...asked: readonly [Parameters<typeof planTable>[0], AbortSignal]) =>
      planTable(asked[0], planning, asked[1]),
    scan: (request: ScanRequest): AsyncIterable<Frame> => {
      scanned.push(request)
      const next = async () => {
        if (options.fail) throw options.fail
        return { done: true, value: undefined } as const
      }
      return { [Symbol.asyncIterator]: () => ({ next }) }
    },
    parseRowFilter: (text: string, description: Parameters<typeof tableFields>[0]) =>
      parseFilter(text, tableFields(description)),
    admission: new CallerAdmission({ nowMs: () => 0 }),
    seenTables: new SeenTables(() => clock.nowMs),
    report: (hidden: HiddenError) => void reported.push(hidden),
    keys,
    nowMs: () => clock.nowMs,
  }
  const access = (caller: Caller) => accessOf(caller, parts)
  const queries = (caller: Caller) => {
    const own = access(caller)
    const more = { parseFilter, ticketTtlMs: 60_000, nowMs: () => clock.nowMs }
    return tableQueries({ ...own, ...more, plan: own.planTable })
  }
  return { ...table, access, queries, scanned, reported, clock }
}

const scanOf = (split: Split, more: Partial<ScanRequest> = {}): ScanRequest => ({
  split,
  columns: [{ field: { name: 'id', type: int, nullable: true }, from: { kind: 'file' } }],
  frames: frameLimits([]),
  ...more,
})

async function drain(frames: AsyncIterable<Frame>): Promise<void> {
  for await (const frame of frames) frame.release()
}

t.test('a denied table is one that is not there, and nobody is asked about it', async (t) => {
  const { access, store } = setUp()
  const caller = madeCaller('etl', { tables: ['lake-a.orders', 'lake-a.missing'] })
  const { catalog, planTable: plan, planPage, scan } = access(caller)
  const people = { schema: 'Lake-A', table: 'People' }
  const denied = { code: 'table_not_found', message: 'there is no table Lake-A.People' }
  store.reset()
  const whole = { table: people, predicate: predicateTrue }
  await t.rejects(catalog.describeTable(people, signal), denied)
  await t.rejects(plan({ ...whole, rowsMax: Infinity, partsMax: 1 }, signal), denied)
  await t.rejects(planPage({ ...whole, splitsMax: 1, pageBytesMax: 1000 }, signal), denied)
  const split = {
    ...whole,
    bucket: 'lake-a',
    prefix: '',
    files: [],
    partitionColumns: [],
    expiresMs: 0,
  }
  await t.rejects(drain(scan(scanOf(split), signal)), denied)
  await t.rejects(catalog.listTables('lake-b', signal), {
    code: 'table_not_found',
    message: 'there is no schema lake-b',
  })
  t.strictSame([store.lists.length, store.reads.length], [0, 0])
  const missing = { schema: 'lake-a', table: 'missing' }
  await t.rejects(catalog.describeTable(missing, signal), {
    code: 'table_not_found',
    message: 'there is no table lake-a.missing',
  })
})

t.test('a table of a schema that is not there tells nothing of the schema', async (t) => {
  const { access } = setUp()
  const { catalog } = access(madeCaller('etl'))
  for (const schema of ['lake-a', 'lake-nowhere']) {
    await t.rejects(catalog.describeTable({ schema, table: 'x' }, signal), {
      message: `there is no table ${schema}.x`,
    })
  }
})

t.test('schemas without a visible table are not listed', async (t) => {
  const { access } = setUp()
  const list = (...tables: string[]) =>
    access(madeCaller('etl', { tables })).catalog.listSchemas(signal)
  t.strictSame(await list('lake-a.orders', 'lake-c.not_there'), ['lake-a'])
  t.strictSame(await list('lake-c.other', 'lake-a.people'), ['lake-a', 'lake-c'])
  t.strictSame(await list(), [])
  const { catalog } = access(madeCaller('etl', { tables: ['lake-a.orders'] }))
  t.strictSame(await catalog.listTables('LAKE-A', signal), ['orders'])
  t.strictSame(await access(anonymous).catalog.listSchemas(signal), ['lake-a', 'lake-b', 'lake-c'])
})

t.test('a denied column is in no schema, no suggestion, no filter and no order', async (t) => {
  const { access, queries, scanned } = setUp()
  const caller = madeCaller('etl', { denied: ['salary', 'region'] })
  const facts = await queries(caller).describe(orders, signal)
  t.strictSame(
    facts.fields.map(({ name }) => name),
    ['Id'],
  )
  t.strictSame(facts.partitionColumns, [])
  t.match(facts, { fileCount: 2, rowCount: 200, partitionCount: null, conflicts: [] })
  const unknown = { code: 'invalid_request', message: /no column "salar(y|x)"$/ }
  for (const name of ['salary', 'salarx']) {
    await t.rejects(queries(caller).plan({ table: orders, columns: [name] }, signal), unknown)
    await t.rejects(queries(caller).plan({ table: orders, filter: `${name} > 1` }, signal), unknown)
    const { scan, planPage } = access(caller)
    const page = await planPage(
      { table: orders, predicate: predicateTrue, splitsMax: 1, pageBytesMax: 1000 },
      signal,
    )
    const split = page.splits[0]?.split
    if (!split) throw new Error('no split')
    const column = { name, type: int, nullable: true }
    const predicate = parseFilter(`${name} > 1`, [column])
    const asked: readonly Partial<ScanRequest>[] = [
      { columns: [{ field: column, from: { kind: 'file' } }] },
      {
        columns: [
          { field: { ...column, name: 'id' }, from: { kind: 'partition', partition: name } },
        ],
      },
      { predicate },
      { top: { rows: 1, order: [{ column: name, descending: true, nullsFirst: true }] } },
    ]
    for (const more of asked) await t.rejects(drain(scan(scanOf(split, more), signal)), unknown)
    const request = { table: orders, predicate, splitsMax: 1, pageBytesMax: 1000 }
    await t.rejects(planPage(request, signal), unknown)
  }
  t.equal(scanned.length, 0)
})

t.test('a row filter is part of plans, of scans and of every number', async (t) => {
  const { queries, scanned } = setUp()
  const caller = madeCaller('etl', { rowFilter: "id < 20 and region = 'EU'" })
  const facts = await queries(caller).describe(orders, signal)
  t.match(facts, { fileCount: null, fileBytes: null, rowCount: null, partitionCount: null })
  const plan = await queries(caller).plan({ table: orders, limit: 5, endpoints: 4 }, signal)
  t.equal(plan.rowCount, null)
  t.match(plan.endpoints, [{ rowCount: null, rowGroupCount: 2, decodedBytes: null }])
  const { notApplied, ...numbers } = plan.ledger
  const told = Object.entries(numbers).filter(([, number]) => number !== 0)
  t.strictSame(
    told.filter(([name]) => name !== 'ticketBytes'),
    [
      ['filesKept', 1],
      ['rowGroupsKept', 2],
      ['splits', 1],
    ],
  )
  t.strictSame(notApplied, [])
  const [{ ticket } = { ticket: Buffer.of() }] = plan.endpoints
  await drain((await queries(caller).read(ticket, signal)).frames)
  t.match(scanned, [{ rowLimit: 5, rowFilter: { kind: 'and' } }])
  t.equal(scanned[0]?.predicate, undefined)
})

t.test(
  'a plan under a row filter tells nothing of statistics that the caller asks about',
  async (t) => {
    const { queries } = setUp()
    const caller = madeCaller('etl', { rowFilter: 'id < 50' })
    const kept = async (filter: string) => {
      const { ledger, endpoints } = await queries(caller).plan(
        { table: orders, filter, endpoints: 9 },
        signal,
      )
      return [ledger.rowGroupsKept, ledger.filesKept, endpoints.length]
    }
    const whole = await kept('id = id')
    t.strictSame(whole, [10, 2, 9])
    for (const salary of [0, 450, 950, 2_000]) t.strictSame(await kept(`salary > ${salary}`), whole)
    t.strictSame(await kept("region = 'EU'"), [5, 1, 5], 'folders are another thing')
    const { ledger } = await queries(anonymous).plan(
      { table: orders, filter: 'salary > 950' },
      signal,
    )
    t.equal(ledger.rowGroupsKept, 2)
  },
)

t.test('a row filter that does not fit the table is an error, never no filter', async (t) => {
  const { queries, reported } = setUp()
  const caller = madeCaller('etl', { rowFilter: 'secret_column = 7' })
  const refused = {
    code: 'unsupported',
    message: 'the rules for lake-a.orders do not fit its columns; ask the operator of the gateway',
    cause: undefined,
  }
  await t.rejects(queries(caller).describe(orders, signal), refused)
  await t.rejects(queries(caller).plan({ table: orders }, signal), refused)
  await t.rejects(queries(caller).readTable({ table: orders }, signal), refused)
  t.match(reported[0], { caller: 'etl', table: orders, error: { message: /secret_column/ } })
})

t.test('errors name no key, no column and no value to who sees a table in part', async (t) => {
  const fail = new GatewayError('object_changed', 'lake-a/tables/Orders/region=US/b was changed', {
    cause: 'region=US',
  })
  for (const rights of [{ rowFilter: 'id < 5' }, { denied: ['region'] }]) {
    const { queries, reported } = setUp({ fail })
    const read = await queries(madeCaller('etl', rights)).readTable({ table: orders }, signal)
    await t.rejects(drain(read.frames), {
      code: 'object_changed',
      message: 'files of lake-a.orders were changed; plan again',
      cause: undefined,
    })
    t.strictSame(
      reported.map(({ error }) => error),
      [fail],
    )
  }
  const { queries } = setUp({ fail })
  const read = await queries(madeCaller('etl')).readTable({ table: orders }, signal)
  await t.rejects(drain(read.frames), fail)
})

t.test('a ticket is its caller’s, for the rights it was made under', async (t) => {
  const keys = new TicketKeys([key(1)])
  const { queries, access, store, clock } = setUp({ keys })
  const rights = { rowFilter: 'id < 5' }
  const [etl, other] = [madeCaller('etl', rights), madeCaller('other', rights)]
  const { endpoints, expiresMs } = await queries(etl).plan({ table: orders }, signal)
  const [{ ticket } = { ticket: Buffer.of() }] = endpoints
  queries(etl).check(ticket)
  store.reset()
  const forged = Uint8Array.from(ticket)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  const messages = [() => queries(other).check(ticket), () => queries(etl).check(forged)].map(
    messageOf,
  )
  t.match(messages[0], /not one of this gateway's/)
  t.equal(messages[0], messages[1], 'no different from a forged one')
  for (const use of [
    () => queries(other).renew(ticket),
    () => queries(anonymous).check(ticket),
    () => access(other).openTicket(ticket),
  ]) {
    t.equal(messageOf(use), messages[0])
  }
  await t.rejects(queries(other).read(ticket, signal), { message: messages[0] ?? '' })
  const changed = /what the caller may see of lake-a\.orders was changed; plan again$/
  for (const now of [
    { rowFilter: 'id < 6' },
    { ...rights, denied: ['salary'] },
    {},
    { tables: [] },
  ]) {
    await t.rejects(queries(madeCaller('etl', now)).read(ticket, signal), {
      code: 'invalid_request',
      message: changed,
    })
  }
  t.strictSame([store.lists.length, store.reads.length], [0, 0])
  const rotated = setUp({ keys: new TicketKeys([key(2), key(1)]) })
  rotated.queries(etl).check(ticket)
  t.match(
    messageOf(() =>
      setUp({ keys: new TicketKeys([key(2)]) })
        .queries(etl)
        .check(ticket),
    ),
    /not one of/,
  )
  const renewed = queries(etl).renew(ticket)
  t.match(
    messageOf(() => queries(other).check(renewed.ticket)),
    /not one of/,
  )
  clock.nowMs = expiresMs
  t.match(
    messageOf(() => queries(etl).check(ticket)),
    /expired/,
  )
})

t.test('a page of a plan goes on for its caller alone, under the same rights', async (t) => {
  const { access } = setUp()
  const request = { table: orders, predicate: predicateTrue, splitsMax: 1, pageBytesMax: 10_000 }
  const rights = { denied: ['salary'] }
  const { continuation = '' } = await access(madeCaller('etl', rights)).planPage(request, signal)
  const goOn = (caller: Caller) => access(caller).planPage({ ...request, continuation }, signal)
  t.equal((await goOn(madeCaller('etl', rights))).splits.length, 1)
  const refused = { code: 'invalid_request' }
  await t.rejects(goOn(madeCaller('other', rights)), { ...refused, message: /not one of/ })
  await t.rejects(goOn(madeCaller('etl')), { ...refused, message: /was changed; plan again$/ })
})

t.test('the rights at reading are those of now, whatever the ticket says to read', async (t) => {
  const { access, scanned } = setUp()
  const caller = madeCaller('etl', { rowFilter: 'id < 5' })
  const request = { table: orders, predicate: predicateTrue, splitsMax: 1, pageBytesMax: 10_000 }
  const [planned] = (await access(caller).planPage(request, signal)).splits
  if (!planned) throw new Error('no split')
  const split = access(caller).openTicket(planned.ticket)
  await drain(access(caller).scan(scanOf(split), signal))
  t.match(scanned[0]?.rowFilter, { kind: 'in_domain', column: 'Id' })
  await drain(access(madeCaller('etl', { rowFilter: 'salary = 1' })).scan(scanOf(split), signal))
  t.match(scanned[1]?.rowFilter, { kind: 'in_domain', column: 'Salary' })
})

t.test(
  'a table is described once for many reads, and again for a column that is new',
  async (t) => {
    const { access, store, put, clock } = setUp()
    const caller = madeCaller('etl', { rowFilter: 'id < 5' })
    const request = { table: orders, predicate: predicateTrue, splitsMax: 1, pageBytesMax: 10_000 }
    const [planned] = (await access(caller).planPage(request, signal)).splits
    if (!planned) throw new Error('no split')
    const { split } = planned
    await drain(access(caller).scan(scanOf(split), signal))
    store.reset()
    await drain(access(caller).scan(scanOf(split), signal))
    await drain(access(madeCaller('other', { rowFilter: 'id < 5' })).scan(scanOf(split), signal))
    t.equal(store.lists.length, 0, 'who may see the same shares it')
    await drain(access(madeCaller('other', { rowFilter: 'id < 6' })).scan(scanOf(split), signal))
    t.not(store.lists.length, 0, 'who may see something else does not')
    const fresh = { name: 'fresh', type: int, nullable: true }
    const columns = [{ field: fresh, from: { kind: 'file' as const } }]
    await t.rejects(drain(access(caller).scan(scanOf(split, { columns }), signal)), /no column/)
    put('tables/Orders/region=US/c.parquet', fakeFooter([{ ...fresh, physicalType: 'int32' }], []))
    await drain(access(caller).scan(scanOf(split, { columns }), signal))
    store.reset()
    clock.nowMs += 60_000
    await drain(access(caller).scan(scanOf(split), signal))
    t.not(store.lists.length, 0, 'a minute later')
  },
)

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof GatewayError ? error.message : String(error)
  }
  return 'it worked'
}
