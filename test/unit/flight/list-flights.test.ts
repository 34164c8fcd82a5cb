import { create } from '@bufbuild/protobuf'
import t from 'tap'
import { CriteriaSchema } from '../../../proto/gen/arrow/flight/flight_pb.ts'
import type { ErrorCode } from '../../../service/errors.ts'
import { GatewayError } from '../../../service/errors.ts'
import { listFlights } from '../../../service/flight/list-flights.ts'
import type { TableFilter, TableQueries } from '../../../service/query/table-queries.ts'

const { signal } = new AbortController()

/** Tables that fail with the codes they are named after. */
function queriesOf(tables: readonly string[], asked: TableFilter[] = []) {
  const queries: Pick<TableQueries, 'listTables' | 'schemaOf'> = {
    async *listTables(filter) {
      asked.push(filter)
      for (const table of tables) yield { schema: 'lake', table }
    },
    async schemaOf({ table }) {
      if (table.table.startsWith('good')) {
        return { table, fields: [], schemaMessage: Buffer.from(table.table) }
      }
      throw new GatewayError(table.table as ErrorCode, 'as its name says')
    },
  }
  return queries
}

async function listed(tables: readonly string[], criteria: Uint8Array = Buffer.of()) {
  const names: string[] = []
  const request = create(CriteriaSchema, { expression: criteria })
  for await (const { flightDescriptor, schema } of listFlights(
    queriesOf(tables),
    request,
    signal,
  )) {
    names.push(`${flightDescriptor?.path.join('.')} ${Buffer.from(schema).toString()}`)
  }
  return names
}

t.test(
  'tables that cannot be read are listed without a schema, folders without files not',
  async (t) => {
    const tables = [
      'good a',
      'unreadable_file',
      'table_not_found',
      'unsupported',
      'too_large',
      'good b',
    ]
    t.strictSame(await listed(tables), [
      'lake.good a good a',
      'lake.unreadable_file ',
      'lake.unsupported ',
      'lake.too_large ',
      'lake.good b good b',
    ])
  },
)

t.test('a store that does not answer ends the listing', async (t) => {
  await t.rejects(listed(['good', 'unavailable']), { code: 'unavailable' })
  await t.rejects(listed(['forbidden']), { code: 'forbidden' })
})

t.test('criteria are JSON of schema, pattern and limit', async (t) => {
  const asked: TableFilter[] = []
  const given = { schema: 'lake', pattern: 'o*', limit: 5 }
  const expression = Buffer.from(JSON.stringify(given))
  await listFlights(queriesOf([], asked), create(CriteriaSchema, { expression }), signal).next()
  t.strictSame(asked, [given])
  for (const wrong of ['[]', 'x', '{"limit":-1}', '{"schema":""}', '{"Schema":"x"}']) {
    await t.rejects(listed([], Buffer.from(wrong)), { code: 'invalid_request' }, wrong)
  }
})
