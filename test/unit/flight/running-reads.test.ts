import t from 'tap'
import { RunningReads } from '../../../service/flight/running-reads.ts'

const { signal } = new AbortController()

async function* endless(stop: AbortSignal): AsyncGenerator<number> {
  for (let at = 0; ; at++) {
    stop.throwIfAborted()
    yield at
  }
}

t.test('all reads of a ticket are cancelled, and no others', async (t) => {
  const running = new RunningReads()
  const [one, other] = [Buffer.from('one'), Buffer.from('other')]
  const reads = [one, one, other].map((ticket) => running.hold(ticket, endless, signal))
  for (const read of reads) await read.next()
  t.equal(running.cancel(Buffer.from('one')), true)
  const [first, second, third] = reads
  await t.rejects(async () => first?.next(), { code: 'cancelled' })
  await t.rejects(async () => second?.next(), { code: 'cancelled' })
  t.strictSame(await third?.next(), { value: 1, done: false })
  t.equal(running.cancel(one), false, 'they are forgotten')
  await third?.return(undefined)
  t.equal(running.cancel(other), false)
})

t.test('a read that has not begun is not held', async (t) => {
  const running = new RunningReads()
  running.hold(Buffer.from('x'), endless, signal)
  t.equal(running.cancel(Buffer.from('x')), false)
})

t.test('the signal of the call ends the read too', async (t) => {
  const controller = new AbortController()
  const read = new RunningReads().hold(Buffer.from('x'), endless, controller.signal)
  await read.next()
  controller.abort(new Error('gone'))
  await t.rejects(read.next(), { message: 'gone' })
})
