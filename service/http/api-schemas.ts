import { LISTED_MAX } from '../query/table-queries.ts'
import { ENDPOINTS_MAX } from '../query/table-request.ts'
import { answerFormats, mediaTypes } from './answer-format.ts'
import type { RouteDescription } from './open-api.ts'

const text = { type: 'string' } as const
const count = { type: 'integer', minimum: 0 } as const
const unknownCount = { type: ['integer', 'null'], minimum: 0 } as const
const listOf = <Items extends object>(items: Items) => ({ type: 'array', items }) as const

function objectOf(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false } as const
}

const column = { name: text, type: text, nullable: { type: 'boolean' } }

const requestProperties = {
  schema: text,
  table: text,
  columns: { ...listOf(text), description: 'In the order of the answer; absent: all.' },
  filter: {
    ...text,
    description:
      "A SQL condition over the table's columns, such as price > 10 AND day = DATE '2026-11-02'.",
  },
  limit: { ...count, description: 'Rows of the whole answer.' },
  endpoints: { ...count, minimum: 1, maximum: ENDPOINTS_MAX, description: 'Splits of a plan.' },
  dictionaries: {
    type: 'boolean',
    description: 'Arrow only: columns that are dictionary-encoded in the files stay so.',
  },
}
const request = objectOf(requestProperties, [
  'columns',
  'filter',
  'limit',
  'endpoints',
  'dictionaries',
])

const place = objectOf({ schema: text, table: text })
const schemaPlace = objectOf({ schema: text })

const rows = Object.fromEntries(
  answerFormats.map((format) => [mediaTypes[format].type, { type: 'string', format: 'binary' }]),
)

/** What each route takes and gives; checked by the server where it stands under `schema`, told by `/openapi.json`. */
export const apiSchemas = {
  schemas: described({
    summary: 'Names of the schemas',
    answer: objectOf({ schemas: listOf(text) }),
  }),
  tables: {
    schema: {
      params: schemaPlace,
      querystring: objectOf(
        {
          pattern: { ...text, description: 'A name with * for any characters and ? for one.' },
          limit: { type: 'integer', minimum: 1, maximum: LISTED_MAX },
        },
        ['pattern', 'limit'],
      ),
    },
    ...described({
      summary: 'Names of the tables of a schema',
      answer: objectOf({ schema: text, tables: listOf(text) }),
    }),
  },
  table: {
    schema: { params: place },
    ...described({
      summary: 'Columns and size of a table',
      answer: objectOf({
        schema: text,
        table: text,
        columns: listOf(objectOf({ ...column, partition: { type: 'boolean' } })),
        files: unknownCount,
        bytes: unknownCount,
        rows: unknownCount,
        partitions: unknownCount,
        conflicts: listOf({ type: 'object' }),
      }),
    }),
  },
  plan: described({
    summary: 'What a read would do: splits and the ledger, no data',
    body: request,
    answer: objectOf({
      schema: text,
      table: text,
      columns: listOf(objectOf(column)),
      rows: unknownCount,
      splits: listOf(
        objectOf({
          ticket: text,
          rows: unknownCount,
          rowGroups: count,
          decodedBytes: unknownCount,
        }),
      ),
      expires: { ...text, format: 'date-time' },
      ledger: { type: 'object' },
    }),
  }),
  read: described({
    summary: 'Rows, as an Arrow stream, CSV or NDJSON by Accept',
    body: request,
    content: rows,
  }),
  link: described({
    summary: 'Rows, for links',
    parameters: {
      ...requestProperties,
      columns: { ...text, description: 'Names with commas between them.' },
      column: { ...listOf(text), description: 'One name each time, for names with commas.' },
      format: { type: 'string', enum: answerFormats, description: 'Else by Accept.' },
    },
    required: ['schema', 'table'],
    content: rows,
  }),
}

function described(api: RouteDescription) {
  return { config: { api } }
}
