import { GatewayError } from '../errors.ts'
import type { RecordArchive } from '../footers/footer-archive.ts'
import type { ListedObject, ObjectStore } from '../objects/object-store.ts'
import type { StoreTally } from '../objects/store-tally.ts'
import { emptyTally, tallied } from '../objects/store-tally.ts'
import type { SkippedCounts } from './data-files.ts'
import type { FilesDescription, FooterSource } from './describe-files.ts'
import { describeFiles } from './describe-files.ts'
import { FileLister } from './file-lister.ts'
import type { FilePage, FilesFrom } from './file-lister.ts'
import { ListingCache } from './listing-cache.ts'
import { SchemaLedger } from './schema-ledger.ts'
import type { Table } from './table-folders.ts'
import {
  findListedName,
  formatTableName,
  noSchema,
  noTable,
  outsideNames,
  tableFolders,
} from './table-folders.ts'
import type { TableName } from './table-name.ts'
import type { TableOptions } from './table-options.ts'
import { OPTION_FILE_SUFFIX, TableOptionsReader } from './table-options.ts'

export interface CatalogOptions {
  /** Buckets whose name begins with it are schemas. */
  readonly bucketPrefix: string
  /** The folder in a bucket whose folders are its tables; `''`: the bucket itself. */
  readonly tablesPath: string
  /** How long a listing may be used again; 0: never. */
  readonly listingTtlMs: number
  /** Which files make a table's schema; default a sample. */
  readonly schemaMode?: 'sample' | 'full'
  readonly limits?: Partial<CatalogLimits>
}

/** Bounds of memory and patience. */
export interface CatalogLimits {
  /** Folders that one schema may have. */
  readonly foldersMax: number
  /** Objects that one table may have, those that are skipped included. */
  readonly objectsMax: number
  /** Objects, folders and buckets of remembered listings together; about 300 bytes each. */
  readonly rememberedEntriesMax: number
  /** Files whose footers make a table's schema; the newest and the oldest are always among them. */
  readonly sampleFilesMax: number
  /** Files whose columns are remembered, of all tables together; about 100 bytes each. */
  readonly ledgerFilesMax: number
}

export const catalogLimits: CatalogLimits = {
  foldersMax: 100_000,
  objectsMax: 10_000_000,
  rememberedEntriesMax: 100_000,
  sampleFilesMax: 16,
  ledgerFilesMax: 1_000_000,
}

export interface CatalogParts {
  readonly store: ObjectStore
  readonly footers: FooterSource
  /** A clock that never goes back. */
  readonly nowMs: () => number
  /** Milliseconds since the epoch, for declarations that name today; default this machine's clock. */
  readonly dateMs?: () => number
  /** Keeps what files contributed to schemas over a restart. */
  readonly archive?: RecordArchive
}

/** What is known of a table without reading its data. */
export interface TableDescription extends FilesDescription {
  readonly table: Table
  /** What finding it out asked of the store. */
  readonly cost: StoreTally
}

/** Schemas, tables and their files, as the store's listings show them. */
export class Catalog {
  readonly #options: CatalogOptions
  readonly #limits: CatalogLimits
  readonly #parts: CatalogParts
  readonly #listings: ListingCache
  readonly #files: FileLister
  readonly #tableOptions: TableOptionsReader
  readonly #schemas: SchemaLedger
  /** `''` or the tables' folder with `/` at the end. */
  readonly #tablesPrefix: string

  constructor(options: CatalogOptions, parts: CatalogParts) {
    this.#options = options
    this.#limits = { ...catalogLimits, ...options.limits }
    this.#parts = parts
    const path = options.tablesPath.replace(/^\/+|\/+$/g, '')
    this.#tablesPrefix = path === '' ? '' : `${path}/`
    this.#listings = new ListingCache(parts.store, {
      ttlMs: options.listingTtlMs,
      entriesMax: this.#limits.rememberedEntriesMax,
      nowMs: parts.nowMs,
    })
    this.#files = new FileLister({
      store: parts.store,
      listings: this.#listings,
      objectsMax: this.#limits.objectsMax,
      dateMs: parts.dateMs ?? Date.now,
    })
    this.#tableOptions = new TableOptionsReader(parts.store)
    this.#schemas = new SchemaLedger({
      storeId: parts.store.id,
      filesMax: this.#limits.ledgerFilesMax,
      ...(parts.archive && { archive: parts.archive }),
    })
  }

  /** Schemas as the outside sees them, sorted. Of buckets that differ only by case one name is listed. */
  async listSchemas(signal: AbortSignal): Promise<readonly string[]> {
    return outsideNames(await this.#listBuckets(signal))
  }

  /**
   * Tables of a schema as the outside sees them, sorted. Of folders that differ only by case one name is listed.
   *
   * @throws {GatewayError} `table_not_found` no such schema; `unsupported` two buckets differ only by case;
   *   `too_large` more folders than the limit.
   */
  async listTables(schema: string, signal: AbortSignal): Promise<readonly string[]> {
    const bucket = await this.#findBucket(schema, signal)
    const { folders } = await this.#listFolders(bucket, signal)
    return outsideNames(folders)
  }

  /**
   * The table's folder, found without regard to case.
   *
   * @throws {GatewayError} as `listTables`; `table_not_found` no such folder; `unsupported` two folders differ
   *   only by case.
   */
  async findTable(wanted: TableName, signal: AbortSignal): Promise<Table> {
    const bucket = await this.#findBucket(wanted.schema, signal)
    const { folders, optionFiles } = await this.#listFolders(bucket, signal)
    const folder = findListedName(folders, wanted.table, `folders in ${bucket}`)
    if (folder === undefined) throw noTable(wanted)
    const name = { schema: bucket.toLowerCase(), table: folder.toLowerCase() }
    const prefix = `${this.#tablesPrefix}${folder}`
    const optionFile = optionFiles.get(`${prefix}${OPTION_FILE_SUFFIX}`)
    return { name, bucket, prefix: `${prefix}/`, ...(optionFile && { optionFile }) }
  }

  /**
   * The table's data files in key order, a page of the store's listing at a time; a page may be empty of files.
   * With a filter, folders of partition columns are listed only as far as it leaves them; with declared partitions
   * the folders themselves need no listing.
   *
   * @throws {GatewayError} `unsupported` files lie in different partition folders; `too_large` more objects
   *   than the limit; `unreadable_file` the table's option file declares something wrong; whatever the store
   *   throws.
   */
  async *listFiles(table: Table, from: FilesFrom, signal: AbortSignal): AsyncGenerator<FilePage> {
    const columns = await this.#partitions(table, signal)
    yield* this.#files.list(table, columns, from, signal)
  }

  /**
   * Columns, partitions and size of a table: one whole listing and the footers of a sample of its files, or of all,
   * those left out whose columns are known from before.
   *
   * @throws {GatewayError} as `findTable` and `listFiles`; `table_not_found` the folder has no data files;
   *   `unreadable_file` and `unsupported` a file of the sample cannot be read.
   */
  async describeTable(name: TableName, signal: AbortSignal): Promise<TableDescription> {
    const cost = emptyTally()
    return { ...(await tallied(cost, () => this.#describe(name, signal))), cost }
  }

  async #describe(name: TableName, signal: AbortSignal): Promise<Omit<TableDescription, 'cost'>> {
    const table = await this.findTable(name, signal)
    const { footers } = this.#parts
    const isFull = this.#options.schemaMode === 'full'
    const files = await describeFiles(
      this.listFiles(table, {}, signal),
      {
        footers,
        ledger: await this.#schemas.open(table),
        sampleFilesMax: isFull ? Infinity : this.#limits.sampleFilesMax,
        columns: await this.#partitions(table, signal),
      },
      signal,
    )
    if (files.fileCount === 0) throw noFiles(table, files.skipped)
    return { table, ...files }
  }

  async #listBuckets(signal: AbortSignal): Promise<readonly string[]> {
    const names = await this.#listings.listBuckets(signal)
    return names.filter((name) => name.startsWith(this.#options.bucketPrefix))
  }

  async #findBucket(schema: string, signal: AbortSignal): Promise<string> {
    const bucket = findListedName(await this.#listBuckets(signal), schema, 'buckets')
    if (bucket !== undefined) return bucket
    throw noSchema(schema)
  }

  async #listFolders(bucket: string, signal: AbortSignal): Promise<TablesFolder> {
    const prefix = this.#tablesPrefix
    const { foldersMax } = this.#limits
    const folders: string[] = []
    const optionFiles = new Map<string, ListedObject>()
    const request = { bucket, prefix, shallow: true }
    for await (const page of this.#listings.pages(request, signal)) {
      for (const folder of tableFolders(page.prefixes, prefix)) folders.push(folder)
      for (const object of page.objects) {
        if (object.key.endsWith(OPTION_FILE_SUFFIX)) optionFiles.set(object.key, object)
      }
      if (Math.max(folders.length, optionFiles.size) > foldersMax) {
        throw new GatewayError(
          'too_large',
          `${bucket}/${prefix} has more than ${foldersMax} folders, the most a schema may have`,
        )
      }
    }
    return { folders, optionFiles }
  }

  async #partitions(
    { optionFile }: Table,
    signal: AbortSignal,
  ): Promise<TableOptions['partitions']> {
    return optionFile ? (await this.#tableOptions.read(optionFile, signal)).partitions : []
  }
}

interface TablesFolder {
  readonly folders: readonly string[]
  /** By key. */
  readonly optionFiles: ReadonlyMap<string, ListedObject>
}

function noFiles({ name, bucket, prefix }: Table, skipped: SkippedCounts): GatewayError {
  const counts = Object.entries(skipped).filter(([, count]) => count > 0)
  const passedOver = counts.map(([reason, count]) => `${count} ${reason.replace('_', ' ')}`)
  const except = passedOver.length === 0 ? '' : ` (skipped: ${passedOver.join(', ')})`
  return new GatewayError(
    'table_not_found',
    `${formatTableName(name)} has no Parquet files below ${bucket}/${prefix}${except}`,
  )
}
