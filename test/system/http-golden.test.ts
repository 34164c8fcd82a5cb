import t from 'tap'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { decodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'
import { defectsIn } from '../support/ask-table.ts'
import type { Canonical } from '../support/columns-canonical.ts'
import { canonicalRows } from '../support/columns-canonical.ts'
import { columnsFromIpc } from '../support/columns-from-ipc.ts'
import { brokenCodes, goldenBytes, goldenNames, goldenRows } from '../support/columns-golden.ts'
import { rowsFromCsv, rowsFromNdjson } from '../support/rows-from-text.ts'
import { startStack } from '../support/start-stack.ts'

const schema = 'golden'
// Seconds alone, more beside others.
t.setTimeout(180_000)

const stack = await startStack()
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
await Promise.all(
  goldenNames().map((name) =>
    stack.client.putObject(schema, `tables/${name}/a.parquet`, Buffer.from(goldenBytes(name))),
  ),
)

function ask(table: string, accept: string): Promise<Response> {
  const body = JSON.stringify({ schema, table })
  return fetch(`${stack.http}/v1/read`, { method: 'POST', body, headers: { accept } })
}

function fieldsOf(name: string): readonly Field[] {
  const bytes = goldenBytes(name)
  const object = { bucket: schema, key: name, etag: '', sizeBytes: bytes.length }
  return parseFooter(bytes, object).columns.map(({ field }) => {
    const { type } = field
    return type.kind === 'dictionary' ? { ...field, type: type.value } : field
  })
}

/** Schema and rows of an Arrow stream; the messages are told apart by their own lengths. */
function readStream(stream: Buffer): { fields: readonly Field[]; rows: readonly Canonical[][] } {
  const schemaEnd = 8 + stream.readInt32LE(4)
  const { fields } = decodeSchemaMessage(stream.subarray(0, schemaEnd))
  const end = stream.length - 8
  if (stream.readInt32LE(end) !== -1 || stream.readInt32LE(end + 4) !== 0) throw new Error('no end')
  if (schemaEnd === end) return { fields, rows: [] }
  const batches = columnsFromIpc(fields, [stream.subarray(schemaEnd)])
  return { fields, rows: batches.flatMap((batch) => canonicalRows(batch.columns, batch.rowCount)) }
}

/** Text is JSON, so a file with bytes that are no text has none. */
const textOnly = (name: string) => !JSON.stringify(goldenRows(name)).includes('invalid_utf8')

for (const name of goldenNames()) {
  t.test(`${name} reads back equal as Arrow, CSV and NDJSON`, async (t) => {
    const arrow = await ask(name, '*/*')
    t.equal(arrow.headers.get('content-type'), 'application/vnd.apache.arrow.stream')
    const { fields, rows } = readStream(Buffer.from(await arrow.arrayBuffer()))
    t.strictSame(rows, goldenRows(name), 'Arrow')
    t.strictSame(fields, fieldsOf(name), 'types')
    const [csv, ndjson] = [await ask(name, 'text/csv'), await ask(name, 'application/x-ndjson')]
    if (!textOnly(name)) {
      t.strictSame([csv.status, ndjson.status], [422, 422])
      return
    }
    t.strictSame(rowsFromCsv(fields, await csv.text()), goldenRows(name), 'CSV')
    t.strictSame(rowsFromNdjson(fields, await ndjson.text()), goldenRows(name), 'NDJSON')
  })
}

for (const [name, codes] of brokenCodes()) {
  t.test(`${name} is a typed error, never a short answer`, async (t) => {
    const table = name.replace('/', '_')
    const bytes = Buffer.from(goldenBytes(name))
    await stack.client.putObject(schema, `tables/${table}/a.parquet`, bytes)
    for (const accept of ['*/*', 'text/csv']) {
      const response = await ask(table, accept)
      const answer = response.text()
      if (response.status === 200) {
        await t.rejects(answer, 'cut off')
        continue
      }
      const { error } = JSON.parse(await answer) as { error: { code: string; message: string } }
      t.ok(codes.includes(error.code), `${error.code}: ${error.message}`)
      t.match(error.message, `golden/tables/${table}/a.parquet`, 'the file is named')
    }
  })
}

t.test('no cause of an error was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
