import assert from 'node:assert'
import t from 'tap'
import type { GroupingLimits, RowGroupEntry } from '../../../service/planning/group-splits.ts'
import { groupSplits } from '../../../service/planning/group-splits.ts'
import { fileRecordBytesMax } from '../../../service/planning/split-files-encoding.ts'
import { randomNumbers } from '../../support/columns-random.ts'

const plenty: GroupingLimits = {
  decodedBytesTarget: 100,
  filesMax: 1000,
  fileRecordsBytesMax: 1_000_000,
}
const entry = (key: string, groupIndex: number, decodedBytes: number): RowGroupEntry => ({
  file: { key, etag: 'e', sizeBytes: 1 },
  groupIndex,
  decodedBytes,
})

/** Splits as texts such as `a0-2 b0-1`. */
function grouped(
  entries: readonly RowGroupEntry[],
  limits: Partial<GroupingLimits> = {},
): string[] {
  const grouping = groupSplits({ ...plenty, ...limits })
  const splits = entries.map((one) => grouping.add(one))
  splits.push(grouping.end())
  assert.equal(grouping.end(), undefined)
  return splits
    .filter((files) => files !== undefined)
    .map((files) =>
      files.map(({ key, rowGroups: { start, end } }) => `${key}${start}-${end}`).join(' '),
    )
}

t.test('gathers whole row groups up to the target, across files', async (t) => {
  t.strictSame(grouped([]), [])
  t.strictSame(grouped([entry('a', 0, 40), entry('a', 1, 60), entry('a', 2, 1)]), ['a0-2', 'a2-3'])
  t.strictSame(grouped([entry('a', 0, 10), entry('b', 0, 10), entry('c', 0, 10)]), [
    'a0-1 b0-1 c0-1',
  ])
  t.strictSame(grouped([entry('a', 0, 500), entry('a', 1, 500), entry('b', 0, 1)]), [
    'a0-1',
    'a1-2',
    'b0-1',
  ])
})

t.test('keeps gaps between row groups of a file', async (t) => {
  t.strictSame(grouped([entry('a', 0, 1), entry('a', 2, 1), entry('a', 3, 1)]), ['a0-1 a2-4'])
})

t.test('bounds files and bytes of a ticket', async (t) => {
  const entries = ['a', 'b', 'c', 'd', 'e'].map((key) => entry(key, 0, 1))
  t.strictSame(grouped(entries, { filesMax: 2 }), ['a0-1 b0-1', 'c0-1 d0-1', 'e0-1'])
  const [first] = entries
  const fileRecordsBytesMax = first ? 3 * fileRecordBytesMax(first.file) : 0
  t.strictSame(grouped(entries, { fileRecordsBytesMax }), ['a0-1 b0-1 c0-1', 'd0-1 e0-1'])
  t.equal(grouped(entries, { fileRecordsBytesMax: 1 }).length, 5, 'one file is always allowed')
})

t.test('can be begun anew at the end of any split with the same outcome (seeded)', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomNumbers(seed)
    const entries = Array.from({ length: 40 }, (_, at) =>
      entry(
        `f${Math.floor(at / 5)}`,
        (at % 5) * (random() < 0.5 ? 1 : 2),
        Math.floor(random() * 80),
      ),
    )
    const all = grouped(entries, { filesMax: 3 })
    let start = 0
    const again: string[] = []
    while (start < entries.length) {
      const grouping = groupSplits({ ...plenty, filesMax: 3 })
      const stop = entries.findIndex((one, at) => at >= start && grouping.add(one) !== undefined)
      const end = stop < 0 ? entries.length : stop
      again.push(...grouped(entries.slice(start, end), { filesMax: 3 }))
      start = end
    }
    t.strictSame(again, all, `seed ${seed}`)
  }
})
