import type { TableName } from '../catalog/table-name.ts'
import type { Caller } from '../credentials/caller.ts'
import { openContinuation } from '../planning/continuation.ts'
import type { PlanPage, PlanRequest } from '../planning/plan-scan.ts'
import type { TablePlan, TablePlanRequest } from '../planning/plan-table.ts'
import type { Split } from '../planning/split.ts'
import type { TicketHolder, TicketKeys } from '../planning/ticket-keys.ts'
import { openTicket, sealTicket } from '../planning/ticket.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { Frame } from '../scan/frame.ts'
import type { ScanRequest } from '../scan/scan-request.ts'
import type { CallerAdmission } from './admission.ts'
import { guardedLedger, guardedPredicate } from './guarded-plan.ts'
import { assertSeen, guardedScan, hasColumns } from './guarded-scan.ts'
import { keepingDetails, withoutDetails } from './keep-details.ts'
import type { SeenTables } from './seen-tables.ts'
import type { VisibleCatalog, VisibleCatalogParts } from './visible-catalog.ts'
import { rightsOn, visibleCatalog } from './visible-catalog.ts'

type Answer<Request, Result> = (request: Request, signal: AbortSignal) => Promise<Result>
type Scan = (request: ScanRequest, signal: AbortSignal) => AsyncIterable<Frame>

/** What answers without asking who wants to know. */
export interface AccessParts extends VisibleCatalogParts {
  readonly planPage: Answer<PlanRequest, PlanPage>
  readonly planTable: Answer<TablePlanRequest, TablePlan>
  readonly scan: Scan
  readonly keys: TicketKeys
  readonly admission: CallerAdmission
  readonly seenTables: SeenTables
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/**
 * The same for one caller. Each answer begins with a decision about the caller, made before the catalog or any cache
 * is asked; what the caller may not see does not exist in it.
 */
export interface Access {
  readonly catalog: VisibleCatalog
  readonly planPage: Answer<Omit<PlanRequest, 'holder'>, PlanPage>
  readonly planTable: Answer<TablePlanRequest, TablePlan>
  readonly scan: Scan
  readonly sealTicket: (split: Split) => Uint8Array
  /** @throws {GatewayError} `invalid_request` see {@link openTicket}. */
  readonly openTicket: (ticket: Uint8Array) => Split
}

export function accessOf(caller: Caller, parts: AccessParts): Access {
  const catalog = visibleCatalog(caller, parts)
  const { keys, nowMs } = parts
  return {
    catalog,
    planPage: async (request, signal) => {
      const { table, continuation } = request
      const holder = holderOn(caller, table)
      // What is not the caller's is refused before anything is asked about the table.
      if (continuation !== undefined) {
        openContinuation(continuation, { keys, holder, table, nowMs: nowMs() })
      }
      const page = (predicate: Predicate) =>
        parts.planPage({ ...request, predicate, holder }, signal)
      return guardPlan({ caller, parts, catalog }, { request, plan: page }, signal)
    },
    planTable: (request, signal) => {
      const table = (predicate: Predicate) => parts.planTable({ ...request, predicate }, signal)
      return guardPlan({ caller, parts, catalog }, { request, plan: table }, signal)
    },
    scan: (asked, signal) => {
      const request = withSession(asked, caller)
      const frames = () => guardScan({ caller, parts, catalog }, request, signal)
      return parts.admission.admit(caller, frames, signal)
    },
    sealTicket: (split) => sealTicket(split, keys, holderOn(caller, split.table)),
    openTicket: (ticket) =>
      openTicket(ticket, {
        keys,
        caller: caller.name,
        rightsDigestOf: (table) => caller.rights.ofTable(table)?.digest,
        nowMs: nowMs(),
      }),
  }
}

function withSession(request: ScanRequest, { name, sessionPolicy: policy }: Caller): ScanRequest {
  return policy === undefined ? request : { ...request, session: { caller: name, policy } }
}

function holderOn(caller: Caller, table: TableName): TicketHolder {
  return { caller: caller.name, rightsDigest: rightsOn(caller, table).digest }
}

interface Guard {
  readonly caller: Caller
  readonly parts: AccessParts
  readonly catalog: VisibleCatalog
}

interface GuardedPlan<Plan> {
  readonly request: Pick<TablePlanRequest, 'table' | 'predicate'>
  readonly plan: (predicate: Predicate) => Promise<Plan>
}

async function guardPlan<Plan extends Pick<TablePlan, 'ledger'>>(
  { caller, parts, catalog }: Guard,
  { request: { table, predicate }, plan }: GuardedPlan<Plan>,
  signal: AbortSignal,
): Promise<Plan> {
  const rights = rightsOn(caller, table)
  if (rights.isWhole) return plan(predicate)
  const seen = await catalog.describeTable(table, signal)
  assertSeen(seen, predicate)
  const guarded = guardedPredicate(seen, predicate)
  const asked = { caller, table, report: parts.report }
  const made = await keepingDetails(asked, rights, () => plan(guarded))
  return { ...made, ledger: guardedLedger(seen, made.ledger) }
}

async function* guardScan(
  { caller, parts, catalog }: Guard,
  request: ScanRequest,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const { table } = request.split
  const rights = rightsOn(caller, table)
  if (rights.isWhole) return yield* parts.scan(request, signal)
  const seen = await parts.seenTables.get(table, rights, catalog, signal)
  // A column that is not known may be a new one.
  const isKnown = hasColumns(seen, request)
  const guarded = guardedScan(request, isKnown ? seen : await catalog.describeTable(table, signal))
  try {
    yield* parts.scan(guarded, signal)
  } catch (error) {
    throw withoutDetails({ caller, table, report: parts.report }, error)
  }
}
