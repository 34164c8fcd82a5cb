import assert from 'node:assert'
import type { Catalog } from '../catalog/catalog.ts'
import type { FooterSource } from '../catalog/describe-files.ts'
import type { Table } from '../catalog/table-folders.ts'
import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'
import { emptyTally, tallied } from '../objects/store-tally.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Continuation } from './continuation.ts'
import { openContinuation, sealContinuation } from './continuation.ts'
import type { Ledger } from './ledger.ts'
import { addLedgers, tallyInLedger } from './ledger.ts'
import { planFiles } from './plan-files.ts'
import { PlanListing } from './plan-listing.ts'
import type { FilledPage, PageLimits, PlannedSplit } from './plan-page.ts'
import { fillPage } from './plan-page.ts'
import { subtractFiles } from './remaining-files.ts'
import { SPLIT_FILES_MAX } from './split-files-encoding.ts'
import type { TicketHolder, TicketKeys } from './ticket-keys.ts'

export interface PlanRequest {
  readonly table: TableName
  /** Rows that do not match it need not be read. */
  readonly predicate: Predicate
  /** Names what of the conditions the predicate does not say, for the ledger. */
  readonly notApplied?: readonly string[]
  /** Who may read the splits, and ask for the next page. */
  readonly holder: TicketHolder
  /** From the page before; predicate and options must be the same again. */
  readonly continuation?: string
  /** At least 1. */
  readonly splitsMax: number
  /** What the tickets of the page take together; one ticket is always allowed. */
  readonly pageBytesMax: number
}

export interface PlanOptions {
  /** What the row groups of a split decode to; one row group alone may be more. */
  readonly splitBytesTarget: number
  readonly splitFilesMax: number
  /** What the names of a split's files may take in its ticket. */
  readonly ticketBytesMax: number
  readonly ticketTtlMs: number
  /** Footers that are fetched at the same time, in the order of the files. */
  readonly footersAheadMax: number
}

export const planOptions: PlanOptions = {
  /** Small enough to share work evenly, large enough that a split's fixed costs do not count. */
  splitBytesTarget: 128 * 1024 * 1024,
  splitFilesMax: 2_000,
  /** Athena carries the ticket in every request for the split, in base64; Lambda takes 6 MB. */
  ticketBytesMax: 256 * 1024,
  /** Athena stops a query after 30 minutes by default; queues come on top. */
  ticketTtlMs: 6 * 60 * 60 * 1000,
  footersAheadMax: 32,
}

export interface PlanParts {
  readonly catalog: Pick<Catalog, 'findTable' | 'listFiles'>
  readonly footers: FooterSource
  readonly keys: TicketKeys
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  readonly options?: Partial<PlanOptions>
}

export interface PlanPage {
  /** In key order. */
  readonly splits: readonly PlannedSplit[]
  /** Absent on the last page. */
  readonly continuation?: string
  /** Of this page; the ledgers of all pages add up to the plan's. */
  readonly ledger: Ledger
}

/**
 * One page of the splits of a table as its first page found it. The same table gives the same splits in the same
 * order, however they are cut into pages.
 *
 * @throws {GatewayError} `invalid_request` the continuation is not ours or too old; `object_changed` files were
 *   replaced or deleted since the first page; whatever the catalog and the footers throw.
 */
export async function planSplits(
  request: PlanRequest,
  parts: PlanParts,
  signal: AbortSignal,
): Promise<PlanPage> {
  const tally = emptyTally()
  const page = await tallied(tally, () => planPage(request, parts, signal))
  return { ...page, ledger: addLedgers(page.ledger, tallyInLedger(tally)) }
}

async function planPage(
  request: PlanRequest,
  parts: PlanParts,
  signal: AbortSignal,
): Promise<PlanPage> {
  const { catalog, keys } = parts
  const { holder } = request
  const nowMs = parts.nowMs()
  const options = { ...planOptions, ...parts.options }
  const from = continuationOf(request, keys, nowMs)
  const table = await catalog.findTable(request.table, signal)
  const listing = new PlanListing({
    catalog,
    table,
    predicate: request.predicate,
    remaining: from?.remaining,
  })
  const steps = planFiles(
    {
      listing,
      footers: parts.footers,
      predicate: request.predicate,
      prefix: table.prefix,
      position: from?.position,
      footersAheadMax: options.footersAheadMax,
    },
    signal,
  )
  const expiresMs = nowMs + options.ticketTtlMs
  try {
    const page = await fillPage(steps, pageLimits(request, options), {
      table,
      keys,
      holder,
      expiresMs,
    })
    const next = await continuationAfter(page, { listing, table, from, expiresMs })
    return {
      splits: page.splits,
      ledger: from ? ledgerOf(page) : addLedgers(ledgerOf(page), firstPageLedger(request, listing)),
      ...(next && { continuation: sealContinuation(next, keys, holder) }),
    }
  } finally {
    await listing.close()
  }
}

function continuationOf(
  { table, holder, continuation }: PlanRequest,
  keys: TicketKeys,
  nowMs: number,
): Continuation | undefined {
  if (continuation === undefined) return undefined
  return openContinuation(continuation, { keys, holder, table, nowMs })
}

function pageLimits(request: PlanRequest, options: PlanOptions): PageLimits {
  const { splitsMax, pageBytesMax } = request
  return {
    splitsMax,
    pageBytesMax,
    grouping: {
      decodedBytesTarget: options.splitBytesTarget,
      filesMax: Math.min(options.splitFilesMax, SPLIT_FILES_MAX),
      fileRecordsBytesMax: Math.min(options.ticketBytesMax, pageBytesMax),
    },
  }
}

interface PlanState {
  readonly listing: PlanListing
  readonly table: Table
  readonly from: Continuation | undefined
  readonly expiresMs: number
}

/** Undefined after the last page, where all that the first page saw must have been found. */
async function continuationAfter(
  { end, isLast }: FilledPage,
  { listing, table, from, expiresMs }: PlanState,
): Promise<Continuation | undefined> {
  const left = from && {
    ...from.remaining,
    total: subtractFiles(from.remaining.total, end.seen),
  }
  if (isLast) {
    if (left && (left.total.count !== 0 || left.total.sum !== 0n)) throw tableChanged(table)
    return undefined
  }
  const { position } = end
  assert(position, 'a page that is full has an end')
  return {
    table: table.name,
    position,
    remaining: left ?? (await listing.remaining(position.afterKey, end.seen)),
    expiresMs: from?.expiresMs ?? expiresMs,
  }
}

function ledgerOf({ splits, ticketBytes, end }: FilledPage): Ledger {
  return addLedgers(end.ledger, { splits: splits.length, ticketBytes })
}

function firstPageLedger({ notApplied = [] }: PlanRequest, { ledger }: PlanListing): Ledger {
  return addLedgers(ledger, { notApplied })
}

function tableChanged({ name }: Table): GatewayError {
  return new GatewayError(
    'object_changed',
    `files of ${formatTableName(name)} were replaced or deleted while it was planned; plan again`,
  )
}
