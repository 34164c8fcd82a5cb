import t from 'tap'
import { Admission } from '../../../service/scan/admission.ts'
import {
  defaultMemoryBytes,
  defaultWorkerCount,
  shareMemory,
} from '../../../service/scan/memory-budget.ts'
import { randomNumbers } from '../../support/columns-random.ts'

const quiet = new AbortController().signal
const MIB = 1024 * 1024

/** Whether a promise has settled by now. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open')
  await new Promise(setImmediate)
  return (await Promise.race([promise, Promise.resolve(open)])) !== open
}

t.test('row groups wait for memory, and get it in the order they came', async (t) => {
  const admission = new Admission({ bytesMax: 100 })
  const [first, second, third] = [admission.open(), admission.open(), admission.open()]
  await first.reserve(60, 'a', quiet)
  const large = second.reserve(90, 'b', quiet)
  const small = third.reserve(10, 'c', quiet)
  t.equal(await isOver(large), false)
  t.equal(await isOver(small), false, 'nobody overtakes')
  first.giveBack()
  t.equal(await isOver(large), true)
  t.equal(await isOver(small), true)
  t.equal(admission.usedBytes, 100)
  second.giveBackAll()
  third.giveBackAll()
  t.equal(admission.usedBytes, 0)
})

t.test('who has nothing in flight comes before who reads ahead', async (t) => {
  const admission = new Admission({ bytesMax: 100 })
  const [greedy, modest] = [admission.open(), admission.open()]
  await greedy.reserve(30, 'a', quiet)
  await greedy.reserve(20, 'b', quiet)
  const third = greedy.reserve(20, 'c', quiet)
  t.equal(await isOver(third), false, 'half of the memory is not for reading ahead')
  const first = modest.reserve(50, 'd', quiet)
  t.equal(await isOver(first), true)
  greedy.giveBack()
  t.equal(await isOver(third), false)
  modest.giveBack()
  t.equal(await isOver(third), true)
})

t.test(
  'what can never fit is refused, naming the limit; one scan alone never blocks',
  async (t) => {
    const admission = new Admission({ bytesMax: 100 })
    const share = admission.open()
    await t.rejects(share.reserve(101, 'b/k, row group 0', quiet), {
      code: 'too_large',
      message: /b\/k, row group 0 takes about 101 bytes.*100 that SPILLWAY_MEMORY_BYTES leaves/,
    })
    await share.reserve(100, 'a', quiet)
    const next = share.reserve(100, 'b', quiet)
    t.equal(await isOver(next), false)
    share.giveBack()
    t.equal(await isOver(next), true)
  },
)

t.test(
  'beyond the queue, and after too long in it, scans are told when to come again',
  async (t) => {
    const admission = new Admission({ bytesMax: 10, waitingMax: 2, waitMsMax: 30 })
    const holder = admission.open()
    await holder.reserve(10, 'a', quiet)
    const running = holder.reserve(10, 'b', quiet)
    const waiting = [1, 2].map(() => admission.open().reserve(10, 'c', quiet))
    const busy = { code: 'busy', retryAfterMs: 2_000 }
    await t.rejects(admission.open().reserve(10, 'd', quiet), busy)
    // Node's timers wait for nobody: something has to keep the loop alive.
    const alive = setTimeout(() => {}, 5_000)
    for (const one of waiting) await t.rejects(one, busy)
    clearTimeout(alive)
    t.equal(await isOver(running), false, 'a scan that runs is not told busy')
    holder.giveBack()
    t.equal(await isOver(running), true)
  },
)

t.test('the signal ends the wait and lets the next one in', async (t) => {
  const admission = new Admission({ bytesMax: 10 })
  const holder = admission.open()
  await holder.reserve(6, 'a', quiet)
  const gone = new AbortController()
  const large = admission.open().reserve(10, 'b', gone.signal)
  const small = admission.open().reserve(4, 'c', quiet)
  t.equal(await isOver(small), false)
  gone.abort()
  await t.rejects(large, { code: 'cancelled' })
  t.equal(await isOver(small), true)
  await t.rejects(admission.open().reserve(1, 'd', AbortSignal.abort()), { code: 'cancelled' })
  t.equal(admission.waitingCount, 0)
})

t.test('in any order of asking and giving, the limit holds and everybody is served', async (t) => {
  const random = randomNumbers(5)
  const admission = new Admission({ bytesMax: 1_000 })
  let most = 0
  const scan = async () => {
    const share = admission.open()
    for (let i = 0; i < 20; i++) {
      await share.reserve(1 + Math.floor(random() * 1_000), 'x', quiet)
      most = Math.max(most, admission.usedBytes)
      if (random() < 0.7) await new Promise(setImmediate)
      share.giveBack()
    }
    share.giveBackAll()
  }
  await Promise.all(Array.from({ length: 40 }, scan))
  t.ok(most > 900 && most <= 1_000, `${most}`)
  t.equal(admission.usedBytes, 0)
  t.equal(admission.waitingCount, 0)
})

t.test('one budget is shared out and never more than that', async (t) => {
  for (const memoryMib of [256, 512, 2_048, 65_536]) {
    const workerCount = defaultWorkerCount(16, memoryMib * MIB)
    const { limits, admission } = shareMemory(memoryMib * MIB, workerCount)
    const fixed = limits.memoryBytes + limits.bufferBytesKept
    t.ok(workerCount * fixed + admission.bytesMax <= memoryMib * MIB, `${memoryMib} MiB`)
    t.ok(admission.bytesMax >= (memoryMib * MIB) / 2)
    t.ok(limits.memoryBytes >= 40 * MIB, 'two of the largest blocks')
    t.ok(limits.readAhead.bytesMax <= admission.bytesMax / 4)
  }
  t.equal(defaultWorkerCount(64, 256 * MIB), 1, 'little memory means few workers')
  t.equal(defaultWorkerCount(1, 65_536 * MIB), 1)
  t.ok(defaultMemoryBytes() > 0 && Number.isSafeInteger(defaultMemoryBytes()))
})

t.test('a row group that takes less than was thought lets others in', async (t) => {
  const admission = new Admission({ bytesMax: 100 })
  const [first, second] = [admission.open(), admission.open()]
  await first.reserve(80, 'a', quiet)
  const waiting = second.reserve(60, 'b', quiet)
  first.lessen(90)
  t.equal(admission.usedBytes, 80, 'never more than was thought')
  t.equal(await isOver(waiting), false)
  first.lessen(40)
  t.equal(await isOver(waiting), true)
  t.equal(admission.usedBytes, 100)
  first.giveBack()
  first.lessen(1)
  t.equal(admission.usedBytes, 60, 'with nothing in flight there is nothing to take less')
})

t.test('rows that wait for a frame count, and those who hold some come first', async (t) => {
  const admission = new Admission({ bytesMax: 100 })
  const [begun, other] = [admission.open(), admission.open()]
  await begun.reserve(60, 'a', quiet)
  begun.giveBack(30)
  t.equal(admission.usedBytes, 30)
  await other.reserve(60, 'b', quiet)
  const order: string[] = []
  const late = admission.open()
  const waits = [
    late.reserve(40, 'c', quiet).then(() => order.push('late')),
    begun.reserve(60, 'd', quiet).then(() => order.push('begun')),
  ]
  other.giveBack(0)
  await waits[1]
  t.strictSame(order, ['begun'])
  begun.giveBackAll()
  await Promise.all(waits)
  t.equal(admission.usedBytes, 40)
})

t.test('rows that wait never keep their scans from going on, one at a time', async (t) => {
  const admission = new Admission({ bytesMax: 100 })
  const shares = [admission.open(), admission.open(), admission.open()]
  for (const share of shares) {
    await share.reserve(30, 'first', quiet)
    share.giveBack(30)
  }
  t.equal(admission.usedBytes, 90)
  let running = 0
  let most = 0
  await Promise.all(
    shares.map(async (share) => {
      await share.reserve(50, 'second', quiet)
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      share.giveBackAll()
    }),
  )
  t.equal(most, 1)
  t.equal(admission.usedBytes, 0)
})
