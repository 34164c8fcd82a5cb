import { Int64, makeData, Vector } from 'apache-arrow'
import t from 'tap'
import { functionFailure, invokeInProcess } from '../../service/athena/invoke.ts'
import { askTable, defectsIn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'
import { sequence, writeParquet } from '../support/write-parquet.ts'

const schema = 'paged'
const table = 'long'
const query = { schema, table }
const signal = AbortSignal.timeout(120_000)
t.setTimeout(120_000)

/** Zeros: a few hundred bytes in the file, a whole split each when they are decoded. */
const rowsPerGroup = 131_072
const groupsPerFile = 4
const fileCount = 251
const splitCount = fileCount * groupsPerFile
/** What the shim asks for at once. */
const pageSplits = 1_000

const stack = await startStack({ gateway: { SPILLWAY_SPLIT_BYTES: '1MiB' } })
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
const length = rowsPerGroup * groupsPerFile
const zeros = new Vector([makeData({ type: new Int64(), length, data: new BigInt64Array(length) })])
const bytes = writeParquet([['zero', zeros]], { rowsPerGroup })
const keys = sequence(fileCount).map((at) => `tables/${table}/${String(at).padStart(4, '0')}.pq`)
for (const key of keys) await stack.client.putObject(schema, key, bytes)
const lastKey = keys.at(-1) ?? ''

/** Plans the table; between its pages `change` happens. */
async function planWith(change: () => Promise<unknown>) {
  const tickets = new Set<string>()
  const invoke = invokeInProcess(stack.handler)
  let pages = 0
  const engine = stack.engine({
    invoke: async (event, abort) => {
      const answer = await invoke(event, abort)
      const { splits } = answer as { splits?: { properties: { ticket: string } }[] }
      if (splits === undefined) return answer
      for (const { properties } of splits) tickets.add(properties.ticket)
      if (++pages === 1) await change()
      return answer
    },
  })
  const result = await engine.query(query, signal)
  return { result, tickets: tickets.size }
}

/** What the function said when the plan failed. */
async function complaintWith(change: () => Promise<unknown>): Promise<string | undefined> {
  const failure = await planWith(change).then(() => undefined, functionFailure)
  return failure?.errorMessage
}

t.test('a long plan comes in pages, each split once', async (t) => {
  const { result, tickets } = await planWith(async () => {})
  t.match(result.statistics, { splits: splitCount, pages: 2 })
  t.equal(tickets, splitCount)
  t.ok(splitCount > pageSplits)
  const { rows } = await askTable(stack, { ...query, limit: 3 })
  t.strictSame(rows, [['0'], ['0'], ['0']])
})

t.test('a file that comes between pages is left for the next plan', async (t) => {
  const added = [`tables/${table}/0000-early.pq`, `tables/${table}/9999-late.pq`]
  const { result } = await planWith(async () => {
    for (const key of added) await stack.client.putObject(schema, key, bytes)
  })
  t.equal(result.statistics.splits, splitCount)
  for (const key of added) await stack.client.removeObject(schema, key)
})

t.test('a file that is replaced or deleted between pages, before its turn, is told', async (t) => {
  const replaced = writeParquet([['zero', zeros]], { rowsPerGroup: rowsPerGroup / 2 })
  const changes = [
    () => stack.client.putObject(schema, lastKey, replaced),
    () => stack.client.removeObject(schema, lastKey),
  ]
  for (const change of changes) {
    const said = await complaintWith(change)
    t.match(said, /^object_changed: .*paged\.long .*plan again/)
    await stack.client.putObject(schema, lastKey, bytes)
  }
  const { result } = await planWith(async () => {})
  t.equal(result.statistics.splits, splitCount)
})

t.test('a file that is deleted after its page is told when it is read', async (t) => {
  const [firstKey = ''] = keys
  const { result } = await planWith(() => stack.client.removeObject(schema, firstKey))
  t.equal(result.statistics.splits, splitCount)
  const failure = await result
    .batches()
    .next()
    .then(() => undefined, functionFailure)
  t.match(failure?.errorMessage, /^object_changed: .*\/0000\.pq .*plan again/)
  await stack.client.putObject(schema, firstKey, bytes)
})

t.test('none of it was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
