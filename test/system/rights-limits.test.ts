import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { FlightService } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { failureOf, federationClient, readAll } from '../support/federation-client.ts'
import { flightClient } from '../support/flight-client.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

// A caller's own limits, at every door: the surplus is told `busy`, others notice nothing, and what ends is given back.

t.setTimeout(120_000)

/** 40 MB: a client takes sixteen messages of 1.5 MB that nobody reads. */
const ROWS = 200_000
const PAD = 'x'.repeat(200)
const place = { schema: 'limits', table: 'numbers' }
const roles = {
  one: { tables: [{ schema: '*', table: '*' }], limits: { streams: 1 } },
  narrow: { tables: [{ schema: '*', table: '*' }], limits: { bytesInFlight: '64KiB' } },
  slow: { tables: [{ schema: '*', table: '*' }], limits: { rowsPerSecond: 1_000_000 } },
}
const callers = Object.keys(roles).map((name) => ({
  name,
  roles: [name],
  tokens: [{ sha256: createHash('sha256').update(`token-${name}`).digest('hex') }],
}))
const headersOf = (name: string) => ({ authorization: `Bearer token-${name}` })

async function setUp(test: Test) {
  const callersFile = join(test.testdir(), 'callers.json')
  await writeFile(callersFile, JSON.stringify({ roles, callers }))
  const stack = await startStack({ gateway: { SPILLWAY_CALLERS_FILE: callersFile } })
  await stack.client.makeBucket(place.schema)
  const pads = texts(sequence(ROWS).map(() => PAD))
  const bytes = writeParquet([
    ['id', longs(sequence(ROWS))],
    ['pad', pads],
  ])
  await stack.client.putObject(place.schema, 'tables/numbers/a.parquet', bytes)
  const flights = Object.keys(roles).map((name) => flightClient(stack.grpc, headersOf(name)))
  test.teardown(async () => {
    for (const flight of flights) flight.close()
    await stack.close()
  })
  const [one, narrow, slow] = flights
  if (!one || !narrow || !slow) throw new Error('a client is missing')
  return { stack, one, narrow, slow }
}

const readHttp = (http: string, name: string) =>
  fetch(`${http}/v1/read?schema=limits&table=numbers&format=csv&limit=3&columns=id`, {
    headers: headersOf(name),
  })

/** How a read is refused; undefined: it was let in, and waits for the standing one. */
async function refusal(flight: ReturnType<typeof flightClient>, ticket: Uint8Array) {
  const read = flight.messages(ticket, { deadline: Date.now() + 1_000 })
  const isWhole = await read.then(
    () => true,
    () => false,
  )
  const failure = isWhole ? undefined : await failureOf(read)
  return failure?.code === 'busy' ? failure : undefined
}

/** A read whose reader took one message and no more. */
async function standingRead(flight: ReturnType<typeof flightClient>) {
  const info = await flight.info(place)
  const ticket = info.endpoint[0]?.ticket?.ticket ?? new Uint8Array()
  const stream = flight.stream(FlightService.method.doGet, { ticket })
  stream.on('error', () => {})
  await once(stream, 'data')
  stream.pause()
  return { stream, ticket }
}

t.test('streams and bytes in flight of one caller', async (t) => {
  const { stack, one, narrow } = await setUp(t)
  for (const [name, flight, limit] of [
    ['one', one, /^busy: one has 1 reads at the same time, its limit is 1;/],
    [
      'narrow',
      narrow,
      /^busy: the readers of narrow hold \d+ bytes in flight, its limit is 65536;/,
    ],
  ] as const) {
    const { stream, ticket } = await standingRead(flight)
    // The first frame comes behind the schema.
    const deadlineMs = Date.now() + 20_000
    let failure = await refusal(flight, ticket)
    for (; !failure && Date.now() < deadlineMs; failure = await refusal(flight, ticket))
      await sleep(20)
    t.match(failure, { code: 'busy', details: limit }, name)
    const refused = await readHttp(stack.http, name)
    t.equal(refused.status, 429)
    t.equal(refused.headers.get('retry-after'), '1')
    t.match(await refused.json(), { error: { code: 'busy', retry: 'later' } })
    const athena = federationClient(stack.grpc, headersOf(name))
    t.teardown(() => athena.close())
    const [split] = await athena.plan(place)
    if (!split) throw new Error('no split')
    t.match(await failureOf(athena.readSplit(split)), { code: 'busy' })
    const other = await readHttp(stack.http, 'slow')
    t.equal(await other.text(), 'id\r\n0\r\n1\r\n2\r\n', 'others read')
    stream.cancel()
    let answer = await readHttp(stack.http, name)
    for (
      ;
      answer.status !== 200 && Date.now() < deadlineMs;
      answer = await readHttp(stack.http, name)
    ) {
      await sleep(20)
    }
    t.equal(await answer.text(), 'id\r\n0\r\n1\r\n2\r\n', 'what was cancelled is given back')
    t.ok((await readAll(athena.readSplit(split))).length > 0)
    const whole = await fetch(`${stack.http}/v1/read?schema=limits&table=numbers&format=csv`, {
      headers: headersOf(name),
    })
    t.equal((await whole.text()).split('\n').length, ROWS + 2, 'many frames, one after the other')
  }
})

t.test('a read that is slowed down is whole', async (t) => {
  const { slow } = await setUp(t)
  const { rows } = await slow.read({ ...place, limit: 50_000 })
  t.equal(rows.length, 50_000)
})
