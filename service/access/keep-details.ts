import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { TableRights } from '../credentials/caller.ts'
import type { ErrorCode } from '../errors.ts'
import { GatewayError } from '../errors.ts'

/** What a caller is not told, for the log. */
export interface HiddenError {
  /** The caller's name. */
  readonly caller: string
  readonly table: TableName
  readonly error: GatewayError
}

export type Report = (hidden: HiddenError) => void

/** Who asked what. */
export interface Asked {
  readonly caller: { readonly name: string }
  readonly table: TableName
  readonly report: Report
}

/**
 * What callers who see a table only in part are told: messages of other rooms name keys, whose folders are values of
 * columns, columns, and values of rows. Codes without a text have messages that name nothing.
 */
const texts: Readonly<Partial<Record<ErrorCode, (table: string) => string>>> = {
  invalid_request: (table) =>
    `the request cannot be applied to a row of ${table}; change the filter`,
  forbidden: (table) => `the store refuses a file of ${table}; ask the operator of the gateway`,
  table_not_found: (table) => `there is no table ${table}`,
  unsupported: (table) => `a file of ${table} cannot be read as asked; select other columns`,
  unreadable_file: (table) => `a file of ${table} cannot be read; ask the operator of the gateway`,
  too_large: (table) => `${table} passes a limit of the gateway; select fewer columns`,
  object_changed: (table) => `files of ${table} were changed; plan again`,
  busy: (table) => `too much is asked of ${table} at the same time; try again later`,
  unavailable: (table) => `a file of ${table} cannot be had now; try again later`,
  deadline_exceeded: (table) => `it took too long to read ${table}; try again later`,
}

/**
 * The error as the caller may see it: the code, and a text that says nothing of what is hidden. The operator's log has
 * the whole.
 */
export function withoutDetails({ caller, table, report }: Asked, error: unknown): unknown {
  const code = error instanceof GatewayError ? error.code : undefined
  const text = code && texts[code]
  if (!(error instanceof GatewayError) || text === undefined) return error
  report({ caller: caller.name, table, error })
  const { retryAfterMs } = error
  return new GatewayError(error.code, text(formatTableName(table)), {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

/** Does what may fail; who does not see the table whole is told no details. */
export async function keepingDetails<T>(
  asked: Asked,
  { isWhole }: Pick<TableRights, 'isWhole'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isWhole ? error : withoutDetails(asked, error)
  }
}
