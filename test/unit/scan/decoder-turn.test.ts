import t from 'tap'
import { DecoderTurn } from '../../../service/scan/decoder-turn.ts'

const quiet = new AbortController().signal

t.test(
  'turns follow each other in order, the one who has it hears that others want it',
  async (t) => {
    const turn = new DecoderTurn()
    const end = await turn.acquire(quiet)
    let isWanted = false
    const wanted = turn.wanted().then(() => {
      isWanted = true
    })
    await new Promise(setImmediate)
    t.equal(isWanted, false)
    const order: number[] = []
    const next = [1, 2].map(async (number) => {
      const over = await turn.acquire(quiet)
      order.push(number)
      over()
    })
    await wanted
    t.strictSame(order, [])
    end()
    end()
    await Promise.all(next)
    t.strictSame(order, [1, 2])
    const last = await turn.acquire(quiet)
    last()
  },
)

t.test('who gives up is passed over', async (t) => {
  const turn = new DecoderTurn()
  const end = await turn.acquire(quiet)
  const gone = new AbortController()
  const first = turn.acquire(gone.signal)
  const second = turn.acquire(quiet)
  gone.abort()
  await t.rejects(first, { code: 'cancelled' })
  end()
  const over = await second
  over()
  await t.rejects(turn.acquire(gone.signal), { code: 'cancelled' })
})

t.test('after the decoder broke nobody has a turn', async (t) => {
  const turn = new DecoderTurn()
  const end = await turn.acquire(quiet)
  const waiting = turn.acquire(quiet)
  turn.close()
  end()
  await t.rejects(waiting, { code: 'unavailable' })
  await t.rejects(turn.acquire(quiet), { code: 'unavailable' })
})
