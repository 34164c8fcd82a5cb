import t from 'tap'
import { neverSilent } from '../../../service/flight/never-silent.ts'
import type { Frame } from '../../../service/scan/frame.ts'

const frame = (rowCount: number): Frame => ({
  message: new Uint8Array(5),
  rowCount,
  bodyBytes: 0,
  release: () => {},
})
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const options = { filler: () => frame(0), silenceMaxMs: 20 }

async function rowsOf(frames: AsyncIterable<Frame>): Promise<number[]> {
  const rows: number[] = []
  for await (const { rowCount } of frames) rows.push(rowCount)
  return rows
}

t.test('frames that come soon pass as they are', async (t) => {
  async function* soon() {
    for (const rows of [1, 2, 3]) yield frame(rows)
  }
  t.strictSame(await rowsOf(neverSilent(soon(), options)), [1, 2, 3])
})

t.test('a wait is filled, and nothing of what follows is lost', async (t) => {
  async function* late() {
    yield frame(1)
    await wait(110)
    yield frame(2)
    await wait(50)
  }
  const rows = await rowsOf(neverSilent(late(), options))
  t.strictSame(
    rows.filter((count) => count > 0),
    [1, 2],
  )
  t.ok(rows.indexOf(2) >= 3, 'fillers before the second')
  t.equal(rows.at(-1), 0, 'a filler after it')
})

t.test('an error in a wait ends the stream', async (t) => {
  async function* broken() {
    yield frame(1)
    await wait(30)
    throw new Error('unreadable')
  }
  await t.rejects(rowsOf(neverSilent(broken(), options)), { message: 'unreadable' })
})

t.test('a reader that leaves ends the frames', async (t) => {
  let isEnded = false
  async function* endless() {
    try {
      for (;;) yield frame(1)
    } finally {
      isEnded = true
    }
  }
  for await (const one of neverSilent(endless(), options)) {
    t.equal(one.rowCount, 1)
    break
  }
  t.equal(isEnded, true)
})
