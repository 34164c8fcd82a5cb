import { createHash } from 'node:crypto'
import type { Caller, CallerLimits } from '../../service/credentials/caller.ts'

/** What a caller of a test may see. */
export interface MadeRights {
  /** Tables as `schema.table`; absent: all. */
  readonly tables?: readonly string[]
  /** Columns that do not exist for it. */
  readonly denied?: readonly string[]
  readonly rowFilter?: string
  readonly limits?: CallerLimits
}

/** A caller as a callers file would make it. */
export function madeCaller(name: string, rights: MadeRights = {}): Caller {
  const { tables, denied = [], rowFilter, limits = {} } = rights
  const digest = createHash('sha256')
    .update(JSON.stringify([denied, rowFilter ?? null]))
    .digest()
  const known = {
    isWhole: denied.length === 0 && rowFilter === undefined,
    seesColumn: (column: string) => !denied.includes(column.toLowerCase()),
    ...(rowFilter !== undefined && { rowFilter }),
    digest: digest.subarray(0, 8),
  }
  const isListed = (place: string) => tables?.includes(place.toLowerCase()) ?? true
  return {
    name,
    isOperator: false,
    limits,
    rights: {
      seesSchema: (schema) =>
        tables?.some((place) => place.startsWith(`${schema.toLowerCase()}.`)) ?? true,
      ofTable: ({ schema, table }) => (isListed(`${schema}.${table}`) ? known : undefined),
    },
  }
}
