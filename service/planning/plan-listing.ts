import type { Catalog } from '../catalog/catalog.ts'
import type { FilesFrom, TableFile } from '../catalog/file-lister.ts'
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
import { addFile, emptySum, hashFile, YOUNG_FILES_MAX } from './remaining-files.ts'

export interface PlanListingOptions {
  readonly catalog: Pick<Catalog, 'listFiles'>
  readonly table: Table
  /** Rules out partition folders, and files by their partitions. */
  readonly predicate: Predicate
  /** Of a plan that goes on; absent on its first page. */
  readonly remaining: RemainingFiles | undefined
}

/** A file of the table; `isLater` when it is not part of the plan because it came after its first page. */
export interface ListedFile {
  readonly file: TableFile
  readonly isLater: boolean
}

/**
 * The files of one plan. Its first page takes what the store lists; later pages take of that what is left, and
 * nothing else: a file that came since is later, one that was replaced or deleted is missing from the total.
 */
export class PlanListing {
  readonly #options: PlanListingOptions
  #ledger: Ledger = emptyLedger

  constructor(options: PlanListingOptions) {
    this.#options = options
  }

  /** What the last listing passed over. */
  get ledger(): Ledger {
    return this.#ledger
  }

  async *files(startAfter: string | undefined, signal: AbortSignal): AsyncGenerator<ListedFile> {
    const { remaining } = this.#options
    const after = startAfter === undefined ? {} : { startAfter }
    for await (const { files } of this.#pages(after, signal)) {
      for (const file of files) yield { file, isLater: isLater(file, remaining) }
    }
  }

  /**
   * What the later pages of a plan must find after this key: one whole listing, so that the first page's ledger
   * has all that was passed over.
   *
   * @throws {GatewayError} `object_changed` too many files are as young as the listing.
   */
  async remainingAfter(key: string, signal: AbortSignal): Promise<RemainingFiles> {
    const { table, predicate } = this.#options
    const young = new Set<bigint>()
    let total: FileSum = emptySum
    let seenBeforeMs: number | undefined
    for await (const { files, answeredMs } of this.#pages({}, signal)) {
      seenBeforeMs ??= answeredMs
      for (const { object, partitions } of files) {
        if (compareKeys(object.key, key) <= 0) continue
        if (partitionVerdict(predicate, partitions) === 'none') continue
        total = addFile(total, object)
        if (object.modifiedMs >= seenBeforeMs) young.add(hashFile(object))
      }
      if (young.size > YOUNG_FILES_MAX) throw tooYoung(table)
    }
    return { total, seenBeforeMs: seenBeforeMs ?? 0, young }
  }

  async *#pages(after: Pick<FilesFrom, 'startAfter'>, signal: AbortSignal) {
    const { catalog, table, predicate } = this.#options
    this.#ledger = emptyLedger
    const from = { ...after, filter: folderFilter(predicate) }
    for await (const page of catalog.listFiles(table, from, signal)) {
      this.#ledger = addLedgers(this.#ledger, {
        ...skippedInLedger(page.skipped),
        foldersDroppedByPartition: page.foldersPassed,
      })
      yield page
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
