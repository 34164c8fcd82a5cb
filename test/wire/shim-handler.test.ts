import { status } from '@grpc/grpc-js'
import { Float64, Table, vectorFromArray } from 'apache-arrow'
import t from 'tap'
import { createHandler } from '../../shim-lambda/handler.ts'
import {
  blocksOf,
  fakeSchemas,
  statusError,
  type FakeGatewayScript,
} from '../support/fake-gateway.ts'
import {
  ask,
  constraints,
  head,
  identity,
  inlineSplit,
  plainRows,
  readRequest,
  rowsOf,
  schema,
  start,
  table,
  tableName,
  type WireAnswer,
} from './shim-stage.ts'

t.test('answers Ping alone, without settings or a gateway', async (t) => {
  const lines: string[] = []
  const handler = createHandler({ environment: {}, log: (line) => void lines.push(line) })
  t.equal(
    JSON.stringify(
      await handler({ '@type': 'PingRequest', identity: null, catalogName: 'c', queryId: 'q' }),
    ),
    '{"@type":"PingResponse","catalogName":"c","queryId":"q","sourceType":"spillway","capabilities":24,"serDeVersion":5}',
  )
  await t.rejects(handler({ '@type': 'ListSchemasRequest', ...head }), {
    message: /^invalid_request: .*SPILLWAY_GATEWAY is not set/,
  })
  t.equal(lines.length, 2)
})

t.test('answers the metadata calls', async (t) => {
  const capabilities = [
    { name: 'supports_limit_pushdown', optimizations: [{ subType: 'integer_constant' }] },
  ] as unknown as FakeGatewayScript['capabilities']
  const { gateway, handler } = await start(t, { capabilities })
  t.strictSame(await ask(handler, { '@type': 'GetDataSourceCapabilitiesRequest', ...head }), {
    '@type': 'GetDataSourceCapabilitiesResponse',
    catalogName: 'minio',
    capabilities: { supports_limit_pushdown: [{ subType: 'integer_constant', properties: [] }] },
  })
  t.strictSame(await ask(handler, { '@type': 'ListSchemasRequest', ...head }), {
    '@type': 'ListSchemasResponse',
    catalogName: 'minio',
    schemas: fakeSchemas,
  })
  const described = await ask(handler, {
    '@type': 'GetTableRequest',
    ...head,
    tableName,
    queryPassthroughArguments: {},
  })
  t.strictSame(described.schema, schema)
  t.strictSame(described.tableName, tableName)
  t.strictSame(described.partitionColumns, [])
  t.match(gateway.calls[2]?.request, {
    context: {
      queryId: 'q-1',
      catalog: 'minio',
      principal: identity.arn,
      account: identity.account,
    },
    schema: 'sales-lake',
    table: 'orders',
  })
})

t.test('lists tables by pages, and all of them for page size -1', async (t) => {
  const { handler } = await start(t)
  const request = { '@type': 'ListTablesRequest', ...head, schemaName: 'sales-lake' }
  const names = (answer: WireAnswer): string[] => answer.tables.map((name) => name.tableName)
  const all = await ask(handler, { ...request, nextToken: null, pageSize: -1 })
  t.strictSame(names(all), ['customers', 'orders', 'returns'])
  t.equal(all.nextToken, null)
  t.strictSame(await ask(handler, request), all)
  const first = await ask(handler, { ...request, nextToken: null, pageSize: 2 })
  t.strictSame(names(first), ['customers', 'orders'])
  const last = await ask(handler, { ...request, nextToken: first.nextToken, pageSize: 2 })
  t.strictSame(names(last), ['returns'])
  t.equal(last.nextToken, null)
  await t.rejects(handler({ ...request, pageSize: -2 }), { code: 'invalid_request' })
})

t.test('lays every table out as one partition without asking the gateway', async (t) => {
  const { gateway, handler } = await start(t)
  const answer = await ask(handler, { '@type': 'GetTableLayoutRequest', ...head, tableName })
  const { partitions } = answer
  const rows = rowsOf(partitions.schema, Buffer.from(partitions.records, 'base64'))
  t.strictSame(rows, [{ partitionId: 1 }])
  t.equal(gateway.calls.length, 0)
})

t.test('plans pages of 1,000 splits that fit a response, constraints as they came', async (t) => {
  const { gateway, handler } = await start(t, { splitCount: 1_500 })
  const request = { '@type': 'GetSplitsRequest', ...head, tableName, constraints }
  const first = await ask(handler, { ...request, continuationToken: null })
  const second = await ask(handler, { ...request, continuationToken: first.continuationToken })
  t.equal(first.splits.length, 1_000)
  t.equal(second.splits.length, 500)
  t.equal(second.continuationToken, null)
  t.equal(first.splits[0]?.spillLocation, null, 'no bucket, no place to spill to')
  const [call] = gateway.calls
  const planned = call?.request as { constraintsJson: string; pageBytesMax: number }
  t.strictSame(JSON.parse(planned.constraintsJson), constraints)
  t.ok(planned.pageBytesMax > 3_500_000 && planned.pageBytesMax < 4_425_000)
})

t.test('answers inline under the schema as the request spelt it', async (t) => {
  const { gateway, handler, lines } = await start(t)
  const { '@type': type, records } = await ask(handler, readRequest({ split: inlineSplit }))
  t.equal(type, 'ReadRecordsResponse')
  t.equal(records.schema, schema)
  const rows = rowsOf(schema, Buffer.from(records.records, 'base64'))
  t.strictSame(rows, plainRows(table))
  const read = gateway.calls[0]?.request as Record<string, unknown>
  t.strictSame(Buffer.from(read['ticket'] as Uint8Array).toString('base64url'), '-__-MA')
  t.equal(read['blockBytesTarget'], 13_000_000)
  t.equal(read['blockBytesMax'], 15_934_464)
  t.match(lines, [{ type: 'ReadRecordsRequest', queryId: 'q-1', rows: 6, spilled: 0 }])
})

t.test('answers no rows with an empty block, even when nothing may be inline', async (t) => {
  const { handler } = await start(t, { blocks: () => [] })
  const event = readRequest({ split: inlineSplit, maxInlineBlockSize: '0' })
  const answer = await ask(handler, event)
  t.strictSame(answer.records, { aId: 'spillway', schema, records: '' })
})

t.test('keeps blocks within what Athena asks and MAX_BLOCK_SIZE_BYTES allows', async (t) => {
  const limits = async (asked: string, settings: Record<string, string>) => {
    const { gateway, handler } = await start(t, { blocks: () => [] }, settings)
    await handler(readRequest({ split: inlineSplit, maxBlockSize: asked }))
    const read = (gateway.calls[0]?.request ?? {}) as Record<string, number>
    return [read['blockBytesTarget'], read['blockBytesMax']]
  }
  t.strictSame(await limits('8000000', {}), [7_934_464, 7_934_464])
  t.strictSame(await limits('64000000', {}), [13_000_000, 15_934_464])
  t.strictSame(await limits('800', {}), [700, 700])
  t.strictSame(await limits('16000000', { MAX_BLOCK_SIZE_BYTES: '5000' }), [5_000, 5_000])
})

t.test('names spill_bucket when the rows need one and there is none', async (t) => {
  const { gateway, handler } = await start(t, { blocks: () => blocksOf(table, 2) })
  await t.rejects(handler(readRequest({ split: inlineSplit })), {
    message: /^too_large: .*sales-lake\.orders.*spill_bucket is not set/,
  })
  t.equal(gateway.calls.length, 1)
})

t.test('throws what the gateway says, with the request id, and logs it', async (t) => {
  const { handler, lines } = await start(t, {
    before: () => {
      throw statusError(status.ABORTED, 'object_changed', 'object_changed: a.parquet is at "v2"')
    },
  })
  const context = { awsRequestId: 'r-9', getRemainingTimeInMillis: () => 30_000 }
  await t.rejects(handler(readRequest({ split: inlineSplit }), context), {
    name: 'com.amazonaws.athena.connector.lambda.exceptions.AthenaConnectorException',
    message: 'object_changed: a.parquet is at "v2" (request r-9)',
  })
  t.match(lines, [{ requestId: 'r-9', error: 'object_changed: a.parquet is at "v2"' }])
})

t.test("passes the invocation's time left on as the deadline, less a margin", async (t) => {
  const { gateway, handler } = await start(t, {
    before: () => new Promise((resolve) => setTimeout(resolve, 3_000)),
  })
  const context = { getRemainingTimeInMillis: () => 1_600 }
  await t.rejects(handler({ '@type': 'ListSchemasRequest', ...head }, context), {
    message: /^deadline_exceeded: /,
  })
  t.equal(gateway.calls.length, 1)
})

t.test('refuses what it cannot understand in one clear line', async (t) => {
  const { gateway, handler, lines } = await start(t)
  const circular: Record<string, unknown> = { '@type': 'PingRequest' }
  circular['self'] = circular
  const wrong: [unknown, RegExp][] = [
    [{ '@type': '__proto__' }, /^invalid_request: the event's @type is "__proto__", expected one/],
    [{ '@type': 'constructor' }, /^invalid_request: the event's @type is "constructor"/],
    [{ '@type': 'UserDefinedFunctionRequest' }, /^invalid_request: the event's @type is "User/],
    [{ '@type': 'x\ny'.repeat(500) }, /^invalid_request: the event's @type is "x y[^\n]{1,300}$/],
    [{ '@type': 7 }, /^invalid_request: the event's @type is missing or not a string/],
    [Object.create({ '@type': 'PingRequest' }), /^invalid_request: the event's @type is missing/],
    [null, /^invalid_request: the event is missing, expected an object/],
    [[], /^invalid_request: the event is an array/],
    ['PingRequest', /^invalid_request: the event is a string/],
    [undefined, /^invalid_request: the event is missing/],
    [circular, /^invalid_request: the event is not JSON/],
    [
      { '@type': 'PingRequest', more: 'x'.repeat(6_291_556) },
      /^too_large: the event has 6291589 bytes/,
    ],
    [{ '@type': 'GetTableRequest' }, /^invalid_request: GetTableRequest\.tableName is missing/],
    [readRequest({}), /^invalid_request: ReadRecordsRequest\.split is missing/],
    [
      readRequest({ split: inlineSplit, schema: { schema } }),
      /^invalid_request: ReadRecordsRequest\.schema is an object, expected a string/,
    ],
    [
      readRequest({ split: inlineSplit, maxBlockSize: '16 MB' }),
      /^invalid_request: ReadRecordsRequest\.maxBlockSize is a string, expected a whole number/,
    ],
    [
      {
        '@type': 'GetTableRequest',
        tableName,
        queryPassthroughArguments: { schemaFunctionName: 'SYSTEM.QUERY' },
      },
      /^unsupported: query passthrough/,
    ],
  ]
  for (const [event, message] of wrong)
    await t.rejects(handler(event), { message }, message.toString())
  t.equal(gateway.calls.length, 0)
  t.equal(lines.length, wrong.length)
})

t.test('refuses to hand Lambda a response it cannot carry', async (t) => {
  const wide = new Table({ ['x'.repeat(4_500_000)]: vectorFromArray([1], new Float64()) })
  const { handler } = await start(t, { table: wide })
  await t.rejects(handler({ '@type': 'GetTableRequest', ...head, tableName }), {
    message: /^too_large: the GetTableResponse has \d+ bytes/,
  })
})
