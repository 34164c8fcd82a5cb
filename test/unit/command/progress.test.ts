import t from 'tap'
import { progressLine } from '../../../service/command/progress.ts'

function watched(rows: number | null, rowGroups: number | null) {
  const lines: string[] = []
  let nowMs = 0
  const write = (text: string) => void lines.push(text)
  const line = progressLine({ rows, rowGroups }, { isTTY: true, write }, () => nowMs)
  const after = (ms: number, rowGroupsDone: number) => {
    nowMs += ms
    line.add({ rowCount: 1_000, byteCount: 524_288, rowGroupsDone })
  }
  return { lines, after, line }
}

t.test('a line tells rows, bytes, their speed and the row groups done of all', async (t) => {
  const { lines, after, line } = watched(10_000, 12)
  after(100, 0)
  after(100, 0)
  after(50, 5)
  after(150, 5)
  t.strictSame(lines, [
    '\r\u001B[K2,000 of 10,000 rows, 1.0 MiB, 5.0 MiB/s, 0 of 12 row groups done',
    '\r\u001B[K4,000 of 10,000 rows, 2.0 MiB, 5.0 MiB/s, 5 of 12 row groups done',
  ])
  line.end()
  t.equal(lines.at(-1), '\r\u001B[K')
})

t.test('what is not known is left out', async (t) => {
  const { lines, after } = watched(null, null)
  after(500, 0)
  t.strictSame(lines, ['\r\u001B[K1,000 rows, 512.0 KiB, 1.0 MiB/s'])
})

t.test(
  'nothing is written where nobody watches, or before there is something to see',
  async (t) => {
    const lines: string[] = []
    const write = (text: string) => void lines.push(text)
    const quiet = progressLine({ rows: 1, rowGroups: 1 }, { isTTY: false, write }, () => 1e6)
    quiet.add({ rowCount: 1, byteCount: 1, rowGroupsDone: 0 })
    quiet.end()
    const early = progressLine({ rows: 1, rowGroups: 1 }, { isTTY: true, write }, () => 0)
    early.add({ rowCount: 1, byteCount: 1, rowGroupsDone: 0 })
    early.end()
    t.strictSame(lines, [])
  },
)
