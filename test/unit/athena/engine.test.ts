import { Field, Int32, Schema, Utf8 } from 'apache-arrow'
import t from 'tap'
import { decodeBlock, encodeBlock } from '../../../service/athena/arrow-blocks.ts'
import { brokenRule } from '../../../service/athena/broken-rule.ts'
import { athena } from '../../../service/athena/engine.ts'
import type { AthenaOptions } from '../../../service/athena/engine.ts'
import { invokeInProcess } from '../../../service/athena/invoke.ts'
import type { QueryRequest } from '../../../service/athena/query.ts'
import { cellReader, rowFormatter } from '../../../service/athena/rows.ts'
import type { Value } from '../../../service/athena/rows.ts'
import type { Serde } from '../../../service/athena/responses.ts'
import type { Where } from '../../../service/athena/where.ts'
import {
  mapSpillReader,
  referenceConnector,
  referenceRow,
  referenceSchema,
  referenceTables,
} from '../../support/reference-connector.ts'
import type { ReferenceEvent, ReferenceOptions } from '../../support/reference-connector.ts'

const never = new AbortController().signal

function engine(reference: Partial<ReferenceOptions> = {}, options: Partial<AthenaOptions> = {}) {
  const objects = new Map<string, Uint8Array>()
  const invoke = invokeInProcess(referenceConnector({ objects, ...reference }))
  return athena({ invoke, spills: mapSpillReader(objects), ...options })
}

async function select(
  request: Omit<QueryRequest, 'schema' | 'table'>,
  reference: Partial<ReferenceOptions> = {},
  options: Partial<AthenaOptions> = {},
) {
  const asked = { schema: 'reference', table: 'all_types', ...request }
  const result = await engine(reference, options).query(asked, never)
  const format = rowFormatter(result.columns)
  const values: Value[][] = []
  for await (const row of result.rows()) values.push(row)
  return { result, values, lines: values.map(format), statistics: result.statistics }
}

const allRows = Array.from({ length: 30 }, (_, n) => referenceRow(n))
const allLines = allRows.map(rowFormatter(referenceSchema.fields))

t.test('lists schemas and tables, paged or at once', async (t) => {
  const box = engine()
  t.strictSame(await box.listSchemas(never), ['reference', 'other'])
  t.strictSame(await box.listTables({ schema: 'reference' }, never), referenceTables)
  t.strictSame(await box.listTables({ schema: 'reference', pageSize: 2 }, never), referenceTables)
  t.equal((await box.ping(never)).serDeVersion, 5)
  t.equal((await box.capabilities(never)).size, 0)
  const table = await box.getTable({ schema: 'reference', table: 'all_types' }, never)
  t.equal(table.schema.fields.length, referenceSchema.fields.length)
})

for (const serde of [2, 3, 4, 5, 6] as const satisfies readonly Serde[])
  for (const [how, spilledBlocks] of [
    ['inline', 0],
    ['spilled', 2],
  ] as const)
    t.test(`reads every row of every type, serde ${serde}, ${how}`, async (t) => {
      const { lines, statistics, result } = await select({}, { spilledBlocks }, { serde })
      t.strictSame(lines, allLines)
      t.strictSame(result.warnings, [])
      t.match(statistics, {
        splits: 3,
        pages: 2,
        partitions: 1,
        inlineBlocks: spilledBlocks === 0 ? 3 : 0,
        spilledBlocks: 3 * spilledBlocks,
        rows: 30,
        returnedRows: 30,
        overReturnedRows: 0,
        retries: 0,
      })
      t.strictSame(statistics.invocations, {
        PingRequest: 1,
        ...(serde >= 4 && { GetDataSourceCapabilitiesRequest: 1 }),
        GetTableRequest: 1,
        GetTableLayoutRequest: 1,
        GetSplitsRequest: 2,
        ReadRecordsRequest: 3,
      })
    })

for (const keyBytes of [0, 16, 24, 32] as const)
  t.test(`opens spilled blocks with a key of ${keyBytes} bytes`, async (t) => {
    const { lines, statistics } = await select({}, { spilledBlocks: 3, keyBytes })
    t.strictSame(lines, allLines)
    t.equal(statistics.spilledBlocks, 9)
    t.ok(statistics.spilledBytes > 0)
  })

t.test('reads columns in the order asked for, and none at all', async (t) => {
  const two = await select({ columns: ['name', 'id'] })
  t.equal(two.lines[1], '{"name":"name 1","id":1}')
  t.strictSame(
    two.result.columns.map(({ name, athenaType }) => [name, athenaType]),
    [
      ['name', 'varchar'],
      ['id', 'bigint'],
    ],
  )
  for (const spilledBlocks of [0, 2]) {
    const none = await select({ columns: [] }, { spilledBlocks })
    t.equal(none.lines.length, 30)
    t.equal(none.lines[0], '{}')
  }
})

const predicates: [Where, (row: Value[]) => boolean][] = [
  [{ id: 4 }, ([id]) => id === 4n],
  [{ id: { ge: 3, lt: 9 } }, ([id]) => Number(id) >= 3 && Number(id) < 9],
  [{ id: { notIn: [1, 2] } }, ([id]) => id !== 1n && id !== 2n],
  [{ name: { in: ['name 1', 'name 3'] } }, (row) => row[6] === 'name 1' || row[6] === 'name 3'],
  [{ name: { ne: 'name 1', orNull: true } }, (row) => row[6] !== 'name 1'],
  [{ name: { isNull: true } }, (row) => row[6] === null],
  [{ tags: { isNotNull: true } }, (row) => row[11] !== null],
  [{ name: { eq: 'name 2', as: 'values' } }, (row) => row[6] === 'name 2'],
  [{ name: { notIn: ['name 2'], as: 'values', orNull: true } }, (row) => row[6] !== 'name 2'],
  [{ amount: { lt: '-3' } }, (row) => row[5] !== null && Number(row[5]) < -3],
  [{ flag: true, small: { gt: 9 } }, (row) => row[2] === true && Number(row[1]) > 9],
  [{ day: { le: '2022-01-11' } }, (row) => row[8] !== null && Number(row[8]) <= 19_003],
  [{ at: '2024-02-29T12:34:56.790' }, (row) => row[9] === 1_709_210_096_790n],
  [{ zoned: { ge: '2024-02-29T12:34:56.785Z' } }, (row) => row[0] !== null && Number(row[0]) <= 4],
  [
    { id: { anyOf: [{ gt: 20 }, { le: 2 }, { gt: 1, le: 3 }] } },
    ([id]) => Number(id) > 20 || Number(id) <= 3,
  ],
]

for (const [where, matches] of predicates)
  t.test(`filters again what the connector returns: ${JSON.stringify(where)}`, async (t) => {
    const { lines, statistics } = await select({ where })
    const expected = allLines.filter((_, n) => matches(allRows[n] ?? []))
    t.ok(expected.length > 0 && expected.length < 30, 'the predicate divides the rows')
    t.strictSame(lines, expected)
    t.equal(statistics.overReturnedRows, 30 - expected.length)
  })

t.test('fetches columns that only the filter needs, and does not show them', async (t) => {
  const { lines } = await select({ columns: ['id'], where: { name: 'name 1', flag: true } })
  t.strictSame(lines, ['{"id":16}', '{"id":26}'])
})

t.test('stops reading once it has enough rows', async (t) => {
  const { lines, statistics } = await select({ limit: 5 })
  t.strictSame(lines, allLines.slice(0, 5))
  t.equal(statistics.invocations['ReadRecordsRequest'], 1)
  const none = await select({ limit: 0 })
  t.strictSame(none.lines, [])
  t.equal(none.statistics.invocations['ReadRecordsRequest'], undefined)
  const across = await select({ limit: 25 })
  t.strictSame(across.lines, allLines.slice(0, 25))
})

t.test(
  'pushes a limit down only to connectors that obey it, and never below a filter',
  async (t) => {
    const limits: unknown[] = []
    const defect = {
      answer(answer: Record<string, unknown>, event: ReferenceEvent) {
        if (event['@type'] === 'ReadRecordsRequest') limits.push(event.constraints.limit)
        return answer
      },
    }
    await select({ limit: 3 }, { defect })
    await select({ limit: 3 }, { defect, obeysLimit: true })
    await select({ limit: 1, where: { id: 3 } }, { defect, obeysLimit: true })
    t.strictSame(limits, [-1, 3, -1])
  },
)

t.test(
  'sorts by itself what it wants in an order, and hands that down where it is taken',
  async (t) => {
    const asked: unknown[] = []
    const defect = {
      answer(answer: Record<string, unknown>, event: ReferenceEvent) {
        if (event['@type'] === 'ReadRecordsRequest') asked.push(event.constraints)
        if (event['@type'] === 'GetDataSourceCapabilitiesRequest') {
          const optimizations = [{ subType: 'SUPPORTS_ORDER_BY', properties: [] }]
          return { ...answer, capabilities: { supports_top_n_pushdown: optimizations } }
        }
        return answer
      },
    }
    const orderBy = [
      { column: 'name', descending: true },
      { column: 'id', nullsFirst: true },
    ]
    const request = { columns: ['id'], orderBy, limit: 4 }
    const names = allRows
      .filter((row) => row[6] !== null)
      .map((row) => [row[6] as string, Number(row[0])] as const)
    const best = names.toSorted(([name, id], [other, otherId]) =>
      name < other ? 1 : name === other ? id - otherId : -1,
    )
    const wanted = best.slice(0, 4).map(([, id]) => `{"id":${id}}`)
    const { lines, statistics } = await select(request)
    t.strictSame(lines, wanted)
    t.equal(statistics.rows, 4)
    const pushed = await select(request, { defect })
    t.strictSame(pushed.lines, wanted)
    t.match(asked[0], {
      limit: 4,
      orderByClause: [
        { columnName: 'name', direction: 'DESC_NULLS_LAST' },
        { columnName: 'id', direction: 'ASC_NULLS_FIRST' },
      ],
    })
    await select({ ...request, where: { id: { ge: 0 } } }, { defect })
    t.match(asked.at(-1), { limit: -1, orderByClause: [] }, 'not below a filter')
    const code = 'invalid_request'
    await t.rejects(select({ orderBy }), { code }, 'without a limit')
    await t.rejects(select({ ...request, orderBy: [{ column: 'tags' }] }), { code })
    await t.rejects(select({ ...request, orderBy: [{ column: 'nobody' }] }), { code })
  },
)

t.test('leaving early stops reading', async (t) => {
  const result = await engine({ splitCount: 20 }).query(
    { schema: 'reference', table: 'all_types' },
    never,
  )
  for await (const batch of result.batches()) {
    t.equal(batch.rowCount, 10)
    break
  }
  t.ok((result.statistics.invocations['ReadRecordsRequest'] ?? 0) <= 5)
  t.throws(() => result.batches(), { code: 'invalid_request' }, 'rows can be read only once')
})

t.test('reads no more splits at once than allowed', async (t) => {
  let running = 0
  let most = 0
  const connector = referenceConnector({ objects: new Map(), splitCount: 12 })
  const invoke = invokeInProcess(async (event, context) => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    return connector(event, context)
  })
  const { lines } = await select({}, {}, { invoke, limits: { parallel: 3 } })
  t.equal(lines.length, 120)
  t.equal(most, 3)
})

t.test('tries throttled requests again, a bounded number of times', async (t) => {
  let failures = 0
  const throttled = (times: number) => ({
    throws(event: ReferenceEvent) {
      if (event['@type'] !== 'ReadRecordsRequest' || failures >= times) return undefined
      failures += 1
      return Object.assign(new Error('slow down'), {
        name: 'com.amazonaws.athena.connector.lambda.exceptions.FederationThrottleException',
      })
    },
  })
  const retry = { attempts: 3, delayMs: 1, delayMsMax: 1 }
  const again = await select({}, { defect: throttled(2), splitCount: 1 }, { retry })
  t.equal(again.statistics.retries, 2)
  t.equal(again.statistics.invocations['ReadRecordsRequest'], 3)
  t.equal(again.lines.length, 10)
  failures = 0
  await t.rejects(select({}, { defect: throttled(3), splitCount: 1 }, { retry }), { code: 'busy' })
})

t.test('reports what the connector says when it fails, once', async (t) => {
  let calls = 0
  const defect = {
    throws(event: ReferenceEvent) {
      if (event['@type'] !== 'GetTableRequest') return undefined
      calls += 1
      return new Error('table not found')
    },
  }
  await t.rejects(select({}, { defect }), {
    message: 'the connector failed with Error: table not found',
    cause: { errorType: 'Error', errorMessage: 'table not found' },
  })
  t.equal(calls, 1)
})

t.test('a query can be cancelled while it reads', async (t) => {
  const controller = new AbortController()
  const result = await engine({ splitCount: 8 }).query(
    { schema: 'reference', table: 'all_types' },
    controller.signal,
  )
  await t.rejects(
    async () => {
      for await (const batch of result.batches()) {
        t.ok(batch.rowCount > 0)
        controller.abort()
      }
    },
    { code: 'cancelled' },
  )
})

t.test('refuses queries that make no sense', async (t) => {
  const code = 'invalid_request'
  await t.rejects(select({ columns: ['nothing'] }), { code })
  await t.rejects(select({ columns: ['id', 'id'] }), { code })
  await t.rejects(select({ limit: -1 }), { code })
  await t.rejects(select({ where: { nothing: 1 } }), { code })
  await t.rejects(select({ where: { id: 'one' } }), { code })
  await t.rejects(select({ where: { amount: '1.234' } }), { code })
  await t.rejects(select({ where: { name: { eq: 'a', in: ['b'] } } }), { code })
  await t.rejects(select({ where: { tags: { eq: 'a' } } }), { code })
})

t.test('drops partitions that the filter rules out, and asks for splits in batches', async (t) => {
  const asked: unknown[] = []
  const partitionSchema = new Schema([
    new Field('name', new Utf8(), true),
    new Field('opaque', new Int32(), true),
  ])
  const rows = Array.from({ length: 10 }, (_, n): Value[] => [`name ${n % 5}`, n])
  const defect = {
    answer(answer: Record<string, unknown>, event: ReferenceEvent) {
      if (answer['@type'] === 'GetTableResponse') return { ...answer, partitionColumns: ['name'] }
      if (answer['@type'] === 'GetTableLayoutResponse')
        return { ...answer, partitions: encodeBlock(partitionSchema, rows, 'modern') }
      if (answer['@type'] === 'GetSplitsResponse' && event.continuationToken === null) {
        const block = decodeBlock(event.partitions, 'the partitions')
        const cells = block.columns.map(cellReader)
        asked.push(
          Array.from({ length: block.rowCount }, (_, row) => cells.map((cell) => cell(row))),
        )
      }
      return answer
    },
  }
  const where = { name: { in: ['name 1', 'name 3'] } }
  const options = { limits: { partitionBatchRows: 3 } }
  const { statistics } = await select({ where }, { defect, splitCount: 1 }, options)
  t.strictSame(asked, [[rows[1], rows[3], rows[6]], [rows[8]]])
  t.match(statistics, { partitions: 4, splits: 2, pages: 2 })
  asked.length = 0
  await select({ where: { name: 'nowhere' } }, { defect }, options)
  t.strictSame(asked, [], 'no partition, no split')
})

t.test('refuses listings with names that no query reaches', async (t) => {
  const listing = (type: string, change: Record<string, unknown>) =>
    engine({
      defect: {
        answer: (answer) => (answer['@type'] === type ? { ...answer, ...change } : answer),
      },
    })
  const schemas = (...names: string[]) =>
    listing('ListSchemasResponse', { schemas: names }).listSchemas(never)
  const tables = (pageSize: number, change: Record<string, unknown>) =>
    listing('ListTablesResponse', change).listTables({ schema: 'reference', pageSize }, never)
  const table = (tableName: string) => ({ schemaName: 'reference', tableName })
  const ruleOf = (listed: Promise<unknown>) =>
    listed.then(
      () => 'accepted',
      (error: unknown) => brokenRule(error),
    )
  t.equal(await ruleOf(schemas('Sales')), 'names')
  t.equal(await ruleOf(schemas('a', 'a')), 'names')
  t.equal(await ruleOf(schemas('')), 'names')
  t.equal(await ruleOf(schemas('a', 'b')), 'accepted')
  t.equal(await ruleOf(tables(-1, { tables: [table('T')] })), 'names')
  t.equal(await ruleOf(tables(-1, { nextToken: 'more' })), 'paging')
  t.equal(await ruleOf(tables(2, { tables: [table('x')], nextToken: '2' })), 'paging')
  t.equal(await ruleOf(tables(1, { tables: [table('x'), table('y')] })), 'paging')
  t.equal(await ruleOf(tables(-1, { tables: [{ schemaName: 'o', tableName: 'x' }] })), 'echo')
})

t.test('tells progress', async (t) => {
  const rows: number[] = []
  await select({ onProgress: (statistics) => rows.push(statistics.rows) })
  t.strictSame(rows, [0, 0, 10, 20, 30])
})
