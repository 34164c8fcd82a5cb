import { createHash } from 'node:crypto'
import { matchesPattern } from '../predicate/name-pattern.ts'
import type { Rights, TableRights } from './caller.ts'
import { RIGHTS_DIGEST_BYTES } from './caller.ts'

/** What a role says of the tables whose names match. Patterns have `*` and `?`; case does not count. */
export interface TableEntry {
  readonly schema: string
  readonly table: string
  /** True: the tables do not exist. */
  readonly isHidden: boolean
  /** Absent: all columns. */
  readonly columns?: ColumnRule | undefined
  /** SQL; absent: all rows. */
  readonly rows?: string | undefined
}

export interface ColumnRule {
  /** Whether the named ones are seen, or all but them. */
  readonly kind: 'allow' | 'deny'
  readonly patterns: readonly string[]
}

/** Of all entries the first that matches a table decides alone: what two say never adds up. */
export function rightsOf(entries: readonly TableEntry[]): Rights {
  const decided = entries.map((entry) => ({ entry, rights: tableRights(entry) }))
  return {
    seesSchema: (schema) =>
      entries.some((entry) => !entry.isHidden && matchesPattern(schema, entry.schema)),
    ofTable: ({ schema, table }) =>
      decided.find(
        ({ entry }) => matchesPattern(schema, entry.schema) && matchesPattern(table, entry.table),
      )?.rights,
  }
}

function tableRights({ isHidden, columns, rows }: TableEntry): TableRights | undefined {
  if (isHidden) return undefined
  return {
    isWhole: columns === undefined && rows === undefined,
    seesColumn: (column) => columns === undefined || seesColumn(columns, column),
    ...(rows !== undefined && { rowFilter: rows }),
    digest: digestOf({ columns, rows }),
  }
}

function seesColumn({ kind, patterns }: ColumnRule, column: string): boolean {
  return patterns.some((pattern) => matchesPattern(column, pattern)) === (kind === 'allow')
}

function digestOf({ columns, rows }: Pick<TableEntry, 'columns' | 'rows'>): Uint8Array {
  const text = JSON.stringify([columns?.kind ?? '', columns?.patterns ?? [], rows ?? null])
  return createHash('sha256').update(text).digest().subarray(0, RIGHTS_DIGEST_BYTES)
}
