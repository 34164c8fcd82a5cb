import t, { type Test } from 'tap'
import { askTable, complaintOf, defectsIn, firstColumn } from '../support/ask-table.ts'
import { goldenBytes } from '../support/golden-files.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

const schema = 'damaged'
const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)

const good = writeParquet([['id', longs(sequence(5))]])
const more = writeParquet([['id', longs(sequence(5, 5))]])
const ids = sequence(10).map(String)

async function putTable(
  table: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await stack.client.putObject(schema, `tables/${table}/${name}`, Buffer.from(bytes))
  }
}

await putTable('healthy', { 'a.parquet': good, 'b.parquet': more })

/** A test after which the service still answers, and has no defect to report. */
function trial(name: string, run: (t: Test) => Promise<void>): void {
  void t.test(name, async (t) => {
    await run(t)
    t.strictSame(await firstColumn(stack, { schema, table: 'healthy' }), ids, 'the service lives')
    t.strictSame(defectsIn(stack), [])
  })
}

trial('objects that are no data lie beside good files and are passed over', async (t) => {
  await putTable('littered', {
    'a.parquet': good,
    'b.parquet': more,
    'empty.parquet': '',
    _SUCCESS: '',
    '_SUCCESS.parquet': good,
    '_temporary/0/task.parquet': good,
    '_committed_42.parquet': 'not parquet',
    '.hidden.parquet': good,
    '.staging/x.parquet': good,
    '.a.parquet.crc': 'crc',
    'a.parquet.crc': 'crc',
    'a.parquet.tmp': good,
    'notes.txt': 'text',
    README: 'no suffix, and not data either',
    tiny: 'PAR1',
    'sub/': '',
  })
  t.strictSame(await firstColumn(stack, { schema, table: 'littered' }), ids)
})

trial('data is known by its suffix in any case, or by the magic when it has none', async (t) => {
  const part = (start: number) => writeParquet([['id', longs([start, start + 1])]])
  await putTable('suffixes', {
    '0.PARQUET': part(0),
    '1.Parq': part(2),
    '2.pq': part(4),
    '3.parquet.PQ': part(6),
    '400000_0': part(8),
    'deep/er/500000_0': part(10),
  })
  const all = sequence(12).map(String)
  t.strictSame(await firstColumn(stack, { schema, table: 'suffixes' }), all)
})

trial('files without rows, and without row groups, add nothing', async (t) => {
  await putTable('rowless', {
    'a.parquet': good,
    'aa.parquet': writeParquet([['id', longs([])]]),
    'b.parquet': more,
  })
  t.strictSame(await firstColumn(stack, { schema, table: 'rowless' }), ids)
})

trial('a table of which no file has rows has columns and no rows', async (t) => {
  await putTable('hollow', { 'a.parquet': writeParquet([['id', longs([])]]) })
  const { columns, rows } = await askTable(stack, { schema, table: 'hollow' })
  t.strictSame([columns.map(({ name }) => name), rows], [['id'], []])
  const counted = await askTable(stack, { schema, table: 'hollow', columns: [] })
  t.equal(counted.rows.length, 0)
})

const flipped = Buffer.from(good)
flipped.fill(0xff, 4, 40)
const broken: Readonly<Record<string, readonly [Uint8Array | string, code: RegExp]>> = {
  truncated: [good.subarray(0, good.length - 9), /^unreadable_file: /],
  beheaded: [good.subarray(9), /^unreadable_file: /],
  one_byte: ['x', /^unreadable_file: /],
  junk: ['<html>moved permanently</html>'.repeat(100), /^unreadable_file: /],
  magic_only: ['PAR1PAR1PAR1', /^unreadable_file: /],
  encrypted: [Buffer.from(goldenBytes('broken/encrypted_footer')), /^unsupported: /],
  damaged_pages: [flipped, /^unreadable_file: /],
}

for (const [kind, [bytes, code]] of Object.entries(broken)) {
  trial(`a ${kind} file beside good ones is a typed error that names it`, async (t) => {
    await putTable(kind, { 'a.parquet': good, 'b-bad.parquet': bytes, 'c.parquet': more })
    const said = await complaintOf(stack, { schema, table: kind })
    t.match(said, code)
    t.match(said, `${schema}/tables/${kind}/b-bad.parquet`)
    t.notMatch(said, /[\r\n]|\bat .*:\d+:\d+/, 'one line, no stack')
    await stack.client.removeObject(schema, `tables/${kind}/b-bad.parquet`)
    t.strictSame(await firstColumn(stack, { schema, table: kind }), ids, 'without it all is well')
  })
}

trial('damage that the sample of footers did not see is told when it is read', async (t) => {
  const names = sequence(40).map((at) => `part-${String(at).padStart(3, '0')}.parquet`)
  await putTable('sampled', Object.fromEntries(names.map((name) => [name, good])))
  await putTable('sampled', { 'part-011.parquet': 'junk, but named like data' })
  const said = await complaintOf(stack, { schema, table: 'sampled' })
  t.match(said, /^unreadable_file: /)
  t.match(said, 'tables/sampled/part-011.parquet')
})

trial('a folder that holds no data file is no table to read', async (t) => {
  await putTable('nothing', { 'notes.txt': 'x', 'empty.parquet': '', _SUCCESS: '' })
  const said = await complaintOf(stack, { schema, table: 'nothing' })
  t.match(said, /^table_not_found: /)
  t.match(said, `${schema}.nothing`)
})

trial('a table and a schema that do not exist are named', async (t) => {
  t.match(await complaintOf(stack, { schema, table: 'absent' }), /^table_not_found: .*absent/)
  const said = await complaintOf(stack, { schema: 'no-such-bucket', table: 'absent' })
  t.match(said, /^table_not_found: .*no-such-bucket/)
})

trial('names that look like paths or prototypes are names of no table', async (t) => {
  for (const table of ['../damaged', 'healthy/', '', '.', '__proto__', 'constructor', 'a\0b']) {
    t.match(await complaintOf(stack, { schema, table }), /^table_not_found: /, table)
  }
  for (const name of ['../x', '', '__proto__', 'damaged/tables', 'DAMAGED/']) {
    t.match(await complaintOf(stack, { schema: name, table: 'healthy' }), /^table_not_found: /)
  }
})
