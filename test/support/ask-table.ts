import { functionFailure } from '../../service/athena/invoke.ts'
import type { QueryRequest, ResultColumn } from '../../service/athena/query.ts'
import type { Statistics } from '../../service/athena/statistics.ts'
import type { Plain } from './athena-rows.ts'
import { plainValue } from './athena-rows.ts'
import type { Stack } from './start-stack.ts'

/** Longer than any test; a query that hangs fails its test with `cancelled`. */
const queryMsMax = 60_000

/** All that a query brought. */
export interface Answer {
  readonly columns: readonly ResultColumn[]
  /** In the order of the splits. */
  readonly rows: readonly (readonly Plain[])[]
  readonly statistics: Statistics
}

/** Asks the stack's shim as Athena does, and reads every row. */
export async function askTable(
  stack: Pick<Stack, 'engine'>,
  request: QueryRequest,
): Promise<Answer> {
  const result = await stack.engine().query(request, AbortSignal.timeout(queryMsMax))
  const rows: Plain[][] = []
  for await (const row of result.rows()) {
    rows.push(result.columns.map(({ type }, index) => plainValue(row[index] ?? null, type)))
  }
  return { columns: result.columns, rows, statistics: result.statistics }
}

/** The values of the first column. */
export async function firstColumn(
  stack: Pick<Stack, 'engine'>,
  request: QueryRequest,
): Promise<Plain[]> {
  const { rows } = await askTable(stack, request)
  return rows.map(([value = null]) => value)
}

/** What the function says when it fails; `N rows` when it does not. */
export async function complaintOf(
  stack: Pick<Stack, 'engine'>,
  request: QueryRequest,
): Promise<string> {
  try {
    const { rows } = await askTable(stack, request)
    return `${rows.length} rows`
  } catch (error) {
    return functionFailure(error)?.errorMessage ?? String(error)
  }
}

/** Log lines that tell of a defect of ours. */
export function defectsIn({ log }: Pick<Stack, 'log'>): readonly string[] {
  return log.filter((line) => /internal error|"error":"internal|"code":"internal"/.test(line))
}
