import t, { type Test } from 'tap'
import { invokeInProcess } from '../../service/athena/invoke.ts'
import type { SplitJson } from '../../service/athena/responses.ts'
import { askTable, defectsIn, firstColumn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

/** A request as JSON; tests change it as they like. */
type Event = Record<string, unknown>

const schema = 'plain'
const ids = sequence(10).map(String)
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
for (const table of ['numbers', 'others']) {
  const bytes = writeParquet([['id', longs(sequence(10))]])
  await stack.client.putObject(schema, `tables/${table}/a.parquet`, bytes)
}

/** The requests of one good query, by their type. */
async function goodEvents(table: string): Promise<Record<string, Event>> {
  const events: Record<string, Event> = {}
  const invoke = invokeInProcess(stack.handler)
  const engine = stack.engine({
    invoke: (event, signal) => {
      const copy = structuredClone(event) as Event
      events[String(copy['@type'])] = copy
      return invoke(event, signal)
    },
  })
  await askTable({ engine: () => engine }, { schema, table, where: { id: { lt: 100 } } })
  return events
}

const numbers = await goodEvents('numbers')
const others = await goodEvents('others')

function copyOf(type: string, from = numbers): Event {
  const event = from[type]
  if (event === undefined) throw new Error(`the query did not send ${type}`)
  return structuredClone(event)
}

/** The event is refused with this message, in one line, and the next query is answered. */
async function isRefused(t: Test, event: unknown, message: RegExp): Promise<void> {
  const said = await stack.handler(event).then(
    (answer) => `answered ${answer['@type']}`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  t.match(said, message)
  t.notMatch(said, /[\r\n]|\bat .*:\d+:\d+/, 'one line, no stack')
  t.ok(said.length < 1_200)
  t.strictSame(await firstColumn(stack, { schema, table: 'numbers' }), ids)
  t.strictSame(defectsIn(stack), [])
}

t.test('an event of no known type is refused with the types that are known', async (t) => {
  const types = ['__proto__', 'constructor', 'toString', '', 'pingrequest', 'x\ny', 7, null, {}]
  for (const type of types) {
    await isRefused(t, { '@type': type }, /^invalid_request: the event's @type .*PingRequest/)
  }
  await isRefused(t, {}, /^invalid_request: the event's @type is missing/)
  const polluted = JSON.parse('{"__proto__":{"@type":"PingRequest"}}') as unknown
  await isRefused(t, polluted, /^invalid_request: the event's @type is missing/)
})

t.test('what is no object at all is refused', async (t) => {
  for (const event of [null, undefined, 'text', 42, [], [{ '@type': 'PingRequest' }]]) {
    await isRefused(t, event, /^invalid_request: the event is .*expected an object/)
  }
})

t.test('an event larger than Lambda carries is refused by its size', async (t) => {
  const event = { ...copyOf('GetTableRequest'), ballast: 'x'.repeat(6_300_000) }
  await isRefused(t, event, /^too_large: the event has \d+ bytes, .*fewer values/)
})

t.test('a request without one of its parts is refused by the name of the part', async (t) => {
  const parts: readonly (readonly [type: string, part: string])[] = [
    ['GetTableRequest', 'tableName'],
    ['GetTableLayoutRequest', 'tableName'],
    ['GetSplitsRequest', 'tableName'],
    ['ReadRecordsRequest', 'tableName'],
    ['ReadRecordsRequest', 'schema'],
    ['ReadRecordsRequest', 'split'],
  ]
  for (const [type, part] of parts) {
    for (const wrong of [undefined, null, 17, ['x']]) {
      const message = new RegExp(`^invalid_request: .*${part}`)
      await isRefused(t, { ...copyOf(type), [part]: wrong }, message)
    }
  }
})

t.test('a ticket that was damaged, forged or is for another table is refused', async (t) => {
  const event = copyOf('ReadRecordsRequest')
  const split = event['split'] as SplitJson
  const ticket = split.properties['ticket'] ?? ''
  const flipped = Buffer.from(ticket, 'base64url')
  flipped[flipped.length - 20] = (flipped[flipped.length - 20] ?? 0) ^ 1
  const wrong = ['', 'AAAA', ticket.slice(0, -6), flipped.toString('base64url'), 'x'.repeat(5_000)]
  for (const text of wrong) {
    const damaged = { ...event, split: { ...split, properties: { ticket: text } } }
    await isRefused(t, damaged, /^invalid_request: .*(ticket|split)/)
  }
  const swapped = { ...event, split: copyOf('ReadRecordsRequest', others)['split'] }
  await isRefused(t, swapped, /^invalid_request: .*plain\.others, not of plain\.numbers/)
})

t.test('a continuation that is not ours, or not of this query, is refused', async (t) => {
  for (const continuationToken of ['x', 'AAAA', 'e30=', ' ', 'a'.repeat(10_000)]) {
    const event = { ...copyOf('GetSplitsRequest'), continuationToken }
    await isRefused(t, event, /^invalid_request: .*continuation/)
  }
})

t.test('constraints that cannot be read are refused, unknown kinds of them are not', async (t) => {
  const block = { aId: 'x', schema: 'AAAA', records: 'AAAA' }
  const int = { '@type': 'Int', bitWidth: 64, isSigned: true }
  const marker = { valueBlock: block, bound: 'EXACTLY', nullValue: false }
  const withSummary = (summary: unknown): Event => {
    return { ...copyOf('GetSplitsRequest'), constraints: { summary } }
  }
  const ranges = [{ low: marker, high: marker }]
  const sorted = { '@type': 'SortedRangeSet', type: int, ranges, nullAllowed: false }
  await isRefused(t, withSummary({ id: sorted }), /^invalid_request: a constraint /)
  const equatable = { '@type': 'EquatableValueSet', valueBlock: block, whiteList: true }
  await isRefused(t, withSummary({ id: equatable }), /^invalid_request: /)
  const endless = [{ low: {}, high: {} }]
  await isRefused(t, withSummary({ id: { ...sorted, ranges: endless } }), /^invalid_request: /)
  for (const summary of [{}, [], null, 'x', { id: null }, { id: { '@type': 'FromTheFuture' } }]) {
    const answer = await stack.handler(withSummary(summary))
    t.equal(answer['@type'], 'GetSplitsResponse')
  }
})

t.test('a schema that is no Arrow schema is refused', async (t) => {
  for (const text of ['', 'AAAA', '!!!', 'x'.repeat(400), '/////wAAAAA=', '/////////38=']) {
    const event = { ...copyOf('ReadRecordsRequest'), schema: text }
    await isRefused(t, event, /^invalid_request: .*schema/)
  }
})

t.test('sizes of blocks that make no sense are refused or kept within limits', async (t) => {
  for (const maxBlockSize of ['x', '1e9', {}, 1.5]) {
    const event = { ...copyOf('ReadRecordsRequest'), maxBlockSize }
    await isRefused(t, event, /^invalid_request: .*maxBlockSize/)
  }
  for (const sizes of [{ maxBlockSize: '-1' }, { maxBlockSize: '0' }, { maxBlockSize: '1' }]) {
    const said = await stack.handler({ ...copyOf('ReadRecordsRequest'), ...sizes }).then(
      (answer) => answer['@type'],
      (error: unknown) => String(error),
    )
    t.match(said, /ReadRecordsResponse|too_large: /)
  }
  t.strictSame(defectsIn(stack), [])
})
