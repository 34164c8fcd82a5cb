import t from 'tap'

import { planRowGroup } from '../../../service/decode/mini-file.ts'
import { parseFooter, readFooter } from '../../../service/footers/parse-footer.ts'
import { goldenBytes, goldenNames } from '../../support/golden-files.ts'

function open(name: string) {
  const bytes = goldenBytes(name)
  const object = { bucket: 'b', key: name, etag: '1', sizeBytes: bytes.length }
  return { bytes, object, footer: parseFooter(bytes, object) }
}

t.test('a mini file holds the promised fields and the same chunks', async (t) => {
  for (const name of goldenNames()) {
    const { object, footer } = open(name)
    for (let groupIndex = 0; groupIndex < footer.rowGroupCount; groupIndex++) {
      const columnIndexes = [...footer.columns.keys()].filter((index) => index % 2 === 0)
      const plan = planRowGroup({ footer, object, groupIndex, columnIndexes })
      const mini = readFooter(plan.tail, { name: plan.source, sizeBytes: plan.bufferBytes })
      const fields = columnIndexes.map((index) => footer.columns[index]?.field)
      t.strictSame(
        mini.columns.map((column) => column.field),
        fields,
        name,
      )
      t.equal(mini.rowCount, footer.rowGroup(groupIndex).rowCount)
      let at = 0
      for (const index of columnIndexes) {
        const column = footer.columns[index]
        for (let leaf = column?.leafStart ?? 0; leaf < (column?.leafEnd ?? 0); leaf++) {
          const was = footer.chunk(groupIndex, leaf)
          const is = mini.chunk(0, at++)
          const run = plan.fetches.find((fetch) => fetch.start <= was.start && was.end <= fetch.end)
          const moved = is.start - was.start
          if (was.end > was.start) t.equal(moved, (run?.at ?? 0) - (run?.start ?? 0))
          t.match(is, {
            codec: was.codec,
            end: was.end + moved,
            dataPageOffset: was.dataPageOffset + moved,
            valueCount: was.valueCount,
            columnIndexOffset: 0,
            bloomFilterOffset: 0,
          })
        }
      }
    }
  }
})

t.test('chunks near each other are fetched together, others apart', async (t) => {
  const { object, footer } = open('codec_none')
  const all = [...footer.columns.keys()]
  const whole = planRowGroup({ footer, object, groupIndex: 0, columnIndexes: all })
  t.equal(whole.fetches.length, 1)
  const far = { ...footer, chunk: spreadChunks(footer, 1_000_000) }
  const apart = planRowGroup({ footer: far, object, groupIndex: 0, columnIndexes: all })
  t.equal(apart.fetches.length, all.length)
  const ends = apart.fetches.map((fetch) => fetch.at + fetch.end - fetch.start)
  t.strictSame([4, ...ends], [...apart.fetches.map((fetch) => fetch.at), apart.tailAt])
})

function spreadChunks(footer: ReturnType<typeof parseFooter>, distance: number) {
  return (groupIndex: number, leafIndex: number) => {
    const chunk = footer.chunk(groupIndex, leafIndex)
    const moved = leafIndex * distance
    return {
      ...chunk,
      start: chunk.start + moved,
      end: chunk.end + moved,
      dataPageOffset: chunk.dataPageOffset + moved,
    }
  }
}

t.test('no columns need no bytes', async (t) => {
  const { object, footer } = open('codec_none')
  const plan = planRowGroup({ footer, object, groupIndex: 1, columnIndexes: [] })
  t.strictSame(plan.fetches, [])
  t.strictSame(plan.columnNames, [])
  t.equal(plan.source, 'b/codec_none, row group 1')
})
