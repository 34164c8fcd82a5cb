import t from 'tap'
import { withFrameCredits } from '../../../service/scan/frame-credits.ts'
import { FrameMemory } from '../../../service/scan/frame-memory.ts'
import { MEMORY_UNIT_BYTES } from '../../../service/scan/memory-units.ts'

const quiet = new AbortController().signal

/** Whether a promise has settled by now. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open')
  await new Promise(setImmediate)
  return (await Promise.race([promise, Promise.resolve(open)])) !== open
}

t.test('a quarter of the frame memory is kept for scans that hold none', async (t) => {
  const memory = new FrameMemory(new SharedArrayBuffer(8 * MEMORY_UNIT_BYTES))
  const greedy = withFrameCredits(memory, 100)
  const held = []
  for (let i = 0; i < 6; i++) held.push(await greedy.allocate(1, quiet))
  const seventh = greedy.allocate(1, quiet)
  t.equal(await isOver(seventh), false)
  const modest = withFrameCredits(memory, 100)
  const first = modest.allocate(2 * MEMORY_UNIT_BYTES, quiet)
  t.equal(await isOver(first), true, 'and they overtake')
  for (const run of held.splice(0, 5)) run.release()
  t.equal(await isOver(seventh), true)
  for (const run of [...held, await seventh, await first]) run.release()
  t.equal(memory.usedBytes, 0)
})

t.test('who has given all back while it waited may have the rest too', async (t) => {
  const memory = new FrameMemory(new SharedArrayBuffer(4 * MEMORY_UNIT_BYTES))
  const scan = withFrameCredits(memory, 100)
  const only = await scan.allocate(1, quiet)
  const whole = scan.allocate(4 * MEMORY_UNIT_BYTES, quiet)
  t.equal(await isOver(whole), false)
  only.release()
  t.equal(await isOver(whole), true)
})
