import { GatewayError } from '../errors.ts'
import type { ListedObject, ObjectStore } from '../objects/object-store.ts'
import type { SkippedCounts, SkipReason } from './data-files.ts'
import { endsInMagic, fileKind, noneSkipped } from './data-files.ts'
import type { ListingCache } from './listing-cache.ts'
import { mapAhead } from './map-ahead.ts'
import type { DeclaredColumn } from './declared-column.ts'
import type { FolderFilter, PartitionText } from './partitions.ts'
import { partitionsOf } from './partitions.ts'
import { foldersAfter, isDeclared, projectedFolders } from './projected-folders.ts'
import type { Table } from './table-folders.ts'
import { formatTableName } from './table-folders.ts'
import type { FolderPage } from './walk-folders.ts'
import { walkAhead, walkFolders } from './walk-folders.ts'

/** A data file of a table. */
export interface TableFile {
  readonly object: ListedObject
  /** What its folders say; the same object for neighbours in one folder. */
  readonly partitions: readonly PartitionText[]
}

/** Files of one page of the store's listing. */
export interface FilePage {
  readonly files: readonly TableFile[]
  /** Objects of this page that are no data; of hidden folders that were not listed each counts as one. */
  readonly skipped: SkippedCounts
  /** Partition folders that were not listed because they hold nothing wanted. */
  readonly foldersPassed: number
  /** The store's clock when it answered. */
  readonly answeredMs: number
}

export interface FilesFrom {
  /** Only keys after this one. */
  readonly startAfter?: string
  /** Partition folders that it rules out need not be listed; absent: all are. */
  readonly filter?: FolderFilter
}

export interface FileListerOptions {
  readonly store: ObjectStore
  readonly listings: ListingCache
  /** Objects that one table may have. */
  readonly objectsMax: number
  /** Milliseconds since the epoch: what `NOW` is in declarations. */
  readonly dateMs: () => number
}

/** Objects without suffix that are asked for their magic at the same time. */
const MAGIC_READS_MAX = 16
/** Objects whose magic is remembered: 10,000 answers take about 2 MB. */
const MAGICS_MAX = 10_000
/** Tables whose partition columns are remembered. */
const LEVELS_MAX = 10_000

/** Lists the data files of tables and remembers what it learned of objects whose names say nothing. */
export class FileLister {
  readonly #options: FileListerOptions
  /** By bucket, key and ETag; the oldest first. */
  readonly #magics = new Map<string, boolean>()
  /** Names of partition columns by table, the longest unseen first: what to ask for, no more than that. */
  readonly #levels = new Map<string, readonly string[]>()

  constructor(options: FileListerOptions) {
    this.#options = options
  }

  /** See `Catalog.listFiles`. `columns`: the table's declared partition columns; none: found by listing. */
  async *list(
    table: Table,
    columns: readonly DeclaredColumn[],
    from: FilesFrom,
    signal: AbortSignal,
  ): AsyncGenerator<FilePage> {
    const { prefix } = table
    const nowMs = this.#options.dateMs()
    const folders = folderReader(table, columns.length > 0)
    let objectCount = 0
    for await (const page of this.#pages(table, { columns, nowMs, from }, signal)) {
      objectCount += page.objects.length
      this.#checkCount(table, objectCount)
      const { data, skipped } = await this.#sort(page.objects, prefix, signal)
      const found = data.map((object) => ({ object, partitions: folders(object.key) }))
      const files = found.filter(
        ({ partitions }) => columns.length === 0 || isDeclared(partitions, columns, nowMs),
      )
      const [first] = files
      if (first) this.#rememberLevels(table, first.partitions)
      const hidden = skipped.hidden + page.foldersHidden
      const undeclared = found.length - files.length
      const { answeredMs, foldersPassed } = page
      yield { files, skipped: { ...skipped, hidden, undeclared }, foldersPassed, answeredMs }
    }
  }

  #pages(
    table: Table,
    { columns, nowMs, from }: ListedPart,
    signal: AbortSignal,
  ): AsyncIterable<FolderPage> {
    const { listings } = this.#options
    const { bucket, prefix } = table
    const { startAfter, filter = everyFolder } = from
    const after = startAfter !== undefined && { startAfter }
    const declared = columns.length > 0 ? [...columns.map(({ name }) => name), ''] : undefined
    const levels = declared ?? this.#levels.get(nameOf(table)) ?? []
    const walk = { listings, filter, levels: [...levels] }
    const folders = projectedFolders(table, columns, { filter, nowMs })
    if (!folders) return walkFolders({ bucket, prefix, partitions: [], ...after }, walk, signal)
    return walkAhead(foldersAfter(folders, startAfter), walk, signal)
  }

  #rememberLevels(table: Table, partitions: readonly PartitionText[]): void {
    const name = nameOf(table)
    this.#levels.delete(name)
    this.#levels.set(name, [...partitions.map((partition) => partition.name), ''])
    for (const oldest of this.#levels.keys()) {
      if (this.#levels.size <= LEVELS_MAX) break
      this.#levels.delete(oldest)
    }
  }

  #checkCount({ name }: Table, objectCount: number): void {
    const { objectsMax } = this.#options
    if (objectCount <= objectsMax) return
    throw new GatewayError(
      'too_large',
      `${formatTableName(name)} has more than ${objectsMax} objects, the most a table may have`,
    )
  }

  /** What is data and how many of the others there are. */
  async #sort(
    objects: readonly ListedObject[],
    prefix: string,
    signal: AbortSignal,
  ): Promise<{ data: readonly ListedObject[]; skipped: SkippedCounts }> {
    const data: ListedObject[] = []
    const skipped: Record<SkipReason, number> = { ...noneSkipped }
    const judge = async (object: ListedObject, both: AbortSignal) => {
      const kind = fileKind(object, prefix)
      if (kind !== 'unknown') return { object, kind }
      const isParquet = await this.#isParquet(object, both)
      return { object, kind: isParquet ? ('data' as const) : ('not_parquet' as const) }
    }
    for await (const { object, kind } of mapAhead(objects, MAGIC_READS_MAX, judge, signal)) {
      if (kind === 'data') data.push(object)
      else skipped[kind] += 1
    }
    return { data, skipped }
  }

  async #isParquet(object: ListedObject, signal: AbortSignal): Promise<boolean> {
    const name = JSON.stringify([object.bucket, object.key, object.etag])
    const known = this.#magics.get(name)
    if (known !== undefined) return known
    const isParquet = await endsInMagic(this.#options.store, object, signal)
    this.#magics.set(name, isParquet)
    for (const oldest of this.#magics.keys()) {
      if (this.#magics.size <= MAGICS_MAX) break
      this.#magics.delete(oldest)
    }
    return isParquet
  }
}

interface ListedPart {
  readonly columns: readonly DeclaredColumn[]
  readonly nowMs: number
  readonly from: FilesFrom
}

/** Looks at no column: nothing but the whole listing is asked for. */
const everyFolder: FolderFilter = { columns: [], mayHold: () => true }

function nameOf({ bucket, prefix }: Table): string {
  return `${bucket}/${prefix}`
}

/** Reads partition folders of a table and sees to it that all files have the same ones, if none are declared. */
function folderReader(
  { name, prefix }: Table,
  isDeclaredTable: boolean,
): (key: string) => readonly PartitionText[] {
  let first: { readonly key: string; readonly names: string } | undefined
  let last: { readonly folder: string; readonly partitions: readonly PartitionText[] } | undefined
  return (key) => {
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    if (last?.folder === folder) return last.partitions
    const partitions = partitionsOf(key, prefix)
    const names = partitions.map((partition) => partition.name).join('/')
    first ??= { key, names }
    if (!isDeclaredTable && names !== first.names) {
      throw new GatewayError(
        'unsupported',
        `files of ${formatTableName(name)} lie in different partition folders: "${first.key}" has (${first.names}), "${key}" has (${names}); all need the same`,
      )
    }
    last = { folder, partitions }
    return partitions
  }
}
