import t from 'tap'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'
import { brokenCodes, goldenBytes, goldenNames, goldenRows } from '../support/columns-golden.ts'
import { failureOf } from '../support/federation-client.ts'
import { flightClient } from '../support/flight-client.ts'
import { defectsIn } from '../support/ask-table.ts'
import { startStack } from '../support/start-stack.ts'

/** Every golden file is a table of its own in this bucket. */
const schema = 'golden'
const stack = await startStack()
const flight = flightClient(stack.grpc)
t.teardown(async () => {
  flight.close()
  await stack.close()
})
await stack.client.makeBucket(schema)
await Promise.all(
  goldenNames().map((name) =>
    stack.client.putObject(schema, `tables/${name}/a.parquet`, Buffer.from(goldenBytes(name))),
  ),
)

/** The columns as the file's footer has them, dictionaries decoded. */
function fieldsOf(name: string): readonly Field[] {
  const bytes = goldenBytes(name)
  const object = { bucket: schema, key: name, etag: '', sizeBytes: bytes.length }
  return parseFooter(bytes, object).columns.map(({ field }) => {
    const { type } = field
    return type.kind === 'dictionary' ? { ...field, type: type.value } : field
  })
}

for (const name of goldenNames()) {
  t.test(`${name} reads back equal in type and value`, async (t) => {
    const { fields, rows } = await flight.read({ schema, table: name })
    t.strictSame(rows, goldenRows(name))
    t.strictSame(fields, fieldsOf(name))
  })
}

for (const [name, codes] of brokenCodes()) {
  t.test(`${name} is a typed error, and the service goes on`, async (t) => {
    const table = name.replace('/', '_')
    const bytes = Buffer.from(goldenBytes(name))
    await stack.client.putObject(schema, `tables/${table}/a.parquet`, bytes)
    const { code, details } = await failureOf(flight.read({ schema, table }))
    t.ok(codes.includes(code ?? ''), `${code}: ${details}`)
    t.match(details, `golden/tables/${table}/a.parquet`, 'the file is named')
    t.equal((await flight.read({ schema, table: 'one_row' })).rows.length, 1)
  })
}

t.test('columns that differ only by case are read under their own names', async (t) => {
  const { fields } = await flight.read({ schema, table: 'case_twins' })
  for (const { name } of fields) {
    const { rows } = await flight.read({ schema, table: 'case_twins', columns: [name] })
    const at = fields.findIndex((field) => field.name === name)
    t.strictSame(
      rows.flat(),
      goldenRows('case_twins').map((row) => row[at]),
    )
  }
})

t.test('no cause of an error was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
