import type { Catalog } from '../catalog/catalog.ts'
import type { FilePage, TableFile } from '../catalog/file-lister.ts'
import type { FolderFilter } from '../catalog/partitions.ts'
import type { Table } from '../catalog/table-folders.ts'
import { formatTableName } from '../catalog/table-folders.ts'
import { GatewayError } from '../errors.ts'
import { compareKeys } from '../objects/key-order.ts'
import type { Predicate } from '../predicate/predicate.ts'
import { columnsOf } from '../predicate/predicate.ts'
import type { Ledger } from './ledger.ts'
import { addLedgers, emptyLedger, skippedInLedger } from './ledger.ts'
import { partitionVerdict } from './prune.ts'
import type { FileSum, RemainingFiles } from './remaining-files.ts'
import { addFile, emptySum, hashFile, subtractFiles, YOUNG_FILES_MAX } from './remaining-files.ts'

export interface PlanListingOptions {
  readonly catalog: Pick<Catalog, 'listFiles'>
  readonly table: Table
  /** Rules out partition folders, and files by their partitions. */
  readonly predicate: Predicate
  /** Of a plan that goes on; absent on its first page. */
  readonly remaining: RemainingFiles | undefined
}

/** Young files of one listing that are remembered until it is known which are left: about 150 bytes each. */
const YOUNG_LISTED_MAX = 1_000_000

/** A file of the table; `isLater` when it is not part of the plan because it came after its first page. */
export interface ListedFile {
  readonly file: TableFile
  readonly isLater: boolean
}

/**
 * The files of one plan. Its first page takes what one listing shows, and what that listing shows behind the page is
 * what later pages take, and nothing else: a file that came since is later, one that was replaced or deleted is
 * missing from the total. Files that their partitions rule out are not the plan's.
 */
export class PlanListing {
  readonly #options: PlanListingOptions
  #pages: AsyncGenerator<FilePage> | undefined
  #ledger: Ledger = emptyLedger
  #total: FileSum = emptySum
  #seenBeforeMs: number | undefined
  /** Keys by hash. */
  readonly #young = new Map<bigint, string>()

  constructor(options: PlanListingOptions) {
    this.#options = options
  }

  /** What the listing passed over as far as it has come. */
  get ledger(): Ledger {
    return this.#ledger
  }

  /** To be called once. The listing stays where the caller leaves it. */
  async *files(startAfter: string | undefined, signal: AbortSignal): AsyncGenerator<ListedFile> {
    const { catalog, table, predicate, remaining } = this.#options
    const after = startAfter !== undefined && { startAfter }
    const from = { ...after, filter: folderFilter(predicate) }
    this.#pages = catalog.listFiles(table, from, signal)
    for (let page = await this.#next(); page; page = await this.#next()) {
      for (const file of page.files) yield { file, isLater: isLater(file, remaining) }
    }
  }

  /**
   * What the later pages of a plan must find behind this key, told on its first page: the whole listing, without
   * what that page has seen.
   *
   * @throws {GatewayError} `object_changed` too many files are as young as the listing.
   */
  async remaining(afterKey: string, seen: FileSum): Promise<RemainingFiles> {
    while (await this.#next()) continue
    const young = [...this.#young].filter(([, key]) => compareKeys(key, afterKey) > 0)
    const isCut = this.#young.size >= YOUNG_LISTED_MAX
    if (isCut || young.length > YOUNG_FILES_MAX) throw tooYoung(this.#options.table)
    return {
      total: subtractFiles(this.#total, seen),
      seenBeforeMs: this.#seenBeforeMs ?? 0,
      young: new Set(young.map(([hash]) => hash)),
    }
  }

  /** Ends the listing. */
  async close(): Promise<void> {
    await this.#pages?.return(undefined)
  }

  async #next(): Promise<FilePage | undefined> {
    const { value: page, done } = (await this.#pages?.next()) ?? { done: true }
    if (done === true || !page) return undefined
    this.#ledger = addLedgers(this.#ledger, {
      ...skippedInLedger(page.skipped),
      foldersDroppedByPartition: page.foldersPassed,
    })
    // Later pages know what they must find.
    if (!this.#options.remaining) this.#note(page)
    return page
  }

  #note({ files, answeredMs }: FilePage): void {
    this.#seenBeforeMs ??= answeredMs
    for (const { object, partitions } of files) {
      if (partitionVerdict(this.#options.predicate, partitions) === 'none') continue
      this.#total = addFile(this.#total, object)
      if (object.modifiedMs < this.#seenBeforeMs || this.#young.size >= YOUNG_LISTED_MAX) continue
      this.#young.set(hashFile(object), object.key)
    }
  }
}

function folderFilter(predicate: Predicate): FolderFilter {
  return {
    columns: columnsOf(predicate),
    mayHold: (partitions) => partitionVerdict(predicate, partitions) !== 'none',
  }
}

/** A file that a later page may not take: younger than the first page, which did not see it. */
function isLater({ object }: TableFile, remaining: RemainingFiles | undefined): boolean {
  if (!remaining || object.modifiedMs < remaining.seenBeforeMs) return false
  return !remaining.young.has(hashFile(object))
}

function tooYoung({ name }: Table): GatewayError {
  return new GatewayError(
    'object_changed',
    `more than ${YOUNG_FILES_MAX} files of ${formatTableName(name)} were written while it was planned; plan again`,
  )
}
