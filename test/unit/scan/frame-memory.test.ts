import t from 'tap'
import { withFrameCredits } from '../../../service/scan/frame-credits.ts'
import { FrameMemory } from '../../../service/scan/frame-memory.ts'
import { MEMORY_UNIT_BYTES, type MemoryRun } from '../../../service/scan/memory-units.ts'
import { randomNumbers } from '../../support/columns-random.ts'

const quiet = new AbortController().signal
const memoryOf = (unitCount: number) =>
  new FrameMemory(new SharedArrayBuffer(unitCount * MEMORY_UNIT_BYTES))

/** Whether a promise has settled by now. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open')
  await new Promise(setImmediate)
  return (await Promise.race([promise, Promise.resolve(open)])) !== open
}

t.test('runs never overlap, and all memory comes back', async (t) => {
  const memory = memoryOf(40)
  const random = randomNumbers(7)
  const held: MemoryRun[] = []
  const lent: MemoryRun[] = []
  for (let i = 0; i < 2_000; i++) {
    if (random() < 0.5 && held.length > 0) {
      held.splice(Math.floor(random() * held.length), 1)[0]?.release()
      continue
    }
    const lengthBytes = Math.floor(random() * 6 * MEMORY_UNIT_BYTES)
    const waiting = memory.allocate(lengthBytes, quiet).then((run) => {
      held.push(run)
      lent.push(run)
    })
    while (!(await isOver(waiting))) held.shift()?.release()
    const ranges = held
      .map(({ bytes }) => [bytes.byteOffset, bytes.byteOffset + bytes.length] as const)
      .toSorted(([a], [b]) => a - b)
    const isApart = ranges.every(([, end], at) => end <= (ranges[at + 1]?.[0] ?? Infinity))
    if (!isApart) t.fail(`runs overlap at step ${i}`)
  }
  t.ok(lent.length > 500)
  t.ok(lent.every(({ bytes }) => bytes.byteOffset % 64 === 0))
  for (const run of held) run.release()
  for (const run of lent) run.release()
  t.equal(memory.usedBytes, 0)
})

t.test('who came first is served first, even if a smaller one would fit', async (t) => {
  const memory = memoryOf(4)
  const first = await memory.allocate(3 * MEMORY_UNIT_BYTES, quiet)
  const large = memory.allocate(4 * MEMORY_UNIT_BYTES, quiet)
  const small = memory.allocate(1, quiet)
  t.equal(await isOver(small), false)
  first.release()
  t.equal(await isOver(large), true)
  t.equal(await isOver(small), false)
  const run = await large
  run.release()
  t.equal((await small).bytes.length, 1)
})

t.test('one that gives up lets the next one through', async (t) => {
  const memory = memoryOf(2)
  const run = await memory.allocate(MEMORY_UNIT_BYTES, quiet)
  const gone = new AbortController()
  const large = memory.allocate(2 * MEMORY_UNIT_BYTES, gone.signal)
  const small = memory.allocate(1, quiet)
  gone.abort()
  await t.rejects(large, { code: 'cancelled' })
  t.equal((await small).bytes.length, 1)
  run.release()
  await t.rejects(memory.allocate(1, gone.signal), { code: 'cancelled' })
})

t.test('what never fits is too large at once', async (t) => {
  await t.rejects(memoryOf(2).allocate(2 * MEMORY_UNIT_BYTES + 1, quiet), { code: 'too_large' })
})

t.test('a scan has so many frames out and no more, whatever memory there is', async (t) => {
  const shared = memoryOf(10)
  const mine = withFrameCredits(shared, 2)
  const first = await mine.allocate(1, quiet)
  await mine.allocate(1, quiet)
  const third = mine.allocate(1, quiet)
  t.equal(await isOver(third), false)
  const other = await withFrameCredits(shared, 2).allocate(1, quiet)
  other.release()
  first.release()
  first.release()
  await third
  const gone = new AbortController()
  const fourth = mine.allocate(1, gone.signal)
  t.equal(await isOver(fourth), false)
  gone.abort()
  await t.rejects(fourth, { code: 'cancelled' })
})
