import { randomBytes } from 'node:crypto'
import t from 'tap'
import { FlightService } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { growth, scrapeMetrics } from '../../service/demo/scrape-metrics.ts'
import { openTicket, sealTicket } from '../../service/planning/ticket.ts'
import { TicketKeys } from '../../service/planning/ticket-keys.ts'
import { defectsIn } from '../support/ask-table.ts'
import { randomNumbers } from '../support/columns-random.ts'
import { failureOf } from '../support/federation-client.ts'
import type { CallFailure } from '../support/federation-client.ts'
import { commandOf, flightClient } from '../support/flight-client.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, texts, writeParquet } from '../support/write-parquet.ts'
import { anonymous } from '../../service/credentials/caller.ts'
import { holderOf, openingOf } from '../support/ticket-holder.ts'

const { method } = FlightService
const schema = 'lake'
const ticketKey = randomBytes(32).toString('base64')
const stack = await startStack({ gateway: { SPILLWAY_TICKET_KEYS: ticketKey } })
const flight = flightClient(stack.grpc)
t.setTimeout(240_000)
t.teardown(async () => {
  flight.close()
  await stack.close()
})
const put = (table: string, bytes: Buffer) =>
  stack.client.putObject(schema, `tables/${table}/a.parquet`, bytes)
await stack.client.makeBucket(schema)
const serials = Array.from({ length: 1_000 }, (_, at) => at)
const numbers = writeParquet(
  [
    ['id', longs(serials)],
    ['word', texts(serials.map((at) => (at % 10 === 0 ? null : `word ${at}`)))],
  ],
  { rowsPerGroup: 100 },
)
await put('numbers', numbers)

const table = { schema, table: 'numbers' }
const ticketOf = async (request: object) =>
  Buffer.from((await flight.info(request)).endpoint[0]?.ticket?.ticket ?? [])
const refusalOf = (request: object | string): Promise<CallFailure> =>
  failureOf(flight.call(method.getFlightInfo, commandOf(request)))

t.test('10,000 spoiled tickets are refused, and the store is asked nothing', async (t) => {
  const keys = new TicketKeys([ticketKey])
  const good = await ticketOf({ ...table, filter: 'id > 5', columns: ['word'] })
  const other = await ticketOf({ ...table, endpoints: 3 })
  const split = openTicket(good, openingOf(keys, Date.now()))
  const spoiled: ((random: () => number) => Uint8Array)[] = [
    (random) => flipped(good, random),
    (random) =>
      Buffer.concat([good.subarray(0, 40), good.subarray(40)].map((half) => flipped(half, random))),
    (random) => good.subarray(0, Math.floor(random() * good.length)),
    (random) => Buffer.concat([good, randomBytes(1 + Math.floor(random() * 40))]),
    (random) => {
      // Behind the header, which both have.
      const at = 6 + Math.floor(random() * (Math.min(good.length, other.length) - 6))
      return Buffer.concat([good.subarray(0, at), other.subarray(at)])
    },
    (random) => randomBytes(Math.floor(random() ** 3 * 3_000)),
    () => sealTicket(split, new TicketKeys([]), holderOf()),
    (random) =>
      sealTicket({ ...split, expiresMs: Date.now() - random() * 1e9 - 1 }, keys, holderOf()),
    () => keys.seal('continuation', good, anonymous.name),
  ]
  await flight.messages(good)
  const before = await scrapeMetrics(stack.http)
  const count = 10_000
  const told = new Map<string, number>()
  for (let seed = 0; seed < count; seed += 100) {
    const attempts = Array.from({ length: 100 }, async (_, at) => {
      const random = randomNumbers(seed + at)
      const ticket = spoiled[(seed + at) % spoiled.length]?.(random) ?? Buffer.of()
      const failure = await failureOf(flight.stream(method.doGet, { ticket }))
      if (failure.code !== 'invalid_request') t.fail(`${seed + at}: ${failure.details}`)
      const kind = failure.details.replaceAll(/\d+/g, '0')
      told.set(kind, (told.get(kind) ?? 0) + 1)
    })
    await Promise.all(attempts)
  }
  const after = await scrapeMetrics(stack.http)
  t.equal(growth(before, after, 'spillway_store_requests_total'), 0)
  t.equal(
    [...told.values()].reduce((sum, times) => sum + times, 0),
    count,
  )
  t.equal(told.size, 2, [...told.keys()].join('\n'))
})

/** One bit is another. */
function flipped(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = Math.floor(random() * copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8))
  return copy
}

t.test('spoiled commands are refused or understood, never a defect (seeded)', async (t) => {
  const good = JSON.stringify({ ...table, columns: ['id'], filter: 'id > 5', limit: 5 })
  const codes = new Set<string>()
  for (let seed = 0; seed < 2_000; seed += 50) {
    const attempts = Array.from({ length: 50 }, async (_, at) => {
      const cmd = flipped(Buffer.from(good), randomNumbers(seed + at))
      const [said] = await Promise.allSettled([
        flight.call(method.getFlightInfo, { type: 2, cmd: Buffer.from(cmd) }),
      ])
      if (said.status === 'fulfilled') return
      codes.add((await failureOf(Promise.reject(said.reason as Error))).code ?? 'none')
    })
    await Promise.all(attempts)
  }
  t.strictSame(codes, new Set(['invalid_request', 'table_not_found', 'unsupported']))
})

t.test('filters of a megabyte and 10,000 parentheses end in a sentence', async (t) => {
  const refused = async (filter: string, code: string, details: RegExp) =>
    t.match(await refusalOf({ ...table, filter }), { code, details })
  await refused('('.repeat(10_000) + 'id = 1' + ')'.repeat(10_000), 'invalid_request', /200|nest/)
  await refused('NOT '.repeat(10_000) + 'id = 1', 'invalid_request', /200|nest/)
  await refused(`id = ${'1'.repeat(1_000_000)}`, 'invalid_request', /line 1/)
  await refused('id = 1 OR '.repeat(100_000) + 'id = 2', 'too_large', /./)
  await refused(`id = 1 ${' '.repeat(1 << 20)}`, 'too_large', /1048576/)
  const many = Array.from({ length: 130_000 }, (_, at) => at * 7).join(',')
  const answer = await flight.read({ ...table, columns: ['id'], filter: `id IN (${many})` })
  t.strictSame(
    answer.rows.flat(),
    serials.filter((id) => id % 7 === 0),
  )
})

t.test('wrong literals and names are told with what was meant', async (t) => {
  t.match(await refusalOf({ ...table, columns: ['wrod'] }), {
    code: 'invalid_request',
    details: /no column "wrod", did you mean "word"\?/,
  })
  t.match(await refusalOf({ ...table, filter: 'wrod = 1' }), {
    code: 'invalid_request',
    details: /did you mean "word"\?/,
  })
  t.match(await refusalOf({ ...table, filter: "id = 'five'" }), {
    code: 'invalid_request',
    details: /column 4|column 6/,
  })
  t.match(await refusalOf('{"schema":"lake","table":"numbers","limit":"ten"}'), {
    code: 'invalid_request',
    details: /"limit" is "ten"/,
  })
})

t.test('names of 64 KB are names like others', async (t) => {
  const name = 'n'.repeat(65_536)
  await put('long', writeParquet([[name, longs([1, 2, 3])]]))
  const { fields, rows } = await flight.read({ schema, table: 'long', filter: `"${name}" > 1` })
  t.equal(fields[0]?.name, name)
  t.strictSame(rows, [[2], [3]])
  const { details } = await refusalOf({ schema, table: 'long', columns: [`${name}x`] })
  t.match(details, /has no column "n+…"/)
  t.ok(details.length < 1_000)
})

t.test('clients that vanish leave nothing running', async (t) => {
  const ticket = await ticketOf(table)
  const streams = Array.from({ length: 60 }, () => flight.stream(method.doGet, { ticket }))
  for (const [at, stream] of streams.entries()) {
    stream.on('error', () => {})
    if (at % 3 === 0) stream.cancel()
    else stream.once('data', () => stream.cancel())
  }
  const gone = flightClient(stack.grpc)
  gone.stream(method.doGet, { ticket }).on('error', () => {})
  gone.close()
  await t.resolves(idle(), 'no scan is left')
  t.equal((await flight.read(table)).rows.length, 1_000)
})

t.test('200 clients read at once, each the whole table', async (t) => {
  const clients = Array.from({ length: 200 }, () => flightClient(stack.grpc))
  const sums = await Promise.all(
    clients.map(async (client) => {
      const { rows } = await client.read({ ...table, columns: ['id'] })
      return rows.reduce((sum, [id]) => sum + Number(id), 0)
    }),
  )
  for (const client of clients) client.close()
  t.strictSame([...new Set(sums)], [499_500])
})

t.test('a deadline that is too short is told as one', async (t) => {
  const ticket = await ticketOf(table)
  for (let attempt = 0; attempt < 20; attempt++) {
    const deadline = Date.now() + 1
    const failure = await failureOf(flight.stream(method.doGet, { ticket }, { deadline }))
    t.equal(failure.status, 4, failure.details)
  }
  await t.resolves(idle())
})

t.test('a table that changes under its ticket is not mixed', async (t) => {
  await put('changing', numbers)
  const changing = { schema, table: 'changing' }
  const ticket = await ticketOf(changing)
  await put('changing', writeParquet([['id', longs([1])]]))
  t.match(await failureOf(flight.stream(method.doGet, { ticket })), {
    status: 10,
    code: 'object_changed',
    details: /changing\/a\.parquet/,
  })
  t.strictSame((await flight.read(changing)).rows, [[1]])
  const second = await ticketOf(changing)
  await stack.client.removeObject(schema, 'tables/changing/a.parquet')
  t.match(await failureOf(flight.stream(method.doGet, { ticket: second })), {
    code: 'object_changed',
  })
  t.match(await refusalOf(changing), { code: 'table_not_found' })
})

t.test('wide rows keep messages below 4 MiB; a row above it is told by its size', async (t) => {
  const megabyte = (at: number) => String.fromCodePoint(97 + at).repeat(1_100_000)
  await put('wide', writeParquet([['text', texts([0, 1, 2, 3, 4, 5, 6].map(megabyte))]]))
  const { rows, messageBytesMax } = await flight.read({ schema, table: 'wide' })
  t.strictSame(
    rows.map(([text]) => (typeof text === 'string' ? text.length : text)),
    Array.from({ length: 7 }, () => 1_100_000),
  )
  t.ok(messageBytesMax <= 4 * 1024 * 1024, `${messageBytesMax} bytes`)
  const large = texts(['a', 'b'.repeat(4 * 1024 * 1024)])
  await put(
    'wider',
    writeParquet([
      ['id', longs([1, 2])],
      ['text', large],
    ]),
  )
  const ticket = await ticketOf({ schema, table: 'wider' })
  t.match(await failureOf(flight.stream(method.doGet, { ticket })), {
    status: 11,
    code: 'too_large',
    details: /\d{7}/,
  })
  t.strictSame((await flight.read({ schema, table: 'wider', columns: ['id'] })).rows, [[1], [2]])
})

t.test('no cause of an error was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})

/** Resolves when the gateway reads nothing. */
async function idle(): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await scrapeMetrics(stack.http)).get('spillway_scans_active') === 0) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('scans are still running')
}
