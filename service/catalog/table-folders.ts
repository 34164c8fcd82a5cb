import { GatewayError } from '../errors.ts'
import type { ListedObject } from '../objects/object-store.ts'
import type { TableName } from './table-name.ts'

/** A table: the folder it is and the name it has outside. */
export interface Table {
  readonly name: TableName
  readonly bucket: string
  /** The folder's keys begin with it; ends with `/`. */
  readonly prefix: string
  /** What its owner says about it; absent: nothing. */
  readonly optionFile?: ListedObject
}

/** `schema.table`, for messages. */
export function formatTableName({ schema, table }: TableName): string {
  return `${schema}.${table}`
}

/** Told alike of a table that is not there and of one that does not exist for the caller. */
export function noTable(name: TableName): GatewayError {
  return new GatewayError('table_not_found', `there is no table ${formatTableName(name)}`)
}

/** Likewise of a schema. */
export function noSchema(schema: string): GatewayError {
  return new GatewayError('table_not_found', `there is no schema ${schema}`)
}

/** Names as the outside sees them: lower case, sorted, each once. */
export function outsideNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].toSorted()
}

/**
 * The listed name that is the wanted one without regard to case. What comes out was listed: what was wanted
 * never becomes part of a key.
 *
 * @throws {GatewayError} `unsupported` two listed names differ only by case.
 */
export function findListedName(
  listed: readonly string[],
  wanted: string,
  what: string,
): string | undefined {
  const lower = wanted.toLowerCase()
  const [found, twin] = listed.filter((name) => name.toLowerCase() === lower)
  if (found !== undefined && twin !== undefined) {
    throw new GatewayError(
      'unsupported',
      `the ${what} "${found}" and "${twin}" differ only by case; rename one of them`,
    )
  }
  return found
}

/** Names of the folders that may be tables, from the prefixes of a shallow listing below `tablesPrefix`. */
export function tableFolders(prefixes: readonly string[], tablesPrefix: string): readonly string[] {
  return prefixes
    .map((prefix) => prefix.slice(tablesPrefix.length, -1))
    .filter((name) => name !== '' && !isHidden(name))
}

/** Names that begin like this are not data: Hive's and Spark's own files, and Unix's hidden ones. */
export function isHidden(name: string): boolean {
  return name.startsWith('_') || name.startsWith('.')
}
