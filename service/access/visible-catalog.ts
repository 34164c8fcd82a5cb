import type { Catalog, TableDescription } from '../catalog/catalog.ts'
import { mapAhead } from '../catalog/map-ahead.ts'
import { formatTableName, noSchema, noTable } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { Caller, TableRights } from '../credentials/caller.ts'
import { seesEverything } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Report } from './keep-details.ts'
import { keepingDetails } from './keep-details.ts'

/** What a catalog is asked. */
export type TableSource = Pick<Catalog, 'listSchemas' | 'listTables' | 'describeTable'>

/** A table as a caller sees it: without the columns that do not exist for the caller. */
export interface SeenTable extends TableDescription {
  /** Rows of which it is not true do not exist for the caller; absent: all do. */
  readonly rowFilter?: Predicate
  /** Some of the columns that the folders carry do not exist for the caller. */
  readonly hidesFolders?: boolean
}

export interface VisibleCatalogParts {
  readonly catalog: TableSource
  /** @throws {GatewayError} `invalid_request` the text is no filter over the columns of the table. */
  readonly parseRowFilter: (text: string, description: TableDescription) => Predicate
  readonly report: Report
}

/** Schemas, tables and columns that exist for one caller. What it may not see is not even asked for. */
export interface VisibleCatalog {
  /** Schemas with at least one table for the caller, sorted. */
  listSchemas(signal: AbortSignal): Promise<readonly string[]>
  /** @throws {GatewayError} as the catalog's. */
  listTables(schema: string, signal: AbortSignal): Promise<readonly string[]>
  /**
   * @throws {GatewayError} as the catalog's; `unsupported` the row filter is none of this table: the operator is told
   *   what is wrong with it.
   */
  describeTable(name: TableName, signal: AbortSignal): Promise<SeenTable>
}

/** Schemas whose tables are looked up at the same time. */
const SCHEMAS_AHEAD = 8

export function visibleCatalog(caller: Caller, parts: VisibleCatalogParts): VisibleCatalog {
  const { catalog } = parts
  const { rights } = caller
  const isAll = rights === seesEverything
  const listTables = async (schema: string, signal: AbortSignal): Promise<readonly string[]> => {
    if (!rights.seesSchema(schema)) throw noSchema(schema)
    const tables = await catalog.listTables(schema, signal)
    if (isAll) return tables
    const seen = tables.filter((table) => rights.ofTable({ schema, table }) !== undefined)
    if (seen.length === 0) throw noSchema(schema)
    return seen
  }
  return {
    listTables,
    listSchemas: async (signal) => {
      const schemas = await catalog.listSchemas(signal)
      if (isAll) return schemas
      const seen = schemas.filter((schema) => rights.seesSchema(schema))
      const listed: string[] = []
      const looks = mapAhead(seen, SCHEMAS_AHEAD, (...of) => ifListed(listTables, ...of), signal)
      for await (const found of looks) listed.push(...found)
      return listed
    },
    describeTable: async (name, signal) => {
      const mine = rightsOn(caller, name)
      const describe = () => catalog.describeTable(name, signal)
      if (isAll) return describe()
      const description = await keepingDetails({ caller, table: name, ...parts }, mine, () =>
        missingAlike(name, describe),
      )
      return mine.isWhole ? description : seenTable(caller, description, parts)
    },
  }
}

/**
 * What the caller may see of a table, before anything is asked about it.
 *
 * @throws {GatewayError} `table_not_found` nothing, just as if there was no such table.
 */
export function rightsOn({ rights }: Caller, name: TableName): TableRights {
  const mine = rights.ofTable(name)
  if (mine === undefined) throw noTable(name)
  return mine
}

/** Nothing of a schema whose tables do not exist for the caller, or cannot be told. */
async function ifListed(
  listTables: VisibleCatalog['listTables'],
  schema: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    await listTables(schema, signal)
    return [schema]
  } catch (error) {
    const code = error instanceof GatewayError ? error.code : 'internal'
    if (code === 'table_not_found' || code === 'unsupported' || code === 'too_large') return []
    throw error
  }
}

/** A table that is missing tells nothing of its schema. */
async function missingAlike<T>(name: TableName, describe: () => Promise<T>): Promise<T> {
  try {
    return await describe()
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'table_not_found') throw noTable(name)
    throw error
  }
}

/** Conflicts name files, whose folders and rows the caller may not know of. */
function seenTable(
  caller: Caller,
  description: TableDescription,
  { parseRowFilter, report }: VisibleCatalogParts,
): SeenTable {
  const { name } = description.table
  const { seesColumn, rowFilter: text } = rightsOn(caller, name)
  const partitionFields = description.partitionFields.filter((field) => seesColumn(field.name))
  const seen = {
    ...description,
    fields: description.fields.filter((field) => seesColumn(field.name)),
    partitionFields,
    conflicts: [],
    hidesFolders: partitionFields.length < description.partitionFields.length,
  }
  if (text === undefined) return seen
  try {
    return { ...seen, rowFilter: parseRowFilter(text, description) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    report({ caller: caller.name, table: name, error })
    throw new GatewayError(
      'unsupported',
      `the rules for ${formatTableName(name)} do not fit its columns; ask the operator of the gateway`,
    )
  }
}
