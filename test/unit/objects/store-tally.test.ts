import t from 'tap'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import {
  emptyTally,
  tallied,
  talliedSteps,
  tallyListing,
  withTally,
} from '../../../service/objects/store-tally.ts'
import { withRetry } from '../../../service/objects/with-retry.ts'
import { withSingleFlight } from '../../../service/objects/with-single-flight.ts'
import { GatewayError } from '../../../service/errors.ts'

const signal = new AbortController().signal
const memory = memoryStore()
const object = memory.put('lake', 'data', Buffer.alloc(100))
const all = { bucket: 'lake', prefix: '', shallow: false }

t.test('each question is told its own requests, by what they are for', async (t) => {
  const store = withTally(memory)
  const [one, other] = [emptyTally(), emptyTally()]
  const ask = async (end: number) => {
    await store.list(all, signal)
    await store.read({ object, range: { start: 0, end }, purpose: 'footer' }, signal)
    await store.read({ object, range: { start: 0, end: 1 } }, signal)
  }
  await Promise.all([tallied(one, () => ask(10)), tallied(other, () => ask(20)), ask(30)])
  t.strictSame(one, {
    requests: { list: 1, footer: 1, index: 0, bloom: 0, other: 1 },
    bytes: { list: 0, footer: 10, index: 0, bloom: 0, other: 1 },
  })
  t.equal(other.bytes.footer, 20)
})

t.test('what several wait for is counted once; every attempt is', async (t) => {
  let failures = 1
  const failing = {
    ...memory,
    read: async (...words: Parameters<typeof memory.read>) => {
      if (failures-- > 0) throw new GatewayError('unavailable', 'down')
      return memory.read(...words)
    },
  }
  const retried = withRetry(withTally(failing), { wait: async () => {} })
  const store = withSingleFlight(retried)
  const tallies = [emptyTally(), emptyTally()]
  const request = { object, range: { start: 0, end: 10 }, purpose: 'index' as const }
  await Promise.all(tallies.map((tally) => tallied(tally, () => store.read(request, signal))))
  t.strictSame(
    tallies.map(({ requests, bytes }) => [requests.index, bytes.index]),
    [
      [2, 10],
      [0, 0],
    ],
  )
})

t.test('steps are counted as they are taken, wherever that is', async (t) => {
  const tally = emptyTally()
  async function* steps() {
    for (const bytes of [1, 2, 4]) {
      await Promise.resolve()
      tallyListing(bytes)
      yield bytes
    }
  }
  for await (const bytes of talliedSteps(tally, steps())) {
    tallyListing(1_000)
    if (bytes === 2) break
  }
  t.equal(tally.bytes.list, 3)
})

t.test('a question keeps its tally when others end meanwhile', async (t) => {
  const store = withTally(memory)
  const tallies = [emptyTally(), emptyTally(), emptyTally()]
  const read = () => store.read({ object, range: { start: 0, end: 1 } }, signal)
  let goOn = () => {}
  const waiting = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const [long = emptyTally(), short = emptyTally(), next = emptyTally()] = tallies
  const question = tallied(long, async () => {
    await waiting
    await read()
  })
  await tallied(short, read)
  await t.rejects(tallied(short, () => Promise.reject(new Error('x'))))
  await read()
  goOn()
  await question
  await read()
  await tallied(next, read)
  t.strictSame(
    tallies.map(({ requests }) => requests.other),
    [1, 1, 1],
  )
})
