import t from 'tap'
import type { ReportingCredentials } from '../../../service/credentials/store-credentials.ts'
import { GatewayError } from '../../../service/errors.ts'
import { MetricsRegistry } from '../../../service/metrics/registry.ts'
import type { TableDescription } from '../../../service/catalog/catalog.ts'
import type { CostNote } from '../../../service/metrics/cost-note.ts'
import { watchCredentials } from '../../../service/metrics/watch-credentials.ts'
import { watchDescribe } from '../../../service/metrics/watch-describe.ts'
import { watchFooters } from '../../../service/metrics/watch-footers.ts'
import { watchPlan } from '../../../service/metrics/watch-plan.ts'
import { watchPool } from '../../../service/metrics/watch-pool.ts'
import { watchScan } from '../../../service/metrics/watch-scan.ts'
import { watchStore } from '../../../service/metrics/watch-store.ts'
import type { FooterCacheCounters } from '../../../service/footers/footer-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { ObjectVersion } from '../../../service/objects/object-store.ts'
import type { LedgerCount } from '../../../service/planning/ledger.ts'
import { emptyTally } from '../../../service/objects/store-tally.ts'
import { emptyLedger, ledgerCounts } from '../../../service/planning/ledger.ts'
import type { PlanRequest } from '../../../service/planning/plan-scan.ts'
import { Admission } from '../../../service/scan/admission.ts'
import type { Frame } from '../../../service/scan/frame.ts'
import { Quarantine } from '../../../service/scan/quarantine.ts'
import { emptyReceipt } from '../../../service/scan/scan-receipt.ts'
import type { ScanRequest } from '../../../service/scan/scan-request.ts'

const signal = new AbortController().signal

/** Samples of our own metrics that are not zero. */
async function samples(registry: MetricsRegistry): Promise<Record<string, number>> {
  const { text } = await registry.exposition()
  const lines = text
    .split('\n')
    .flatMap((line) => [/^(spillway_(?!process|nodejs|build)\S+) (\S+)$/.exec(line)])
    .flatMap((match) => (match ? [[match[1] ?? '', Number(match[2])] as const] : []))
  return Object.fromEntries(lines.filter(([, value]) => value !== 0))
}

function without(found: Record<string, number>, part: string): Record<string, number> {
  return Object.fromEntries(Object.entries(found).filter(([name]) => !name.includes(part)))
}

t.test('a plan: each count of the ledger is in one metric, once', async (t) => {
  const registry = new MetricsRegistry('1')
  // Powers of two: a sum tells which counts are in it.
  const counts = ledgerCounts.map((count, index) => [count, 2 ** index] as const)
  const ledger = Object.fromEntries(counts) as Record<LedgerCount, number>
  const page = { splits: [], ledger: { ...ledger, notApplied: ['a', 'b', 'c'] } }
  const plan = watchPlan(registry, async () => page)
  t.equal(await plan({} as PlanRequest, signal), page)
  const bit = (...counts: LedgerCount[]) => counts.reduce((sum, count) => sum + ledger[count], 0)
  const skipped = ledgerCounts.filter((count) => count.startsWith('skipped'))
  t.strictSame(await samples(registry), {
    'spillway_plan_files_total{decision="kept"}': bit('filesKept'),
    'spillway_plan_files_total{decision="dropped_by_partition"}': bit('filesDroppedByPartition'),
    'spillway_plan_files_total{decision="dropped_by_statistics"}': bit('filesDroppedByStatistics'),
    'spillway_plan_files_total{decision="without_rows"}': bit('filesWithoutRows'),
    'spillway_plan_files_total{decision="later"}': bit('filesLater'),
    'spillway_plan_files_total{decision="skipped"}': bit(...skipped),
    'spillway_plan_row_groups_total{decision="kept"}': bit('rowGroupsKept'),
    'spillway_plan_row_groups_total{decision="dropped_by_statistics"}': bit(
      'rowGroupsDroppedByStatistics',
    ),
    'spillway_plan_row_groups_total{decision="without_rows"}': bit('rowGroupsWithoutRows'),
    'spillway_plan_rows_total{decision="kept"}': bit('rowsKept'),
    'spillway_plan_rows_total{decision="dropped_by_statistics"}': bit('rowsDroppedByStatistics'),
    'spillway_plan_file_bytes_total{decision="kept"}': bit('fileBytesKept'),
    'spillway_plan_file_bytes_total{decision="dropped"}': bit('fileBytesDropped'),
    spillway_plan_folders_dropped_total: bit('foldersDroppedByPartition'),
    spillway_plan_not_applied_total: 3,
    spillway_plan_splits_total: bit('splits'),
    spillway_plan_ticket_bytes_total: bit('ticketBytes'),
  })
})

t.test('ledgers and receipts are noted without what is 0', async (t) => {
  const registry = new MetricsRegistry('1')
  const notes: (readonly [string, object])[] = []
  const note: CostNote = (what, cost) => void notes.push([what, cost])
  const table = { schema: 'lake', table: 'orders' }
  const page = { ledger: { ...emptyLedger, listRequests: 2, notApplied: ['a'] } }
  await watchPlan(registry, async () => page, note)({ table }, signal)
  const cost = emptyTally()
  cost.requests.footer = 3
  cost.bytes.footer = 300
  const description = { cost } as TableDescription
  t.equal(await watchDescribe(async () => description, note)(table, signal), description)
  const receipt = { ...emptyReceipt(), fetchBytes: 5 }
  const run = { frames: (async function* () {})(), receipt }
  const request = { split: { table } } as ScanRequest
  for await (const _ of watchScan(registry, () => run, note)(request, signal)) t.fail('a frame')
  t.strictSame(notes, [
    ['plan', { ...table, listRequests: 2, notApplied: ['a'] }],
    ['describe', { ...table, requests: { footer: 3 }, bytes: { footer: 300 } }],
    ['scan', { ...table, code: 'ok', fetchBytes: 5 }],
  ])
})

t.test('a plan that fails counts nothing', async (t) => {
  const registry = new MetricsRegistry('1')
  const plan = watchPlan(registry, async () => {
    throw new GatewayError('unavailable', 'the store is gone')
  })
  await t.rejects(plan({} as PlanRequest, signal), { code: 'unavailable' })
  t.strictSame(await samples(registry), {})
})

t.test('a scan is counted when it ends, however it ends', async (t) => {
  const frame: Frame = { message: new Uint8Array(5), rowCount: 1, bodyBytes: 8, release() {} }
  const scanned = async (frames: () => AsyncGenerator<Frame>, framesTaken = 9) => {
    const registry = new MetricsRegistry('1')
    const receipt = {
      ...emptyReceipt(),
      rowGroups: 2,
      rowsReturned: 3,
      fetchRequests: 4,
      fetchBytes: 5,
      frames: 6,
      frameBytes: 7,
    }
    const watched = watchScan(registry, () => ({ frames: frames(), receipt }))
    let taken = 0
    try {
      for await (const _ of watched({} as ScanRequest, signal)) {
        t.match(await samples(registry), { spillway_scans_active: 1 })
        if (++taken === framesTaken) break
      }
    } catch (error) {
      t.match(error, { code: 'object_changed' })
    }
    return samples(registry)
  }
  const counted = (code: string) => ({
    [`spillway_scans_total{code="${code}"}`]: 1,
    spillway_scan_row_groups_total: 2,
    spillway_scan_rows_total: 3,
    'spillway_store_requests_total{operation="read_data",outcome="ok"}': 4,
    'spillway_store_read_bytes_total{kind="data"}': 5,
    spillway_scan_frames_total: 6,
    spillway_scan_decoded_bytes_total: 7,
  })
  const good = async function* () {
    yield frame
    yield frame
  }
  const bad = async function* () {
    yield frame
    throw new GatewayError('object_changed', 'lake/a changed')
  }
  t.strictSame(await scanned(good), counted('ok'))
  t.strictSame(await scanned(good, 1), counted('cancelled'))
  t.strictSame(await scanned(bad), counted('object_changed'))
})

t.test('requests to the store are counted by operation and outcome', async (t) => {
  const registry = new MetricsRegistry('1')
  const memory = memoryStore()
  const object = memory.put('lake', 'tables/a.parquet', new Uint8Array(100))
  const store = watchStore(memory, registry)
  t.equal(store.id, memory.id)
  t.strictSame(await store.listBuckets(signal), ['lake'])
  await store.list({ bucket: 'lake', prefix: '', shallow: false }, signal)
  await store.read({ object, range: { start: 10, end: 40 } }, signal)
  memory.delete('lake', object.key)
  await t.rejects(store.read({ object, range: { start: 0, end: 10 } }, signal), {
    code: 'object_changed',
  })
  t.strictSame(without(await samples(registry), 'seconds'), {
    'spillway_store_requests_total{operation="list_buckets",outcome="ok"}': 1,
    'spillway_store_requests_total{operation="list",outcome="ok"}': 1,
    'spillway_store_requests_total{operation="read",outcome="ok"}': 1,
    'spillway_store_requests_total{operation="read",outcome="object_changed"}': 1,
    'spillway_store_read_bytes_total{kind="metadata"}': 30,
  })
  t.match(await samples(registry), {
    'spillway_store_request_seconds_count{operation="read"}': 2,
  })
})

t.test('the footer cache’s own counters are shown, not added twice', async (t) => {
  const registry = new MetricsRegistry('1')
  const footers = { counters: footerCounters({ hits: 3, misses: 2, restored: 1, heldBytes: 500 }) }
  watchFooters(registry, footers)
  await registry.exposition()
  footers.counters = footerCounters({ hits: 5, misses: 6, restored: 2, heldBytes: 400 })
  t.strictSame(await samples(registry), {
    'spillway_footers_total{source="memory"}': 5,
    'spillway_footers_total{source="archive"}': 2,
    'spillway_footers_total{source="store"}': 4,
    spillway_footer_cache_bytes: 400,
  })
})

t.test('the pool’s memory and quarantine are shown as they are now', async (t) => {
  const registry = new MetricsRegistry('1')
  const admission = new Admission({ bytesMax: 100 })
  const quarantine = new Quarantine({ keptMs: 1_000, nowMs: () => 0 })
  watchPool(registry, { admission, quarantine })
  t.strictSame(await samples(registry), {})
  const [share, other] = [admission.open(), admission.open()]
  await admission.reserve({ share, bytes: 70, source: 'lake/a' }, signal)
  const leaving = new AbortController()
  const waiting = admission.reserve({ share: other, bytes: 40, source: 'lake/b' }, leaving.signal)
  const piece = { source: 'lake/a, row group 3', object: { etag: 'e' } as ObjectVersion }
  quarantine.accuse(piece, 'trap', 'unreachable')
  quarantine.refusal(piece)
  await registry.exposition()
  quarantine.refusal(piece)
  t.strictSame(await samples(registry), {
    spillway_row_group_bytes: 70,
    spillway_row_groups_waiting: 1,
    spillway_quarantined_row_groups: 1,
    spillway_quarantine_refusals_total: 2,
  })
  leaving.abort()
  await t.rejects(waiting, { code: 'cancelled' })
  share.giveBackAll()
  quarantine.release(piece.source)
  t.strictSame(await samples(registry), { spillway_quarantine_refusals_total: 2 })
})

function footerCounters(given: Partial<FooterCacheCounters>): FooterCacheCounters {
  const none = { hits: 0, misses: 0, restored: 0, heldBytes: 0, heldFooters: 0 }
  return { ...none, reads: 0, readBytes: 0, ...given }
}

t.test("the store's credentials: attempts, age and the time that is left", async (t) => {
  const registry = new MetricsRegistry('test')
  const status = { source: 'web-identity', obtainedCount: 0, failedCount: 1 } as const
  let now: ReturnType<ReportingCredentials['status']> = status
  watchCredentials(registry, { status: () => now }, () => 61_000)
  const failed = 'spillway_credentials_attempts_total{source="web-identity",outcome="failed"}'
  t.strictSame(await samples(registry), { [failed]: 1 })
  now = { ...status, obtainedCount: 2, obtainedMs: 1_000, expiresMs: 91_000 }
  t.strictSame(await samples(registry), {
    [failed]: 1,
    'spillway_credentials_attempts_total{source="web-identity",outcome="obtained"}': 2,
    spillway_credentials_age_seconds: 60,
    spillway_credentials_expiry_seconds: 30,
  })
})
