/** A table as the outside names it: lower case. */
export interface TableName {
  readonly schema: string
  readonly table: string
}
