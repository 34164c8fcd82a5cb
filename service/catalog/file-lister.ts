import { GatewayError } from '../errors.ts'
import type { ListedObject, ObjectStore } from '../objects/object-store.ts'
import type { SkippedCounts, SkipReason } from './data-files.ts'
import { endsInMagic, fileKind, noneSkipped } from './data-files.ts'
import type { ListingCache } from './listing-cache.ts'
import { mapAhead } from './map-ahead.ts'
import type { PartitionText } from './partitions.ts'
import { partitionsOf } from './partitions.ts'
import type { Table } from './table-folders.ts'
import { formatTableName } from './table-folders.ts'

/** A data file of a table. */
export interface TableFile {
  readonly object: ListedObject
  /** What its folders say; the same object for neighbours in one folder. */
  readonly partitions: readonly PartitionText[]
}

/** Files of one page of the store's listing. */
export interface FilePage {
  readonly files: readonly TableFile[]
  /** Objects of this page that are no data. */
  readonly skipped: SkippedCounts
  /** The store's clock when it answered. */
  readonly answeredMs: number
}

export interface FilesFrom {
  /** Only keys after this one. */
  readonly startAfter?: string
}

export interface FileListerOptions {
  readonly store: ObjectStore
  readonly listings: ListingCache
  /** Objects that one table may have. */
  readonly objectsMax: number
}

/** Objects without suffix that are asked for their magic at the same time. */
const MAGIC_READS_MAX = 16
/** Objects whose magic is remembered: 10,000 answers take about 2 MB. */
const MAGICS_MAX = 10_000

/** Lists the data files of tables and remembers what it learned of objects whose names say nothing. */
export class FileLister {
  readonly #options: FileListerOptions
  /** By bucket, key and ETag; the oldest first. */
  readonly #magics = new Map<string, boolean>()

  constructor(options: FileListerOptions) {
    this.#options = options
  }

  /** See `Catalog.listFiles`. */
  async *list(table: Table, from: FilesFrom, signal: AbortSignal): AsyncGenerator<FilePage> {
    const { bucket, prefix } = table
    const folders = folderReader(table)
    const request = { bucket, prefix, shallow: false, ...from }
    let objectCount = 0
    for await (const page of this.#options.listings.pages(request, signal)) {
      objectCount += page.objects.length
      this.#checkCount(table, objectCount)
      const { data, skipped } = await this.#sort(page.objects, prefix, signal)
      const files = data.map((object) => ({ object, partitions: folders(object.key) }))
      yield { files, skipped, answeredMs: page.answeredMs }
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

/** Reads partition folders and sees to it that all files of the table have the same ones. */
function folderReader({ name, prefix }: Table): (key: string) => readonly PartitionText[] {
  let first: { readonly key: string; readonly names: string } | undefined
  let last: { readonly folder: string; readonly partitions: readonly PartitionText[] } | undefined
  return (key) => {
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    if (last?.folder === folder) return last.partitions
    const partitions = partitionsOf(key, prefix)
    const names = partitions.map((partition) => partition.name).join('/')
    first ??= { key, names }
    if (names !== first.names) {
      throw new GatewayError(
        'unsupported',
        `files of ${formatTableName(name)} lie in different partition folders: "${first.key}" has (${first.names}), "${key}" has (${names}); all need the same`,
      )
    }
    last = { folder, partitions }
    return partitions
  }
}
