import type { Table } from '../catalog/table-folders.ts'
import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import { emptyTally, tallied } from '../objects/store-tally.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Ledger } from './ledger.ts'
import { addLedgers, tallyInLedger } from './ledger.ts'
import { planFiles } from './plan-files.ts'
import { PlanListing } from './plan-listing.ts'
import { fileOf, splitOf } from './plan-page.ts'
import { afterFileBegun, afterPassed, afterRowGroup, noProgress } from './plan-progress.ts'
import type { PlanParts } from './plan-scan.ts'
import { planOptions } from './plan-scan.ts'
import type { Split, SplitFile } from './split.ts'
import { SPLIT_FILES_MAX } from './split-files-encoding.ts'

/** Row groups of one plan that are held while it is cut: about 100 bytes each. */
const ROW_GROUPS_MAX = 1_000_000
/** Footers that are fetched ahead when the first files may well be enough. */
const FOOTERS_AHEAD_OF_LIMIT = 4

export interface TablePlanRequest {
  readonly table: TableName
  /** Rows that do not match it need not be read. */
  readonly predicate: Predicate
  /** Row groups behind this many rows are left out. Infinity: none. */
  readonly rowsMax: number
  /** Pieces that the table is cut into, at least 1; fewer where there are fewer row groups. */
  readonly partsMax: number
}

/** A contiguous piece of the table. */
export interface TablePart {
  /** Of no files in the only part of a plan without rows. */
  readonly split: Split
  /** Rows of its row groups. */
  readonly rowCount: number
  readonly rowGroupCount: number
  /** What its row groups decode to, roughly. */
  readonly decodedBytes: number
}

export interface TablePlan {
  readonly table: Table
  /** In key order, never none, of about the same size. */
  readonly parts: readonly TablePart[]
  readonly ledger: Ledger
}

/**
 * The whole of a table in one go, as one listing shows it, in a given number of parts.
 *
 * @throws {GatewayError} `too_large` more row groups than the limit, or more files than a part may have; whatever
 *   the catalog and the footers throw.
 */
export async function planTable(
  request: TablePlanRequest,
  parts: Omit<PlanParts, 'keys'>,
  signal: AbortSignal,
): Promise<TablePlan> {
  const tally = emptyTally()
  const plan = await tallied(tally, () => planWhole(request, parts, signal))
  return { ...plan, ledger: addLedgers(plan.ledger, tallyInLedger(tally)) }
}

async function planWhole(
  request: TablePlanRequest,
  parts: Omit<PlanParts, 'keys'>,
  signal: AbortSignal,
): Promise<TablePlan> {
  const { predicate, rowsMax } = request
  const options = { ...planOptions, ...parts.options }
  const table = await parts.catalog.findTable(request.table, signal)
  const listing = new PlanListing({
    catalog: parts.catalog,
    table,
    predicate,
    remaining: undefined,
  })
  const steps = planFiles(
    {
      listing,
      footers: parts.footers,
      predicate,
      prefix: table.prefix,
      position: undefined,
      footersAheadMax: rowsMax === Infinity ? options.footersAheadMax : FOOTERS_AHEAD_OF_LIMIT,
    },
    signal,
  )
  const groups: PlannedGroup[] = []
  let progress = noProgress
  try {
    gather: for await (const { passed, found } of steps) {
      progress = afterPassed(progress, passed)
      if (!found) break
      progress = afterFileBegun(progress, found)
      const file = fileOf(found.object)
      for (const group of found.pruned.kept) {
        if (progress.ledger.rowsKept >= rowsMax) break gather
        groups.push({ file, ...group })
        if (groups.length > ROW_GROUPS_MAX) throw tooManyGroups(request.table)
        progress = afterRowGroup(progress, found, group)
      }
      if (progress.ledger.rowsKept >= rowsMax) break
    }
  } finally {
    await listing.close()
  }
  const expiresMs = parts.nowMs() + options.ticketTtlMs
  const cut = cutEvenly(groups, request.partsMax).map((piece) => partOf(piece, table, expiresMs))
  const ledger = addLedgers(addLedgers(progress.ledger, listing.ledger), { splits: cut.length })
  return { table, parts: cut, ledger }
}

interface PlannedGroup {
  readonly file: Omit<SplitFile, 'rowGroups'>
  readonly groupIndex: number
  readonly rowCount: number
  readonly decodedBytes: number
}

/** Contiguous pieces, each ending where its share of the bytes does, none empty but the only one of none. */
export function cutEvenly<Item extends { readonly decodedBytes: number }>(
  items: readonly Item[],
  piecesMax: number,
): readonly (readonly Item[])[] {
  const pieceCount = Math.max(1, Math.min(piecesMax, items.length))
  let bytesLeft = items.reduce((sum, { decodedBytes }) => sum + decodedBytes, 0)
  const pieces: Item[][] = []
  let at = 0
  for (let piecesLeft = pieceCount; piecesLeft > 0; piecesLeft--) {
    const share = bytesLeft / piecesLeft
    const piece: Item[] = []
    let bytes = 0
    for (let item = items[at]; item; item = items[++at]) {
      const isEnough = piecesLeft > 1 && bytes + item.decodedBytes / 2 > share
      if (piece.length > 0 && (isEnough || items.length - at < piecesLeft)) break
      piece.push(item)
      bytes += item.decodedBytes
    }
    pieces.push(piece)
    bytesLeft -= bytes
  }
  return pieces
}

function partOf(groups: readonly PlannedGroup[], table: Table, expiresMs: number): TablePart {
  const files: SplitFile[] = []
  let last: PlannedGroup | undefined
  let [rowCount, decodedBytes] = [0, 0]
  for (const group of groups) {
    const { file, groupIndex } = group
    const open = files.at(-1)
    if (open && last?.file === file && open.rowGroups.end === groupIndex) {
      files[files.length - 1] = {
        ...open,
        rowGroups: { start: open.rowGroups.start, end: groupIndex + 1 },
      }
    } else files.push({ ...file, rowGroups: { start: groupIndex, end: groupIndex + 1 } })
    last = group
    rowCount += group.rowCount
    decodedBytes += group.decodedBytes
  }
  if (files.length > SPLIT_FILES_MAX) throw tooManyFiles(table.name)
  const split = splitOf(files, { table, expiresMs })
  return { split, rowCount, rowGroupCount: groups.length, decodedBytes }
}

function tooManyGroups(name: TableName): GatewayError {
  return new GatewayError(
    'too_large',
    `${formatTableName(name)} has more than ${ROW_GROUPS_MAX} row groups to read; filter by a partition or write larger row groups`,
  )
}

function tooManyFiles(name: TableName): GatewayError {
  return new GatewayError(
    'too_large',
    `a part of ${formatTableName(name)} has more than ${SPLIT_FILES_MAX} files; ask for more endpoints or filter by a partition`,
  )
}
