import t from 'tap'
import { functionFailure } from '../../service/athena/invoke.ts'
import type { ResultColumn } from '../../service/athena/query.ts'
import type { Plain } from '../support/athena-rows.ts'
import { expectedValue, plainValue } from '../support/athena-rows.ts'
import {
  brokenFiles,
  goldenBytes,
  goldenNames,
  goldenRows,
  goldenSchema,
} from '../support/golden-files.ts'
import { startStack } from '../support/start-stack.ts'

/** Every golden file is a table of its own in this bucket, every broken one too. */
const schema = 'golden'
const signal = AbortSignal.timeout(120_000)
/** Two of its columns differ only by case; an error that names both is the right answer. */
const twins = 'case_twins'

const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
await Promise.all(
  goldenNames().map((name) =>
    stack.client.putObject(
      schema,
      `tables/${name}/${name}.parquet`,
      Buffer.from(goldenBytes(name)),
    ),
  ),
)

async function read(table: string): Promise<{ columns: readonly ResultColumn[]; rows: Plain[][] }> {
  const result = await stack.engine().query({ schema, table }, signal)
  const rows: Plain[][] = []
  for await (const row of result.rows()) {
    rows.push(result.columns.map(({ type }, index) => plainValue(row[index] ?? null, type)))
  }
  return { columns: result.columns, rows }
}

/** What the function said when it failed. */
async function failureOf(table: string): Promise<string> {
  try {
    const { rows } = await read(table)
    return `${rows.length} rows`
  } catch (error) {
    return functionFailure(error)?.errorMessage ?? String(error)
  }
}

for (const name of goldenNames().filter((name) => name !== twins)) {
  t.test(`${name} gives its rows through shim, gateway and MinIO`, async (t) => {
    const { columns, rows } = await read(name)
    const described = goldenSchema(name).columns
    t.strictSame(
      columns.map((column) => column.name),
      described.map((column) => column.name.toLowerCase()),
    )
    const expected = goldenRows(name).map((row) =>
      columns.map(({ type }, index) =>
        expectedValue(row[index] ?? null, type, described[index]?.type ?? ''),
      ),
    )
    t.strictSame(rows, expected)
  })
}

t.test('two columns that differ only by case are an error that names both', async (t) => {
  const said = await failureOf(twins)
  t.match(said, /^unsupported: /)
  for (const { name } of goldenSchema(twins).columns) t.match(said, `"${name}"`)
})

for (const [name, codes] of brokenFiles()) {
  t.test(`broken/${name} is a typed error, and the service goes on`, async (t) => {
    const table = `broken_${name}`
    const bytes = Buffer.from(goldenBytes(`broken/${name}`))
    await stack.client.putObject(schema, `tables/${table}/${name}.parquet`, bytes)
    const said = await failureOf(table)
    const code = said.split(':')[0]
    t.ok(
      codes.some((right) => right === code),
      said,
    )
    t.match(said, `${name}.parquet`, 'the file is named')
    const { rows } = await read('one_row')
    t.equal(rows.length, 1)
  })
}

t.test('no cause of an error was a defect of ours', async (t) => {
  t.strictSame(
    stack.log.filter((line) => line.includes('internal error')),
    [],
  )
})
