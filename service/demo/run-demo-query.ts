import { alignedTable } from '../arrow/aligned-table.ts'
import type { Athena } from '../athena/engine.ts'
import type { QueryResult } from '../athena/query.ts'
import { formatter } from '../athena/rows.ts'
import type { DemoQuery } from './demo-queries.ts'
import { growth, scrapeMetrics } from './scrape-metrics.ts'
import type { SeededTable } from './seed-store.ts'
import { demoNames } from './seed-store.ts'

const ROWS_SHOWN = 4
const COUNT = new Intl.NumberFormat('en-US')

export interface DemoBench {
  readonly athena: Athena
  readonly gatewayUrl: string
  readonly tables: readonly SeededTable[]
  readonly rowGroupsOf: (table: SeededTable) => number
  readonly progress: (text: string) => void
}

/** Runs a query as Athena would and says what it cost, as lines of text. */
export async function runDemoQuery(
  query: DemoQuery,
  bench: DemoBench,
  signal: AbortSignal,
): Promise<string> {
  const before = await scrapeMetrics(bench.gatewayUrl)
  const { table, columns, where, limit } = query
  const result = await bench.athena.query(
    {
      schema: demoNames.schema,
      table,
      ...(columns && { columns }),
      ...(where && { where }),
      ...(limit !== undefined && { limit }),
      onProgress: ({ rows, splits }) =>
        bench.progress(`${COUNT.format(rows)} rows, ${splits} splits`),
    },
    signal,
  )
  const shown = await readAll(result)
  const after = await scrapeMetrics(bench.gatewayUrl)
  const whole = bench.tables.find(({ name }) => name === table)
  const groups = growth(before, after, 'spillway_scan_row_groups_total')
  const data = growth(before, after, 'spillway_store_read_bytes_total{kind="data"}')
  const footers = growth(before, after, 'spillway_store_read_bytes_total{kind="metadata"}')
  return [
    `── ${query.title}`,
    `   ${query.sql}`,
    ...costLines(result, {
      rowGroups: `${COUNT.format(groups)} of ${whole ? COUNT.format(bench.rowGroupsOf(whole)) : '?'}`,
      bytes: `${megabytes(data)} of ${whole ? megabytes(whole.bytes) : '?'}, footers ${megabytes(footers)}`,
    }),
    indented(
      alignedTable(
        result.columns.map(({ name, athenaType }) => ({
          name: `${name} ${athenaType}`,
          isRight: false,
        })),
        shown,
      ),
    ),
    '',
  ].join('\n')
}

function indented(lines: string): string {
  return lines.trimEnd().replaceAll(/^/gm, '   ')
}

/** Reads to the end; the first rows are kept as text. */
async function readAll(result: QueryResult): Promise<readonly (readonly string[])[]> {
  const formats = result.columns.map(({ type }) => formatter(type))
  const shown: (readonly string[])[] = []
  for await (const batch of result.batches()) {
    for (let row = 0; row < batch.rowCount && shown.length < ROWS_SHOWN; row += 1) {
      const values = batch.row(row)
      shown.push(
        formats.map((format, column) => format(values[column] ?? null).replace(/^"|"$/g, '')),
      )
    }
  }
  return shown
}

function costLines(
  { statistics }: QueryResult,
  read: { readonly rowGroups: string; readonly bytes: string },
): readonly string[] {
  const calls = Object.entries(statistics.invocations)
    .map(([type, count]) => `${type.replace(/Request$/, '')} ${count}`)
    .join(', ')
  return [
    `   calls      ${calls}`,
    `   splits     ${statistics.splits}, rows ${COUNT.format(statistics.rows)}, ` +
      `blocks inline ${statistics.inlineBlocks}, spilled ${statistics.spilledBlocks} (${megabytes(statistics.spilledBytes)})`,
    `   read       row groups ${read.rowGroups}, bytes ${read.bytes}`,
    `   time       ${(statistics.ms / 1000).toFixed(2)} s`,
  ]
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(bytes < 100_000 ? 3 : 1)} MB`
}
