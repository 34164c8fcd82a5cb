// An Arrow stream in Node: node node_stream.mjs http://127.0.0.1:8080 SCHEMA TABLE
import { RecordBatchReader } from 'apache-arrow'

const [gateway, schema, table] = process.argv.slice(2)
const body = JSON.stringify({ schema, table, filter: 'n >= 10' })
const answer = await fetch(`${gateway}/v1/read`, { method: 'POST', body })
if (!answer.ok) throw new Error(await answer.text())
let rows = 0
for await (const batch of await RecordBatchReader.from(answer)) rows += batch.numRows
process.stdout.write(`${rows}\n`)
