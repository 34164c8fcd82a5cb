import t from 'tap'
import { RunningReads } from '../../../service/flight/running-reads.ts'

/** A call's life, and frames that end with it. */
function startRead(running: RunningReads, ticket: Uint8Array) {
  const controller = new AbortController()
  const { signal } = controller
  async function* endless(): AsyncGenerator<number> {
    for (let at = 0; ; at++) {
      signal.throwIfAborted()
      yield at
    }
  }
  const life = { signal, abort: (reason: unknown) => controller.abort(reason) }
  return { read: running.hold(ticket, life, endless()), signal }
}

t.test('all reads of a ticket are cancelled, and no others', async (t) => {
  const running = new RunningReads()
  const [one, other] = [Buffer.from('one'), Buffer.from('other')]
  const [first, second, third] = [
    startRead(running, one),
    startRead(running, one),
    startRead(running, other),
  ]
  for (const { read } of [first, second, third]) await read.next()
  t.equal(running.cancel(Buffer.from('one')), true)
  for (const { read, signal } of [first, second]) {
    t.match(signal.reason, { code: 'cancelled' })
    await t.rejects(read.next(), { code: 'cancelled' })
  }
  t.strictSame(await third.read.next(), { value: 1, done: false })
  t.equal(running.cancel(one), false, 'they are forgotten')
  await third.read.return(undefined)
  t.equal(running.cancel(other), false)
})

t.test('a read that has not begun is not held', async (t) => {
  const running = new RunningReads()
  startRead(running, Buffer.from('x'))
  t.equal(running.cancel(Buffer.from('x')), false)
})
