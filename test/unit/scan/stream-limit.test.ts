import t from 'tap'
import type { Frame } from '../../../service/scan/frame.ts'
import { emptyReceipt } from '../../../service/scan/scan-receipt.ts'
import { limitStreams, streamsMaxOf } from '../../../service/scan/stream-limit.ts'

const { signal } = new AbortController()
const frame = { rowCount: 1 } as Frame

/** A scan of endless frames that says when it was left. */
function endless() {
  const receipt = emptyReceipt()
  let left = 0
  const limited = limitStreams(() => {
    async function* frames() {
      try {
        for (;;) yield frame
      } finally {
        left += 1
      }
    }
    return { frames: frames(), receipt }
  }, 2)
  const open = () => limited({}, signal).frames[Symbol.asyncIterator]()
  return { open, limited, receipt, left: () => left }
}

t.test(
  'reads beyond the limit are told busy when they want a frame, and when to come again',
  async (t) => {
    const { open, left } = endless()
    const [one, two, three] = [open(), open(), open()]
    t.strictSame(await one.next(), { done: false, value: frame })
    await two.next()
    await t.rejects(three.next(), { code: 'busy', retryAfterMs: 2_000, message: /reads 2 splits/ })
    t.strictSame(await one.next(), { done: false, value: frame }, 'the others read on')
    await two.return?.()
    t.equal(left(), 1)
    await open().next()
    await t.rejects(open().next(), { code: 'busy' })
  },
)

t.test(
  'a read that nobody starts takes no place, and the receipt is the one of the scan',
  async (t) => {
    const { open, limited, receipt } = endless()
    open()
    open()
    await open().next()
    const run = limited({}, signal)
    receipt.rowGroups = 7
    t.equal(run.receipt.rowGroups, 7, 'also what is counted later')
  },
)

t.test('small gateways take fewer reads', async (t) => {
  t.strictSame(
    [128, 256, 4_096].map((mib) => streamsMaxOf(mib * 2 ** 20)),
    [128, 256, 1_000],
  )
})
