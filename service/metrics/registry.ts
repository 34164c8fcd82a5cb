import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds: from a warm footer to a cold scan of a large split. */
const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60, 300]

const counters = {
  calls: [
    'spillway_calls_total',
    'Calls answered, by method and error code (ok: none)',
    'method code',
  ],
  storeRequests: ['spillway_store_requests_total', 'Requests to the store', 'operation outcome'],
  storeBytes: ['spillway_store_read_bytes_total', 'Bytes read from the store', 'kind'],
  cachedBytes: ['spillway_scan_cached_bytes_total', 'Bytes of data that were still in memory', ''],
  planFiles: [
    'spillway_plan_files_total',
    'Files seen by planning, by what became of them',
    'decision',
  ],
  planRowGroups: ['spillway_plan_row_groups_total', 'Row groups seen by planning', 'decision'],
  planRows: ['spillway_plan_rows_total', 'Rows of row groups seen by planning', 'decision'],
  planFileBytes: [
    'spillway_plan_file_bytes_total',
    'Sizes of the files seen by planning',
    'decision',
  ],
  planFoldersDropped: [
    'spillway_plan_folders_dropped_total',
    'Partition folders that were not even listed',
    '',
  ],
  planNotApplied: [
    'spillway_plan_not_applied_total',
    'Conditions that were left to the caller',
    '',
  ],
  planSplits: ['spillway_plan_splits_total', 'Splits planned', ''],
  planTicketBytes: ['spillway_plan_ticket_bytes_total', 'Bytes of the tickets of splits', ''],
  footers: ['spillway_footers_total', 'Footers asked for, by where they came from', 'source'],
  scans: ['spillway_scans_total', 'Splits read, by error code (ok: none)', 'code'],
  scanRowGroups: ['spillway_scan_row_groups_total', 'Row groups decoded', ''],
  scanRowGroupsDropped: [
    'spillway_scan_row_groups_dropped_total',
    'Row groups that statistics left in, dropped before they were read whole',
    'by',
  ],
  scanWastedBytes: [
    'spillway_scan_wasted_bytes_total',
    'Bytes read because they lay between what was wanted',
    '',
  ],
  scanChunks: [
    'spillway_scan_column_chunks_total',
    'Column chunks decoded, by engine and why it was not the kernels',
    'engine reason',
  ],
  scanRows: ['spillway_scan_rows_total', 'Rows sent', ''],
  scanDecodedBytes: ['spillway_scan_decoded_bytes_total', 'Bytes of Arrow sent', ''],
  workersLost: ['spillway_workers_lost_total', 'Decode workers that died and were replaced', ''],
  quarantineRefusals: [
    'spillway_quarantine_refusals_total',
    'Row groups refused unread because they cost a worker before',
    '',
  ],
  scanFrames: ['spillway_scan_frames_total', 'Record batches sent', ''],
  credentialsAttempts: [
    'spillway_credentials_attempts_total',
    "Attempts to obtain the store's credentials",
    'source outcome',
  ],
  certificateReads: [
    'spillway_tls_certificate_reads_total',
    'Changes of the files of the TLS certificate: renewed, or broken and not taken',
    'outcome',
  ],
} as const

const histograms = {
  callSeconds: ['spillway_call_seconds', 'Time to the end of a call', 'method'],
  storeSeconds: [
    'spillway_store_request_seconds',
    'Time to the whole answer of the store',
    'operation',
  ],
} as const

const gauges = {
  scansActive: ['spillway_scans_active', 'Splits being read now', ''],
  rowGroupBytes: ['spillway_row_group_bytes', 'Memory taken by row groups in flight', ''],
  rowGroupsWaiting: ['spillway_row_groups_waiting', 'Row groups that wait for memory', ''],
  quarantined: ['spillway_quarantined_row_groups', 'Row groups that are refused now', ''],
  footerCacheBytes: ['spillway_footer_cache_bytes', 'Memory held by footers', ''],
  credentialsAge: [
    'spillway_credentials_age_seconds',
    "Since the store's credentials in use were obtained",
    '',
  ],
  credentialsLeft: [
    'spillway_credentials_expiry_seconds',
    "Until the store's credentials in use end",
    '',
  ],
  callersFileProblems: [
    'spillway_callers_file_problems',
    '1: the callers file is no good, so an older one is in use',
    '',
  ],
  certificateLeft: [
    'spillway_tls_certificate_expiry_seconds',
    'Until the TLS certificate of the ports ends',
    '',
  ],
} as const

type Labels = Readonly<Record<string, string>>

export type CounterName = keyof typeof counters
export type HistogramName = keyof typeof histograms
export type GaugeName = keyof typeof gauges

/** Every metric of the gateway: name, meaning, labels. Label values come from closed lists, never from data. */
export class MetricsRegistry {
  readonly #registry = new Registry()
  readonly #counters = new Map<string, Counter>()
  readonly #histograms = new Map<string, Histogram>()
  readonly #gauges = new Map<string, Gauge>()
  readonly #refreshes: (() => void)[] = []

  constructor(version: string) {
    const registers = [this.#registry]
    collectDefaultMetrics({ prefix: 'spillway_', register: this.#registry })
    for (const [key, [name, help, labels]] of Object.entries(counters)) {
      this.#counters.set(key, new Counter({ name, help, labelNames: split(labels), registers }))
    }
    for (const [key, [name, help, labels]] of Object.entries(histograms)) {
      const labelNames = split(labels)
      this.#histograms.set(
        key,
        new Histogram({ name, help, labelNames, buckets: SECONDS, registers }),
      )
    }
    for (const [key, [name, help, labels]] of Object.entries(gauges)) {
      this.#gauges.set(key, new Gauge({ name, help, labelNames: split(labels), registers }))
    }
    const build = {
      name: 'spillway_build_info',
      help: 'The running version',
      labelNames: ['version'],
    }
    new Gauge({ ...build, registers }).set({ version }, 1)
  }

  add(name: CounterName, amount: number, labels: Labels = {}): void {
    this.#counters.get(name)?.inc(labels, amount)
  }

  observe(name: HistogramName, seconds: number, labels: Labels = {}): void {
    this.#histograms.get(name)?.observe(labels, seconds)
  }

  set(name: GaugeName, value: number): void {
    this.#gauges.get(name)?.set(value)
  }

  change(name: GaugeName, by: number): void {
    this.#gauges.get(name)?.inc(by)
  }

  /** Runs at each scrape, for numbers that somebody else keeps. */
  beforeScrape(refresh: () => void): void {
    this.#refreshes.push(refresh)
  }

  /** The text that Prometheus scrapes, and its content type. */
  async exposition(): Promise<{ text: string; contentType: string }> {
    for (const refresh of this.#refreshes) refresh()
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType }
  }
}

function split(labels: string): string[] {
  return labels === '' ? [] : labels.split(' ')
}
