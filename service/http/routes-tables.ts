import type { FastifyPluginAsync } from 'fastify'
import type { Caller } from '../credentials/caller.ts'
import type { Field } from '../arrow/arrow-type.ts'
import { formatType } from '../arrow/format-type.ts'
import type { PlannedTable, TableFacts, TableQueries } from '../query/table-queries.ts'
import { parseTableRequest, REQUEST_BYTES_MAX } from '../query/table-request.ts'
import { apiSchemas } from './api-schemas.ts'
import { callerOf } from './identify-requests.ts'
import { requestSignal } from './request-signal.ts'

export interface TableRoutesOptions {
  readonly queriesFor: (caller: Caller) => TableQueries
  /** Aborts when the service ends. */
  readonly closing: AbortSignal
}

interface TablePlace {
  readonly schema: string
  readonly table: string
}

/** `/v1/schemas…`: what there is; `/v1/plan`: what a read would do. */
export const tableRoutes: FastifyPluginAsync<TableRoutesOptions> = async (
  app,
  { queriesFor, closing },
) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: REQUEST_BYTES_MAX }, keepBytes)
  app.get('/v1/schemas', apiSchemas.schemas, async (request, { raw }) => ({
    schemas: await queriesFor(callerOf(request)).listSchemas(requestSignal(raw, closing)),
  }))
  app.get<{ Params: TablePlace; Querystring: { pattern?: string; limit?: number } }>(
    '/v1/schemas/:schema/tables',
    apiSchemas.tables,
    async (request, { raw }) => {
      const { schema } = request.params
      const tables: string[] = []
      const signal = requestSignal(raw, closing)
      for await (const { table } of queriesFor(callerOf(request)).listTables(
        { schema, ...request.query },
        signal,
      )) {
        tables.push(table)
      }
      return { schema: schema.toLowerCase(), tables }
    },
  )
  app.get<{ Params: TablePlace }>(
    '/v1/schemas/:schema/tables/:table',
    apiSchemas.table,
    async (request, { raw }) =>
      describedTable(
        await queriesFor(callerOf(request)).describe(request.params, requestSignal(raw, closing)),
      ),
  )
  app.post<{ Body: Uint8Array | undefined }>(
    '/v1/plan',
    apiSchemas.plan,
    async (request, { raw }) => {
      const asked = parseTableRequest(request.body ?? new Uint8Array(0))
      return plannedTable(
        await queriesFor(callerOf(request)).plan(asked, requestSignal(raw, closing)),
      )
    },
  )
}

function keepBytes(_: unknown, body: Buffer, done: (error: null, body: Buffer) => void): void {
  done(null, body)
}

/** A table as JSON has it. */
export function describedTable(facts: TableFacts) {
  const { table, fields, partitionColumns, fileCount, fileBytes, rowCount } = facts
  return {
    ...table,
    columns: fields.map((field) => ({
      ...describedColumn(field),
      partition: partitionColumns.includes(field.name),
    })),
    files: fileCount,
    bytes: fileBytes,
    rows: rowCount,
    partitions: facts.partitionCount,
    conflicts: facts.conflicts.map((conflict) => ({ ...conflict })),
  }
}

function describedColumn({ name, type, nullable }: Field) {
  return { name, type: formatType(type), nullable }
}

/** A plan as JSON has it; tickets in base64. */
export function plannedTable({
  table,
  fields,
  endpoints,
  rowCount,
  ledger,
  expiresMs,
}: PlannedTable) {
  return {
    ...table,
    columns: fields.map(describedColumn),
    rows: rowCount,
    splits: endpoints.map((endpoint) => ({
      ticket: Buffer.from(endpoint.ticket).toString('base64'),
      rows: endpoint.rowCount,
      rowGroups: endpoint.rowGroupCount,
      decodedBytes: endpoint.decodedBytes,
    })),
    expires: new Date(expiresMs).toISOString(),
    ledger,
  }
}
