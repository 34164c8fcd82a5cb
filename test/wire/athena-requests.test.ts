import { readFile } from 'node:fs/promises'
import { DateMillisecond, Field, Int32, Int64, Schema, Utf8 } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import t from 'tap'
import { decodeBlock } from '../../service/athena/arrow-blocks.ts'
import { encodeSchema } from '../../service/athena/arrow-messages.ts'
import {
  getSplitsRequest,
  getTableLayoutRequest,
  getTableRequest,
  listTablesRequest,
  pingRequest,
  readRecordsRequest,
} from '../../service/athena/requests.ts'
import type { BlockJson, Serde } from '../../service/athena/responses.ts'
import { cellReader, rowFormatter } from '../../service/athena/rows.ts'
import { summaryJson } from '../../service/athena/value-sets.ts'
import { columnFilters } from '../../service/athena/where.ts'
import type { Where } from '../../service/athena/where.ts'

const golden = new URL('../golden/athena/', import.meta.url)

const identity = {
  account: '1',
  arn: 'arn:aws:iam::1:user/u',
  tags: { team: 'x' },
  groups: ['g1'],
  configOptions: {},
}
const table = { schemaName: 's', tableName: 't' }
const field = (name: string, type: DataType) => new Field(name, type, true)

/** What the golden requests ask, in our words. */
const where: Where = {
  a_eq: 5,
  b_in: { in: ['x', 'y'] },
  c_gt: { gt: 5 },
  d_between: { ge: 1, lt: 9 },
  e_isnull: { isNull: true },
  f_notnull: { isNotNull: true },
  g_all: { orNull: true },
  h_none: { in: [] },
  i_neq: { ne: 5, orNull: true },
  j_ts: { le: '2024-02-29T12:00:00.000' },
  k_equatable: { in: ['q', 'r'], as: 'values' },
  l_aon: { isNotNull: true, as: 'all_or_none' },
}
const types: Readonly<Record<string, DataType>> = {
  b_in: new Utf8(),
  c_gt: new Int64(),
  j_ts: new DateMillisecond(),
  k_equatable: new Utf8(),
  l_aon: new Utf8(),
}
const columns = new Schema(
  Object.keys(where).map((name) => field(name, types[name] ?? new Int32())),
)

/** The JSON with every block opened: two writers need not agree on Arrow's bytes. */
function opened(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(opened)
  if (typeof json !== 'object' || json === null) return json
  if ('aId' in json && 'records' in json) {
    const block = decodeBlock(json as BlockJson & object, 'a value block')
    const format = rowFormatter(block.schema.fields)
    const cells = block.columns.map(cellReader)
    return {
      fields: block.schema.fields.map(String),
      framing: block.framing,
      metadataVersion: block.metadataVersion,
      rows: Array.from({ length: block.rowCount }, (_, row) =>
        format(cells.map((cell) => cell(row))),
      ),
    }
  }
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, opened(value)]))
}

for (const serde of [2, 4, 5, 6] as const)
  t.test(`asks for a layout as the reference does, serde ${serde}`, async (t) => {
    const text = await readFile(new URL(`java_layoutreq_v${serde}.json`, golden), 'utf8')
    const wanted = JSON.parse(text) as {
      schema: string
      constraints: Record<string, unknown>
    }
    // Expressions, order and limit are parts that this client never pushes down together with filters.
    if (serde >= 4)
      Object.assign(wanted.constraints, { expression: [], orderByClause: [], limit: -1 })
    const context = { identity, queryId: 'q', catalogName: 'cat', serde }
    const framing = serde === 2 ? 'legacy' : 'modern'
    const summary = summaryJson(columnFilters(where, columns), framing)
    const request = getTableLayoutRequest(context, {
      table,
      pushdown: { summary },
      schema: wanted.schema,
      partitionColumns: [],
    })
    t.equal(JSON.stringify(opened(request)), JSON.stringify(opened(wanted)))
  })

const keys = (event: object) => Object.keys(event).join(' ')
const contextOf = (serde: Serde) => ({ identity, queryId: 'q', catalogName: 'cat', serde })

t.test('requests have their keys in the order of the protocol', async (t) => {
  const context = contextOf(6)
  t.equal(keys(pingRequest(context)), '@type identity catalogName queryId')
  const page = { schemaName: 's', nextToken: null, pageSize: -1 }
  t.equal(
    keys(listTablesRequest(context, page)),
    '@type identity queryId catalogName schemaName nextToken pageSize',
  )
  const getTable = '@type identity queryId catalogName tableName'
  t.equal(keys(getTableRequest(contextOf(4), table)), getTable)
  t.equal(keys(getTableRequest(contextOf(5), table)), `${getTable} queryPassthroughArguments`)
  const asked = { table, pushdown: { summary: {} }, partitionColumns: [] }
  const partitions = { aId: 'a', schema: '', records: '' }
  t.equal(
    keys(getSplitsRequest(context, { ...asked, partitions, continuationToken: null })),
    '@type identity queryId catalogName tableName partitions partitionColumns constraints continuationToken',
  )
})

t.test(
  'a split goes back as it came, sizes as decimal strings, a limit only when there is one',
  async (t) => {
    const split = {
      spillLocation: { bucket: 'b', key: 'k', directory: true },
      encryptionKey: { key: 'AAAA', nonce: 'BBBB' },
      properties: { file: 'x' },
    }
    const schema = encodeSchema(columns, 'modern').toString('base64')
    const request = readRecordsRequest(contextOf(5), {
      table,
      pushdown: { summary: {}, limit: 7 },
      schema,
      split,
      maxBlockBytes: 16_000_000,
      maxInlineBytes: 5_242_880,
    })
    t.equal(
      keys(request),
      '@type identity queryId catalogName tableName schema split constraints maxBlockSize maxInlineBlockSize',
    )
    t.equal(
      JSON.stringify(request['split']),
      '{"spillLocation":{"@type":"S3SpillLocation","bucket":"b","key":"k","directory":true},"encryptionKey":{"key":"AAAA","nonce":"BBBB"},"properties":{"file":"x"}}',
    )
    t.equal(request['maxBlockSize'], '16000000')
    t.equal(
      JSON.stringify(request['constraints']),
      '{"summary":{},"expression":[],"orderByClause":[],"limit":7,"queryPassthroughArguments":{}}',
    )
  },
)
