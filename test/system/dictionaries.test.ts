import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Dictionary, Int32, tableFromIPC, Type, Utf8, vectorFromArray } from 'apache-arrow'
import type { DataType, Table } from 'apache-arrow'
import t from 'tap'
import { defectsIn } from '../support/ask-table.ts'
import { findPython, NO_PYTHON } from '../support/bench-python.ts'
import { goldenBytes } from '../support/columns-golden.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, sequence, texts, writeParquet } from '../support/write-parquet.ts'

// Seconds alone, more beside others.
t.setTimeout(180_000)

const stack = await startStack()
t.teardown(() => stack.close())
const { client, http, grpc } = stack
await client.makeBucket('shop')
const put = (key: string, bytes: Uint8Array) => client.putObject('shop', key, Buffer.from(bytes))

const coded = (values: readonly (string | null)[]) =>
  vectorFromArray([...values], new Dictionary(new Utf8(), new Int32()))
const rows = 60_000

/** Few words, those of each file others; words that are all different; none at all; and a column that is plain. */
function fileOf(number: number): Uint8Array {
  const ids = sequence(rows, number * rows)
  return writeParquet(
    [
      ['id', longs(ids)],
      ['color', coded(ids.map((id) => (id % 11 === 0 ? null : `color ${number} ${id % 7}`)))],
      ['key', coded(ids.map((id) => `this is the key number ${id * 7}`))],
      ['nothing', coded(ids.map(() => null))],
      ['plain', texts(ids.map((id) => `word ${id % 3}`))],
    ],
    { rowsPerGroup: 7_000 },
  )
}
for (const number of [0, 1, 2]) await put(`tables/words/${number}.parquet`, fileOf(number))
await put('tables/empty/a.parquet', writeParquet([['color', coded([])]]))
await put('tables/golden/a.parquet', goldenBytes('dictionaries'))
await put('tables/mixed/a.parquet', writeParquet([['color', coded(['a', 'b'])]]))
await put('tables/mixed/b.parquet', writeParquet([['color', texts(['c', 'a'])]]))

const python = findPython()
const script = join(import.meta.dirname, '../support/python/check_dictionaries.py')

t.test(
  'pyarrow reads kept dictionaries',
  { skip: python === undefined && NO_PYTHON },
  async (t) => {
    const kept = { words: 'color,key,nothing', empty: 'color', golden: 'dict_str', mixed: '' }
    for (const [table, names] of Object.entries(kept)) {
      const { stdout } = await promisify(execFile)(
        python ?? '',
        [script, grpc, http, 'shop', table, names],
        { timeout: 120_000 },
      )
      const checks = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { check: string; said: string; sizes?: number[] })
      for (const { check, said } of checks) t.equal(said, '', `${table}: ${check}`)
      t.equal(checks.length, 4 + 2 * names.split(',').filter(Boolean).length)
      if (table !== 'words') continue
      const sizes = checks.flatMap((one) => one.sizes ?? [])
      t.ok(sizes.includes(21), 'one dictionary holds the words of all files')
      t.ok(
        sizes.some((size) => size > 1_000) && Math.max(...sizes) < 3 * rows,
        'a long one begins again',
      )
    }
    t.strictSame(defectsIn(stack), [])
  },
)

async function read(request: object): Promise<Table<Record<string, DataType>>> {
  const answer = await fetch(`${http}/v1/read`, { method: 'POST', body: JSON.stringify(request) })
  t.equal(answer.status, 200)
  return tableFromIPC(new Uint8Array(await answer.arrayBuffer()))
}

t.test('JavaScript reads them too, with a filter, chosen columns and a limit', async (t) => {
  const asked = {
    schema: 'shop',
    table: 'words',
    columns: ['key', 'ID', 'color'],
    filter: "color LIKE 'color 2 %' AND key <> ''",
    limit: 5_000,
  }
  const [kept, plain] = [await read({ ...asked, dictionaries: true }), await read(asked)]
  t.strictSame(
    kept.schema.fields.map(({ name, typeId }) => [name, typeId]),
    [
      ['key', Type.Dictionary],
      ['id', Type.Int],
      ['color', Type.Dictionary],
    ],
  )
  t.equal(kept.numRows, 5_000)
  t.strictSame(kept.toArray().map(String), plain.toArray().map(String))
})

t.test('text has values, and a flag that is none is refused', async (t) => {
  const answer = async (query: string) =>
    (await fetch(`${http}/v1/read?schema=shop&table=mixed&${query}`)).text()
  t.equal(await answer('format=csv&dictionaries=true'), await answer('format=csv'))
  t.match(await answer('dictionaries=1'), /\\"dictionaries\\" is \\"1\\", expected true or false/)
})
