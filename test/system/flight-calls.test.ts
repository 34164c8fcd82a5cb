import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import t from 'tap'
import {
  CancelFlightInfoRequestSchema,
  CancelFlightInfoResultSchema,
  FlightEndpointSchema,
  FlightInfoSchema,
  FlightService,
  RenewFlightEndpointRequestSchema,
} from '../../proto/gen/arrow/flight/flight_pb.ts'
import type { ReadSplitRequest } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { decodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { scrapeMetrics } from '../../service/demo/scrape-metrics.ts'
import { goldenBytes, goldenRows } from '../support/columns-golden.ts'
import { failureOf, federationClient, readAll } from '../support/federation-client.ts'
import { commandOf, flightClient, pathOf, rowsOf } from '../support/flight-client.ts'
import { largeFile } from '../support/large-table.ts'
import { startStack } from '../support/start-stack.ts'

const { method } = FlightService
const schema = 'lake-flight'
const stack = await startStack({ gateway: { BUCKET_PREFIX: 'lake-' } })
const flight = flightClient(stack.grpc)
t.teardown(async () => {
  flight.close()
  await stack.close()
})

const put = (key: string, bytes: Uint8Array) =>
  stack.client.putObject(schema, `tables/${key}`, Buffer.from(bytes))
await stack.client.makeBucket(schema)
await put('Orders/a.parquet', goldenBytes('integers'))
for (const day of [1, 2, 3]) await put(`days/day=2026-11-0${day}/x.parquet`, goldenBytes('strings'))
const large = largeFile({ seed: 1, rowCount: 20_000, rowsPerGroup: 1_000 })
await put('large/a.parquet', large.bytes)
await put('broken/a.parquet', Buffer.from('PAR1 this is no Parquet file PAR1'))
await put('nothing/readme.txt', Buffer.from('no data'))

t.test('flights are listed by path, with the schema that their reads have', async (t) => {
  const flights = await readAll(flight.stream(method.listFlights, {}))
  t.strictSame(
    flights.map(({ flightDescriptor }) => flightDescriptor?.path.join('.')),
    ['broken', 'days', 'large', 'orders'].map((table) => `${schema}.${table}`),
  )
  const [broken, , , orders] = flights
  t.equal(broken?.schema.length, 0, 'of a broken table the schema is not known')
  const info = await flight.call(method.getFlightInfo, pathOf(schema, 'orders'))
  t.strictSame(orders?.schema, info.schema)
  t.match(orders, { totalRecords: -1n, totalBytes: -1n, flightDescriptor: { type: 1 } })
})

t.test('a listing is narrowed by criteria', async (t) => {
  const listed = async (criteria: object) => {
    const expression = Buffer.from(JSON.stringify(criteria))
    const flights = await readAll(flight.stream(method.listFlights, { expression }))
    return flights.map(({ flightDescriptor }) => flightDescriptor?.path[1])
  }
  t.strictSame(await listed({ pattern: '*R*' }), ['broken', 'large', 'orders'])
  t.strictSame(await listed({ schema: 'LAKE-flight', limit: 2 }), ['broken', 'days'])
  t.strictSame(await listed({ limit: 0 }), [])
  const refused = (criteria: object) =>
    failureOf(
      flight.stream(method.listFlights, { expression: Buffer.from(JSON.stringify(criteria)) }),
    )
  t.match(await refused({ prefix: 'x' }), { code: 'invalid_request', details: /"prefix"/ })
  t.match(await refused({ limit: 1e9 }), { code: 'invalid_request', details: /"limit"/ })
  t.match(await refused({ schema: 'lake-none' }), { code: 'table_not_found', status: 5 })
})

t.test('an info echoes its descriptor, counts exactly and names no place', async (t) => {
  for (const descriptor of [
    pathOf('LAKE-flight', 'Large'),
    commandOf({ schema, table: 'large' }),
  ]) {
    const before = Date.now()
    const info = await flight.call(method.getFlightInfo, descriptor)
    t.strictSame(info.flightDescriptor, descriptor)
    t.match(info, { totalRecords: 20_000n, totalBytes: -1n, ordered: false })
    t.equal(info.endpoint.length, 1)
    const [endpoint] = info.endpoint
    t.strictSame(endpoint?.location, [])
    t.ok(endpoint?.expirationTime && timestampMs(endpoint.expirationTime) > before)
    t.strictSame([...info.schema.subarray(0, 4)], [255, 255, 255, 255])
    t.match(JSON.parse(Buffer.from(info.appMetadata).toString()), { ledger: { rowsKept: 20_000 } })
    t.match(JSON.parse(Buffer.from(endpoint?.appMetadata ?? '').toString()), {
      rows: 20_000,
      rowGroups: 20,
    })
    const { schema: alone } = await flight.call(method.getSchema, descriptor)
    t.strictSame(alone, info.schema)
    const poll = await flight.call(method.pollFlightInfo, descriptor)
    t.strictSame(poll.info?.schema, info.schema)
    t.match(poll, { progress: 1, flightDescriptor: undefined })
    t.ok(poll.expirationTime)
  }
})

t.test('rows come as they are, in messages that every client takes', async (t) => {
  const { rows } = await flight.read({ schema, table: 'ORDERS' })
  t.strictSame(rows, goldenRows('integers'))
  const whole = await flight.read({ schema, table: 'large' })
  t.equal(whole.rows.length, 20_000)
  t.ok(whole.messageBytesMax < 2 ** 21, `${whole.messageBytesMax} bytes`)
})

t.test('columns come in the order of the request, under their own names', async (t) => {
  const { fields, rows } = await flight.read({
    schema,
    table: 'large',
    columns: ['LABEL', 'id'],
    limit: 3,
  })
  t.strictSame(
    fields.map(({ name }) => name),
    ['label', 'id'],
  )
  t.strictSame(
    rows.map(([, id]) => id),
    [0, 1, 2],
  )
  const days = await flight.read({ schema, table: 'days', columns: ['day'] })
  t.equal(new Set(days.rows.map(([day]) => day)).size, 3)
})

t.test(
  'endpoints are contiguous shares, in order, and a limit holds for all together',
  async (t) => {
    const request = { schema, table: 'large', columns: ['id'], endpoints: 4 }
    const info = await flight.info(request)
    t.match(info, { ordered: true, totalRecords: 20_000n })
    const { rows, endpointRows } = await flight.read(request)
    t.strictSame(
      rows.map(([id]) => id),
      Array.from({ length: 20_000 }, (_, id) => id),
    )
    t.strictSame(endpointRows, [5_000, 5_000, 5_000, 5_000])
    for (const [limit, expected] of [
      [12_345, [3_000, 3_000, 4_000, 2_345]],
      [5, [5]],
      [0, [0]],
    ] as const) {
      const cut = await flight.read({ ...request, limit })
      t.strictSame(cut.endpointRows, expected)
      t.strictSame(
        cut.rows.flat(),
        Array.from({ length: limit }, (_, id) => id),
      )
      t.equal((await flight.info({ ...request, limit })).totalRecords, BigInt(limit))
    }
  },
)

t.test('a filter is exact, and with a limit of one endpoint', async (t) => {
  const request = { schema, table: 'large', columns: ['id'], filter: 'id >= 3990 AND id < 9010' }
  const info = await flight.info({ ...request, endpoints: 4 })
  t.equal(info.totalRecords, -1n)
  t.equal(info.endpoint.length, 4)
  const expected = Array.from({ length: 5_020 }, (_, at) => 3_990 + at)
  const { rows } = await flight.read({ ...request, endpoints: 4 })
  t.strictSame(rows.flat(), expected)
  const limited = { ...request, endpoints: 4, limit: 1_500 }
  t.equal((await flight.info(limited)).endpoint.length, 1)
  t.strictSame((await flight.read(limited)).rows.flat(), expected.slice(0, 1_500))
})

t.test('no rows are an endpoint, a schema and a batch', async (t) => {
  for (const more of [{ filter: 'id < 0' }, { limit: 0 }, { filter: 'id < 0', limit: 0 }]) {
    const info = await flight.info({ schema, table: 'large', ...more })
    t.equal(info.endpoint.length, 1)
    const messages = await flight.messages(info.endpoint[0]?.ticket?.ticket ?? Buffer.of())
    t.equal(messages.length, 2)
    t.strictSame((await flight.read({ schema, table: 'large', ...more })).rows, [])
  }
})

t.test('a ticket may be read twice, and says the same', async (t) => {
  const info = await flight.info({ schema, table: 'large', limit: 3_000 })
  const ticket = info.endpoint[0]?.ticket?.ticket ?? Buffer.of()
  const [first, second] = await Promise.all([flight.messages(ticket), flight.messages(ticket)])
  t.strictSame(first, second)
})

t.test("Athena's splits are tickets, and tickets are Athena's splits", async (t) => {
  const federation = federationClient(stack.grpc)
  t.teardown(() => federation.close())
  const [split] = await federation.plan({ schema, table: 'large' })
  const messages = await flight.messages(split?.ticket ?? Buffer.of())
  const { schema: promised } = await flight.info({ schema, table: 'large' })
  t.strictSame(messages[0]?.dataHeader, promised.subarray(8))
  const { fields } = decodeSchemaMessage(promised)
  t.equal(messages.slice(1).flatMap((data) => rowsOf(fields, data)).length, 20_000)
  const info = await flight.info({ schema, table: 'large', limit: 10 })
  const ticket = info.endpoint[0]?.ticket?.ticket ?? Buffer.of()
  const blocks = await readAll(federation.readSplit({ ...split, ticket } as ReadSplitRequest))
  t.ok(blocks.length > 0)
})

t.test('a flight is cancelled from another call; its tickets may be read again', async (t) => {
  const info = await flight.info({ schema, table: 'large' })
  const ticket = info.endpoint[0]?.ticket?.ticket ?? Buffer.of()
  const running = flight.stream(method.doGet, { ticket })
  const failed = failureOf(new Promise((_, reject) => running.once('error', reject)))
  await new Promise((resolve) => running.once('data', resolve))
  running.pause()
  const body = toBinary(
    CancelFlightInfoRequestSchema,
    create(CancelFlightInfoRequestSchema, { info }),
  )
  const cancel = flight.stream(method.doAction, { type: 'CancelFlightInfo', body })
  const [result] = await readAll(cancel)
  t.match(fromBinary(CancelFlightInfoResultSchema, result?.body ?? Buffer.of()), { status: 1 })
  t.equal(await scansLeft(), 0, 'its reader stalls, its scan is over')
  running.resume()
  t.match(await failed, { code: 'cancelled', status: 1 })
  t.equal((await flight.messages(ticket)).length > 1, true)
})

t.test('an endpoint is renewed: another ticket, the same rows', async (t) => {
  const request = { schema, table: 'large', filter: 'id < 10', columns: ['id'] }
  const [endpoint] = (await flight.info(request)).endpoint
  const body = toBinary(
    RenewFlightEndpointRequestSchema,
    create(RenewFlightEndpointRequestSchema, endpoint ? { endpoint } : {}),
  )
  const action = flight.stream(method.doAction, { type: 'RenewFlightEndpoint', body })
  const [result] = await readAll(action)
  const renewed = fromBinary(FlightEndpointSchema, result?.body ?? Buffer.of())
  t.notSame(renewed.ticket, endpoint?.ticket)
  t.ok(
    (renewed.expirationTime?.seconds ?? 0n) >= (endpoint?.expirationTime?.seconds ?? Infinity),
    'it expires no earlier',
  )
  t.strictSame(
    await flight.messages(renewed.ticket?.ticket ?? Buffer.of()),
    await flight.messages(endpoint?.ticket?.ticket ?? Buffer.of()),
  )
})

t.test('actions are listed; others, and bodies that are none, are refused', async (t) => {
  const actions = await readAll(flight.stream(method.listActions, {}))
  t.strictSame(
    actions.map(({ type }) => type),
    ['CancelFlightInfo', 'RenewFlightEndpoint'],
  )
  const act = (type: string, body: Uint8Array = Buffer.of()) =>
    failureOf(flight.stream(method.doAction, { type, body }))
  t.match(await act('drop'), { status: 12, code: 'unsupported', details: /no action "drop"/ })
  t.match(await act('spillway.Receipt'), { status: 12, code: 'unsupported' })
  t.match(await act('CancelFlightInfo', Buffer.from('\xff\xff')), { code: 'invalid_request' })
  t.match(await act('CancelFlightInfo'), { code: 'invalid_request', details: /no endpoints/ })
  t.match(await act('RenewFlightEndpoint'), { code: 'invalid_request', details: /ticket/ })
  const forged = create(FlightInfoSchema, { endpoint: [{ ticket: { ticket: Buffer.from('x') } }] })
  const body = toBinary(
    CancelFlightInfoRequestSchema,
    create(CancelFlightInfoRequestSchema, { info: forged }),
  )
  t.match(await act('CancelFlightInfo', body), { status: 3, code: 'invalid_request' })
})

t.test('writing is refused in a sentence', async (t) => {
  for (const call of [flight.talk(method.doPut), flight.talk(method.doExchange)]) {
    const failure = failureOf(call)
    t.match(await failure, { status: 12, code: 'unsupported', details: /does not write/ })
  }
})

t.test('errors are those of the table of codes', async (t) => {
  const info = (request: object | string) => failureOf(flight.info(request as object))
  const table = { schema, table: 'orders' }
  t.match(await info({ schema, table: 'none' }), { status: 5, code: 'table_not_found' })
  t.match(await info({ schema: 'lake-none', table: 'x' }), { status: 5, code: 'table_not_found' })
  t.match(await info({ schema, table: 'nothing' }), { status: 5, code: 'table_not_found' })
  t.match(await info({ schema, table: 'broken' }), { status: 15, code: 'unreadable_file' })
  t.match(await info({ ...table, columns: ['none'] }), {
    status: 3,
    details: /^invalid_request: lake-flight\.orders has no column "none"/,
  })
  t.match(await info({ ...table, filter: 'none > 5' }), { status: 3, details: /"none"/ })
  t.match(await info({ ...table, filter: 'this is not (a filter' }), { status: 3 })
  t.match(await info({ ...table, fliter: '' }), { status: 3, details: /"fliter"/ })
  const of = (descriptor: object) => failureOf(flight.call(method.getFlightInfo, descriptor))
  t.match(await of(pathOf('orders')), { status: 3, details: /has 1 parts/ })
  t.match(await of({}), { status: 3, details: /of type 0/ })
  const any = Buffer.from('\n3type.googleapis.com/arrow.flight.protocol.sql.CommandX')
  t.match(await of({ type: 2, cmd: any }), { status: 12, details: /Flight SQL/ })
})

t.test('the schema of an info is that of the table, nullability and all', async (t) => {
  await put('required/a.parquet', goldenBytes('required'))
  const { schema: message } = await flight.info({ schema, table: 'required' })
  const { fields } = decodeSchemaMessage(message)
  t.ok(fields.some(({ nullable }) => !nullable))
})

/** Scans that go on after all that may end have had time to. */
async function scansLeft(): Promise<number | undefined> {
  let left: number | undefined
  for (let attempt = 0; attempt < 200; attempt++) {
    left = (await scrapeMetrics(stack.http)).get('spillway_scans_active')
    if (left === 0) return left
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return left
}
