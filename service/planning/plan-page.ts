import { partitionsOf } from '../catalog/partitions.ts'
import type { Table } from '../catalog/table-folders.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { GroupingLimits } from './group-splits.ts'
import { groupSplits } from './group-splits.ts'
import type { PlanStep } from './plan-files.ts'
import type { PlanProgress } from './plan-progress.ts'
import { afterFileBegun, afterPassed, afterRowGroup, noProgress } from './plan-progress.ts'
import type { Split, SplitFile } from './split.ts'
import { sealTicket } from './ticket.ts'
import type { TicketHolder, TicketKeys } from './ticket-keys.ts'

export interface PlannedSplit {
  readonly split: Split
  /** The split, sealed. */
  readonly ticket: Uint8Array
}

export interface PageLimits {
  readonly splitsMax: number
  /** What the tickets of the page take together; one ticket is always allowed. */
  readonly pageBytesMax: number
  readonly grouping: GroupingLimits
}

export interface SealOptions {
  readonly table: Table
  readonly keys: TicketKeys
  readonly holder: TicketHolder
  /** Milliseconds since the epoch. */
  readonly expiresMs: number
}

export interface FilledPage {
  readonly splits: readonly PlannedSplit[]
  readonly ticketBytes: number
  /** At the end of the last split, or of the table. */
  readonly end: PlanProgress
  /** True when the end is the table's. */
  readonly isLast: boolean
}

/** Gathers row groups into splits and seals them until the page is full or the table at its end. */
export async function fillPage(
  steps: AsyncIterable<PlanStep>,
  limits: PageLimits,
  options: SealOptions,
): Promise<FilledPage> {
  const page = new OpenPage(limits, options)
  const grouping = groupSplits(limits.grouping)
  let progress = noProgress
  let afterLastGroup = noProgress
  for await (const { passed, found } of steps) {
    progress = afterPassed(progress, passed)
    if (!found) break
    progress = afterFileBegun(progress, found)
    for (const group of found.pruned.kept) {
      if (group.groupIndex < found.groupStart) continue
      const ended = grouping.add({ file: fileOf(found.object), ...group })
      if (ended && !page.add(ended, afterLastGroup)) return page.filled()
      if (page.isFull) return page.filled()
      progress = afterRowGroup(progress, found, group)
      afterLastGroup = progress
    }
  }
  const last = grouping.end()
  if (last && !page.add(last, progress)) return page.filled()
  return { ...page.filled(), end: progress, isLast: true }
}

class OpenPage {
  readonly #limits: PageLimits
  readonly #options: SealOptions
  readonly #splits: PlannedSplit[] = []
  #ticketBytes = 0
  #end = noProgress

  constructor(limits: PageLimits, options: SealOptions) {
    this.#limits = limits
    this.#options = options
  }

  get isFull(): boolean {
    return this.#splits.length >= this.#limits.splitsMax
  }

  /** False: the split's ticket is too large for what is left of the page, and the split is not on it. */
  add(files: readonly SplitFile[], end: PlanProgress): boolean {
    const split = splitOf(files, this.#options)
    const ticket = sealTicket(split, this.#options.keys, this.#options.holder)
    const bytes = this.#ticketBytes + ticket.length
    if (this.#splits.length > 0 && bytes > this.#limits.pageBytesMax) return false
    this.#splits.push({ split, ticket })
    this.#ticketBytes = bytes
    this.#end = end
    return true
  }

  filled(): FilledPage {
    const [splits, ticketBytes, end] = [this.#splits, this.#ticketBytes, this.#end]
    return { splits, ticketBytes, end, isLast: false }
  }
}

/** The split of these files of a table. */
export function splitOf(
  files: readonly SplitFile[],
  { table, expiresMs }: Pick<SealOptions, 'table' | 'expiresMs'>,
): Split {
  const { name, bucket, prefix } = table
  // Files of one table lie in folders of the same names.
  const partitions = partitionsOf(files[0]?.key ?? prefix, prefix)
  const partitionColumns = partitions.map((partition) => partition.name)
  return { table: name, bucket, prefix, files, partitionColumns, expiresMs }
}

/** A file as a split names it. */
export function fileOf({
  key,
  etag,
  sizeBytes,
  versionId,
}: ObjectVersion): Omit<SplitFile, 'rowGroups'> {
  return { key, etag, sizeBytes, ...(versionId !== undefined && { versionId }) }
}
