import { setMaxListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import type { AccessParts } from './access/access.ts'
import { accessOf } from './access/access.ts'
import { CallerAdmission } from './access/admission.ts'
import type { Report } from './access/keep-details.ts'
import { SeenTables } from './access/seen-tables.ts'
import type { TableDescription } from './catalog/catalog.ts'
import { Catalog } from './catalog/catalog.ts'
import type { Config } from './config.ts'
import type { Caller } from './credentials/caller.ts'
import { anonymous, identifyAnybody } from './credentials/caller.ts'
import { Callers } from './credentials/callers.ts'
import { credentialsReport } from './credentials/credentials-report.ts'
import { ServerCertificate } from './credentials/server-certificate.ts'
import { GatewayError } from './errors.ts'
import { athenaBackend } from './federation/athena-backend.ts'
import { federationService } from './federation/federation-service.ts'
import { flightService } from './flight/flight-service.ts'
import { FooterArchive } from './footers/footer-archive.ts'
import { FooterCache } from './footers/footer-cache.ts'
import { IndexCache } from './footers/index-cache.ts'
import { SmallFiles } from './footers/small-files.ts'
import { grpcServer } from './grpc/grpc-server.ts'
import type { CallObserver } from './grpc/serve-call.ts'
import { httpServer } from './http/http-server.ts'
import { metricsServer } from './http/metrics-server.ts'
import { MetricsRegistry } from './metrics/registry.ts'
import type { CostNote } from './metrics/cost-note.ts'
import { watchCertificate } from './metrics/watch-certificate.ts'
import { watchCredentials } from './metrics/watch-credentials.ts'
import { watchDescribe } from './metrics/watch-describe.ts'
import { watchFooters } from './metrics/watch-footers.ts'
import { watchPool } from './metrics/watch-pool.ts'
import { watchPlan } from './metrics/watch-plan.ts'
import { watchScan } from './metrics/watch-scan.ts'
import { watchStore } from './metrics/watch-store.ts'
import { openStore } from './objects/open-store.ts'
import { withByteCache } from './objects/with-byte-cache.ts'
import { withConcurrencyLimit } from './objects/with-concurrency-limit.ts'
import { withSingleFlight } from './objects/with-single-flight.ts'
import type { PlanRequest } from './planning/plan-scan.ts'
import { planOptions, planSplits } from './planning/plan-scan.ts'
import type { TablePlanRequest } from './planning/plan-table.ts'
import { planTable } from './planning/plan-table.ts'
import { TicketKeys } from './planning/ticket-keys.ts'
import { parseFilter } from './predicate/parse-filter.ts'
import { tableFields } from './query/table-columns.ts'
import type { TableQueries } from './query/table-queries.ts'
import { tableQueries } from './query/table-queries.ts'
import { defaultMemoryBytes, defaultWorkerCount, shareMemory } from './scan/memory-budget.ts'
import { ScanPool } from './scan/scan-pool.ts'
import type { ScanRequest } from './scan/scan-request.ts'
import { scanSplit } from './scan/scan-split.ts'
import { limitStreams, streamsMaxOf } from './scan/stream-limit.ts'
import { storeAccess } from './objects/store-access.ts'
import { withTally } from './objects/store-tally.ts'

/** Requests of planning to the store at once; data is read by the workers, past this. */
const STORE_CALLS_MAX = 48
const STORE_CALLS_WAITING_MAX = 10_000
/** Below the 64 KiB of a footer's read, so that footers are not held twice. */
const SMALL_READS = { bytesMax: 32 << 20, rangeBytesMax: 32 << 10 }
/** Page indexes and bloom filters: 6 KiB for each of 10,000 files. A guess: the least recently used are read again. */
const INDEX_CACHE_BYTES_MAX = 64 << 20
/** Files that the read of their footer brought whole, at most 64 KiB each: between plan and scan. */
const SMALL_FILES_BYTES_MAX = 32 << 20
/** Footers that are fetched at the same time, for all plans together. */
const FOOTER_READS_MAX = 32

/** One request's signal ends all its reads: Node's warning at ten listeners would cry wolf, at so many it would not. */
const SIGNAL_LISTENERS_MAX = 1_000

/** A clock that never goes back. */
const nowMs = () => performance.now()

export interface GatewayParts {
  readonly log: Logger
  readonly version: string
}

/** As bound. */
export interface GatewayAddresses {
  /** `http(s)://host:port`. */
  readonly http: string
  /** `host:port`. */
  readonly grpc: string
  /** `http://host:port`; absent: on the HTTP port. */
  readonly metrics?: string
}

export interface Gateway {
  listen(): Promise<GatewayAddresses>
  /** Stops taking calls, waits for the running ones up to the configured time, ends everything. */
  close(): Promise<void>
}

/** The one place that knows how the rooms fit. */
export async function composeGateway(config: Config, parts: GatewayParts): Promise<Gateway> {
  const { log, version } = parts
  setMaxListeners(SIGNAL_LISTENERS_MAX)
  if (config.ticketKeys.length === 0) {
    log.warn(
      'SPILLWAY_TICKET_KEYS is not set: a random key is used, so only this process opens its tickets',
    )
  }
  const registry = new MetricsRegistry(version)
  const callers = await openCallers(config, registry, log)
  const tls = await openCertificate(config, registry, log)
  const { credentials, store, archive, pool, backendFor, queriesFor } = await openRooms(config, {
    registry,
    note: (what, cost) => log.debug(cost, what),
    report: ({ caller, table, error: { code, message } }) =>
      log.warn({ caller, ...table, code, reason: message }, 'a caller is not told the reason'),
  })
  const translate = translator(log)
  const identify = callers?.identify ?? identifyAnybody
  const keeper = { observe: observer(registry, log), translate, identify }
  const federation = federationService({ ...keeper, backendFor })
  const flight = flightService({ ...keeper, queriesFor })
  const services = [federation, flight]
  const grpc = grpcServer({ ...config.grpc, ...(tls && { tls }), ...keeper, services })
  let accepting = true
  const health = {
    accepting: () => accepting,
    ready: async (signal: AbortSignal) => readiness(() => store.listBuckets(signal), translate),
    credentials: () => credentialsReport(credentials.status(), Date.now()),
  }
  const { quarantine } = pool
  const http = httpServer({
    ...config.http,
    ...(tls && { tls }),
    registry,
    identify,
    queriesFor,
    version,
    observe: keeper.observe,
    health,
    quarantine: { quarantine, nowMs },
    hasMetrics: config.metrics === undefined,
    translate,
  })
  const metrics = config.metrics && metricsServer({ ...config.metrics, registry, ...keeper })
  return {
    listen: async () => ({
      http: await http.listen(),
      grpc: await grpc.listen(),
      ...(metrics && { metrics: await metrics.listen() }),
    }),
    close: async () => {
      accepting = false
      await grpc.close(config.shutdownTimeoutMs)
      await http.close(config.shutdownTimeoutMs)
      await metrics?.close()
      tls?.close()
      callers?.close()
      await pool.close()
      await archive?.close()
      store.close()
    },
  }
}

/** The rooms without doors, for a program that asks in its own process. */
export async function composeQueries(
  config: Config,
): Promise<{ readonly queries: TableQueries; readonly close: () => Promise<void> }> {
  setMaxListeners(SIGNAL_LISTENERS_MAX)
  const registry = new MetricsRegistry('')
  const rooms = await openRooms(config, { registry, note: () => {}, report: () => {} })
  return {
    queries: rooms.queriesFor(anonymous),
    close: async () => {
      await rooms.pool.close()
      await rooms.archive?.close()
      rooms.store.close()
    },
  }
}

/** Who is told what the rooms do. */
interface Listeners {
  readonly registry: MetricsRegistry
  readonly note: CostNote
  readonly report: Report
}

/** Everything behind the doors, from the store outwards; every line of the stack says why it stands there. */
async function openRooms(config: Config, { registry, note, report }: Listeners) {
  const access = await storeAccess(config.store)
  const { connection, credentials } = access
  watchCredentials(registry, credentials, Date.now)
  // The watch stands below the retries and counts each attempt.
  const attempts = openStore(connection, credentials, (inner) =>
    withTally(watchStore(inner, registry)),
  )
  const limited = withConcurrencyLimit(attempts, {
    callsMax: STORE_CALLS_MAX,
    waitingMax: STORE_CALLS_WAITING_MAX,
  })
  // Equal questions asked at once are one request, and take one place in the queue; what is small and asked for
  // again (magic, page indexes, bloom filters) is answered from memory. Footers have a cache of their own.
  const store = withByteCache(withSingleFlight(limited), SMALL_READS)
  const archive = await openArchive(config)
  const indexes = new IndexCache({ store, bytesMax: INDEX_CACHE_BYTES_MAX })
  const freshMs = config.listingTtlMs
  const smallFiles = new SmallFiles({ bytesMax: SMALL_FILES_BYTES_MAX, freshMs, nowMs })
  const footers = new FooterCache({
    store,
    onIndexes: (object, run) => indexes.keep(object, run),
    onSmallFile: (object, bytes) => smallFiles.keep(object, bytes),
    bytesMax: config.footerCacheBytesMax,
    concurrency: FOOTER_READS_MAX,
    ...(archive && { archive }),
  })
  watchFooters(registry, footers)
  const { bucketPrefix, tablesPath, listingTtlMs, schemaMode, splitBytesTarget } = config
  const catalog = new Catalog(
    { bucketPrefix, tablesPath, listingTtlMs, schemaMode },
    { store, footers, nowMs, ...(archive && { archive }) },
  )
  const keys = new TicketKeys(config.ticketKeys.map((key) => key.reveal()))
  const planning = { catalog, footers, keys, nowMs: Date.now, options: { splitBytesTarget } }
  const memoryBytes = config.memoryBytes || defaultMemoryBytes()
  const workerCount = config.workers || defaultWorkerCount(availableParallelism(), memoryBytes)
  const pool = await ScanPool.start({
    ...access,
    workerCount,
    decoder: config.decoder,
    ...shareMemory(memoryBytes, workerCount, config.byteCacheBytesMax),
    quarantineMs: config.quarantineMs,
    onLoss: () => registry.add('workersLost', 1),
  })
  // Pages are chosen for the kernels alone: the other engine reads row groups whole.
  const chosen = config.decoder === 'auto' && { indexes }
  const scanning = { footers, smallFiles, runner: pool, ...chosen }
  watchPool(registry, pool)
  const scanFiles = (request: ScanRequest, signal: AbortSignal) =>
    scanSplit(request, scanning, signal)
  const splits = (request: PlanRequest, signal: AbortSignal) =>
    planSplits(request, planning, signal)
  const parts = (request: TablePlanRequest, signal: AbortSignal) =>
    planTable(request, planning, signal)
  const answers = {
    catalog: {
      listSchemas: (signal: AbortSignal) => catalog.listSchemas(signal),
      listTables: (schema: string, signal: AbortSignal) => catalog.listTables(schema, signal),
      describeTable: watchDescribe((name, signal) => catalog.describeTable(name, signal), note),
    },
    planPage: watchPlan(registry, splits, note),
    planTable: watchPlan(registry, parts, note),
    parseRowFilter: (filter: string, description: TableDescription) =>
      parseFilter(filter, tableFields(description)),
    admission: new CallerAdmission({ nowMs }),
    seenTables: new SeenTables(nowMs),
    keys,
    report,
    nowMs: Date.now,
    scan: watchScan(registry, limitStreams(scanFiles, streamsMaxOf(memoryBytes)), note),
  }
  return { credentials, store, archive, pool, ...answersFor(answers) }
}

/** What the doors ask, for one caller at a time. */
function answersFor(parts: AccessParts) {
  const { ticketTtlMs } = planOptions
  return {
    backendFor: (caller: Caller) => {
      const access = accessOf(caller, parts)
      return athenaBackend({ ...access, plan: access.planPage })
    },
    queriesFor: (caller: Caller) => {
      const access = accessOf(caller, parts)
      const own = { parseFilter, ticketTtlMs, nowMs: Date.now }
      return tableQueries({ ...access, ...own, plan: access.planTable })
    },
  }
}

async function openCallers(
  { callersFile: path, store, bucketPrefix, tablesPath }: Config,
  registry: MetricsRegistry,
  log: Logger,
): Promise<Callers | undefined> {
  if (path === undefined) return undefined
  const hasSessions = store.kind === 's3' && store.hasCallerSessions === true
  return Callers.open({
    path,
    nowMs: Date.now,
    ...(hasSessions && { sessions: { bucketPrefix, tablesPath } }),
    onBroken: (error) => {
      registry.set('callersFileProblems', 1)
      log.error({ reason: error.message }, 'the new callers file is not taken, the old one stays')
    },
    onLoaded: (callerCount) => {
      registry.set('callersFileProblems', 0)
      log.info({ callers: callerCount }, 'callers file read')
    },
  })
}

async function openCertificate(
  { tls }: Config,
  registry: MetricsRegistry,
  log: Logger,
): Promise<ServerCertificate | undefined> {
  if (tls === undefined) return undefined
  const certificate = await ServerCertificate.open(tls, {
    nowMs: Date.now,
    onBroken: (error) => {
      registry.add('certificateReads', 1, { outcome: 'broken' })
      log.error({ reason: error.message }, 'the new certificate is not taken, the old one stays')
    },
    onRenewed: () => {
      registry.add('certificateReads', 1, { outcome: 'renewed' })
      log.info('new certificate')
    },
  })
  watchCertificate(registry, certificate, Date.now)
  return certificate
}

async function openArchive(config: Config): Promise<FooterArchive | undefined> {
  const { cacheDirectory: directory, cacheDirectoryBytesMax: bytesMax } = config
  return directory === undefined ? undefined : FooterArchive.open({ directory, bytesMax })
}

async function readiness(
  probe: () => Promise<unknown>,
  translate: (reason: unknown) => GatewayError,
): Promise<GatewayError | undefined> {
  try {
    await probe()
    return undefined
  } catch (reason) {
    return translate(reason)
  }
}

/** Unknown errors are defects of ours: their cause goes to the log, and nowhere else. */
function translator(log: Logger): (reason: unknown) => GatewayError {
  return (reason) => {
    const error = GatewayError.from(reason)
    if (error.code === 'internal') log.error({ err: error.cause }, 'internal error')
    return error
  }
}

function observer(registry: MetricsRegistry, log: Logger): CallObserver {
  return ({ caller, method, durationMs, queryId, error }) => {
    const code = error?.code ?? 'ok'
    registry.add('calls', 1, { method, code })
    registry.observe('callSeconds', durationMs / 1000, { method })
    const facts = { method, caller, queryId, code, ms: Math.round(durationMs) }
    if (error) log.warn({ ...facts, reason: error.message }, 'call failed')
    else log.debug(facts, 'call')
  }
}
