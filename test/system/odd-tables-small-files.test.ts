import t from 'tap'
import { askTable, defectsIn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

const schema = 'crowd'
/** Folders with the same files in them. */
const parts = 4
const filesPerPart = 500
const rowsPerFile = 3
const rowsPerPart = filesPerPart * rowsPerFile
/** Uploads at the same time. */
const uploads = 32

// Two thousand uploads take their time on a busy machine.
t.setTimeout(120_000)

const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
await Promise.all(
  sequence(uploads).map(async (first) => {
    for (let at = first; at < filesPerPart; at += uploads) {
      const bytes = writeParquet([['id', longs(sequence(rowsPerFile, at * rowsPerFile))]])
      const name = String(at).padStart(5, '0')
      for (const part of sequence(parts)) {
        await stack.client.putObject(schema, `tables/tiny/part=${part}/${name}.parquet`, bytes)
      }
    }
  }),
)

t.test('many tiny files share one split and one block, their rows in order', async (t) => {
  const { rows, statistics } = await askTable(stack, { schema, table: 'tiny' })
  t.equal(rows.length, parts * rowsPerPart)
  const firstWrong = rows.findIndex(
    ([id, part], at) =>
      id !== String(at % rowsPerPart) || part !== String(Math.floor(at / rowsPerPart)),
  )
  t.equal(firstWrong, -1)
  t.match(statistics, { splits: 1, pages: 1, inlineBlocks: 1, spilledBlocks: 0, retries: 0 })
  t.match(statistics.invocations, { GetSplitsRequest: 1, ReadRecordsRequest: 1 })
})

t.test('files that cannot match are not in the split', async (t) => {
  const where = { part: 2, id: { ge: 300, lt: 400 } }
  const { rows, statistics } = await askTable(stack, { schema, table: 'tiny', where })
  t.strictSame(
    rows,
    sequence(100, 300).map((id) => [String(id), '2']),
  )
  t.ok(statistics.returnedRows <= 102, `${statistics.returnedRows} rows`)
  t.equal(statistics.splits, 1)
})

t.test('counting the rows of many files reads none of them', async (t) => {
  const { rows } = await askTable(stack, { schema, table: 'tiny', columns: [] })
  t.equal(rows.length, parts * rowsPerPart)
})

t.test('a partition column alone is answered from the folders', async (t) => {
  const asked = { schema, table: 'tiny', columns: ['part'], where: { part: { ge: 3 } } }
  const { rows } = await askTable(stack, asked)
  t.equal(rows.length, rowsPerPart)
  t.ok(rows.every(([part]) => part === '3'))
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
