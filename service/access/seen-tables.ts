import { AnswerCache } from '../catalog/answer-cache.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { TableRights } from '../credentials/caller.ts'
import type { SeenTable, VisibleCatalog } from './visible-catalog.ts'

/** A query of many splits describes its table once a minute, not once a split. */
const SEEN_TTL_MS = 60_000
/** Columns of all remembered tables together: about 200 bytes each. */
const SEEN_COLUMNS_MAX = 100_000

/** Tables as reads look at them, by table and rights: whoever asks has been let in to exactly that. */
export class SeenTables {
  readonly #tables: AnswerCache<SeenTable>

  /** @param nowMs a clock that never goes back */
  constructor(nowMs: () => number) {
    this.#tables = new AnswerCache({
      ttlMs: SEEN_TTL_MS,
      entriesMax: SEEN_COLUMNS_MAX,
      entryCount: ({ fields, partitionFields }) => 1 + fields.length + partitionFields.length,
      nowMs,
    })
  }

  /** @throws {GatewayError} what describing the table throws. */
  get(
    { schema, table }: TableName,
    { digest }: TableRights,
    catalog: VisibleCatalog,
    signal: AbortSignal,
  ): Promise<SeenTable> {
    const key = JSON.stringify([schema, table, Buffer.from(digest).toString('hex')])
    return this.#tables.get(key, (both) => catalog.describeTable({ schema, table }, both), signal)
  }
}
