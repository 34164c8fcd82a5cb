import t from 'tap'
import { askTable, defectsIn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

const schema = 'crowd'
const fileCount = 2_000
const rowsPerFile = 3
/** Uploads at the same time. */
const uploads = 32

// Two thousand uploads take their time on a busy machine.
t.setTimeout(120_000)

const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
await Promise.all(
  sequence(uploads).map(async (first) => {
    for (let at = first; at < fileCount; at += uploads) {
      const key = `tables/tiny/part=${Math.floor(at / 500)}/${String(at).padStart(5, '0')}.parquet`
      const bytes = writeParquet([['id', longs(sequence(rowsPerFile, at * rowsPerFile))]])
      await stack.client.putObject(schema, key, bytes)
    }
  }),
)
const rowCount = fileCount * rowsPerFile

t.test('many tiny files share one split and one block, their rows in order', async (t) => {
  const { rows, statistics } = await askTable(stack, { schema, table: 'tiny' })
  t.strictSame(
    rows,
    sequence(rowCount).map((id) => [String(id), String(Math.floor(id / rowsPerFile / 500))]),
  )
  t.match(statistics, { splits: 1, pages: 1, inlineBlocks: 1, spilledBlocks: 0, retries: 0 })
  t.match(statistics.invocations, { GetSplitsRequest: 1, ReadRecordsRequest: 1 })
})

t.test('files that cannot match are not in the split', async (t) => {
  const where = { part: 2, id: { ge: 3_300, lt: 3_400 } }
  const { rows, statistics } = await askTable(stack, { schema, table: 'tiny', where })
  t.strictSame(
    rows,
    sequence(100, 3_300).map((id) => [String(id), '2']),
  )
  t.ok(statistics.returnedRows <= 102, `${statistics.returnedRows} rows`)
  t.equal(statistics.splits, 1)
})

t.test('counting the rows of many files reads none of them', async (t) => {
  const { rows } = await askTable(stack, { schema, table: 'tiny', columns: [] })
  t.equal(rows.length, rowCount)
})

t.test('a partition column alone is answered from the folders', async (t) => {
  const asked = { schema, table: 'tiny', columns: ['part'], where: { part: { ge: 3 } } }
  const { rows } = await askTable(stack, asked)
  t.strictSame(
    rows,
    sequence(500 * rowsPerFile).map(() => ['3']),
  )
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
