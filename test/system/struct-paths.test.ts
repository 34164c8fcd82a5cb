import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { defectsIn } from '../support/ask-table.ts'
import { goldenBytes } from '../support/columns-golden.ts'
import { flightClient } from '../support/flight-client.ts'
import { startStack } from '../support/start-stack.ts'

// Seconds alone, more beside others.
t.setTimeout(180_000)

const stack = await startStack()
t.teardown(() => stack.close())
const flight = flightClient(stack.grpc)
t.teardown(() => flight.close())
await stack.client.makeBucket('shop')
const put = (key: string, name: string) =>
  stack.client.putObject('shop', `tables/${key}`, Buffer.from(goldenBytes(name)))
await put('structs/a.parquet', 'structs')

interface Structs {
  readonly id: number
  readonly struct: { readonly a: number | null; readonly b: string | null } | null
  readonly struct_deep: {
    readonly a: { readonly b: { readonly c: number | null } | null } | null
    readonly Upper: number | null
  } | null
}

const table = { schema: 'shop', table: 'structs' }
const main = fileURLToPath(new URL('../../service/main.ts', import.meta.url))

/** One door after the other: the ids that each finds. */
const doors: Readonly<Record<string, (filter: string) => Promise<readonly number[]>>> = {
  async http(filter) {
    const query = new URLSearchParams({ ...table, filter, columns: 'id', format: 'csv' })
    const answer = await fetch(`${stack.http}/v1/read?${query.toString()}`)
    return idsIn(await answer.text())
  },
  async flight(filter) {
    const { rows } = await flight.read({ ...table, filter, columns: ['id'] })
    return rows.map(([id]) => Number(id))
  },
  async 'the command line'(filter) {
    const words = ['shop.structs', '--gateway', stack.grpc, '--columns', 'id', '--where', filter]
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import=tsx',
      main,
      'read',
      ...words,
    ])
    return idsIn(stdout)
  },
}

function idsIn(csv: string): readonly number[] {
  return csv.trim().split('\r\n').slice(1).map(Number)
}

const cases: readonly (readonly [string, (row: Structs) => boolean])[] = [
  ['struct.a > 1000', ({ struct }) => struct !== null && struct.a !== null && struct.a > 1000],
  ['struct.b IS NULL', ({ struct }) => struct === null || struct.b === null],
  ["STRUCT.B LIKE '%s%'", ({ struct }) => struct?.b?.includes('s') === true],
  [
    '"struct_deep".a.b.c BETWEEN 0 AND 1e3 OR struct_deep.upper = 1',
    ({ struct_deep: deep }) => {
      const c = deep?.a?.b?.c
      return (typeof c === 'number' && c >= 0 && c <= 1000) || deep?.Upper === 1
    },
  ],
  ['struct_deep.a IS NULL', ({ struct_deep: deep }) => deep === null || deep.a === null],
]

t.test('every door finds rows by fields of structs', async (t) => {
  const query = new URLSearchParams({ ...table, format: 'ndjson' })
  const lines = (await (await fetch(`${stack.http}/v1/read?${query.toString()}`)).text()).trim()
  const rows = lines.split('\n').map((line) => JSON.parse(line) as Structs)
  t.equal(rows.length, 60)
  for (const [filter, matches] of cases) {
    const expected = rows.filter(matches).map(({ id }) => id)
    t.ok(expected.length > 0 && expected.length < rows.length, `${filter} says something`)
    for (const [door, ask] of Object.entries(doors)) {
      t.strictSame(await ask(filter), expected, `${door}: ${filter}`)
    }
  }
})

t.test('statistics of a field leave row groups out', async (t) => {
  const plan = async (filter: string) => {
    const body = JSON.stringify({ ...table, filter })
    const answer = await fetch(`${stack.http}/v1/plan`, { method: 'POST', body })
    return answer.json() as Promise<{ ledger: { rowGroupsKept: number } }>
  }
  t.ok((await plan('struct.a IS NOT NULL')).ledger.rowGroupsKept > 0)
  t.equal((await plan("struct.b > '\u{10ffff}'")).ledger.rowGroupsKept, 0)
})

t.test('what a path does not lead to is said', async (t) => {
  const refusal = async (filter: string) => {
    const answer = await fetch(
      `${stack.http}/v1/read?${new URLSearchParams({ ...table, filter }).toString()}`,
    )
    return ((await answer.json()) as { error: { message: string } }).error.message
  }
  t.match(await refusal('struct.c = 1'), '"struct" has no field "c"')
  t.match(await refusal('struct_deep.uper = 1'), 'did you mean "Upper"?')
  t.match(await refusal('struct_deep.a.b.d.element = 1'), 'a path does not lead into lists')
  t.strictSame(defectsIn(stack), [])
})
