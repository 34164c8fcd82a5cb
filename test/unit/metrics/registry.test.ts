import t from 'tap'
import { MetricsRegistry } from '../../../service/metrics/registry.ts'

t.test('every metric is there from the first scrape on, by type', async (t) => {
  const { text, contentType } = await new MetricsRegistry('1.2.3').exposition()
  t.match(contentType, /^text\/plain; version=0\.0\.4/)
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type]) => [
    name,
    type,
  ])
  t.ok(types.every(([name]) => name?.startsWith('spillway_')))
  const own = types.filter(([name]) => !/^spillway_(process|nodejs)_/.test(name ?? ''))
  t.strictSame(
    own.map((words) => words.join(' ')),
    [
      'spillway_calls_total counter',
      'spillway_store_requests_total counter',
      'spillway_store_read_bytes_total counter',
      'spillway_scan_cached_bytes_total counter',
      'spillway_plan_files_total counter',
      'spillway_plan_row_groups_total counter',
      'spillway_plan_rows_total counter',
      'spillway_plan_file_bytes_total counter',
      'spillway_plan_folders_dropped_total counter',
      'spillway_plan_not_applied_total counter',
      'spillway_plan_splits_total counter',
      'spillway_plan_ticket_bytes_total counter',
      'spillway_footers_total counter',
      'spillway_scans_total counter',
      'spillway_scan_row_groups_total counter',
      'spillway_scan_row_groups_dropped_total counter',
      'spillway_scan_wasted_bytes_total counter',
      'spillway_scan_column_chunks_total counter',
      'spillway_scan_rows_total counter',
      'spillway_scan_decoded_bytes_total counter',
      'spillway_workers_lost_total counter',
      'spillway_quarantine_refusals_total counter',
      'spillway_scan_frames_total counter',
      'spillway_credentials_attempts_total counter',
      'spillway_tls_certificate_reads_total counter',
      'spillway_call_seconds histogram',
      'spillway_store_request_seconds histogram',
      'spillway_scans_active gauge',
      'spillway_row_group_bytes gauge',
      'spillway_row_groups_waiting gauge',
      'spillway_quarantined_row_groups gauge',
      'spillway_footer_cache_bytes gauge',
      'spillway_credentials_age_seconds gauge',
      'spillway_credentials_expiry_seconds gauge',
      'spillway_callers_file_problems gauge',
      'spillway_tls_certificate_expiry_seconds gauge',
      'spillway_build_info gauge',
    ],
  )
})

t.test('each metric has help, and the version is told', async (t) => {
  const { text } = await new MetricsRegistry('1.2.3').exposition()
  const types = text.match(/^# TYPE /gm) ?? []
  t.equal((text.match(/^# HELP \w+ \S/gm) ?? []).length, types.length)
  t.match(text, 'spillway_build_info{version="1.2.3"} 1\n')
})

t.test('counts, sets, changes, observes', async (t) => {
  const registry = new MetricsRegistry('1')
  registry.add('scans', 2, { code: 'ok' })
  registry.add('scans', 1, { code: 'ok' })
  registry.set('footerCacheBytes', 7)
  registry.change('scansActive', 2)
  registry.change('scansActive', -1)
  registry.observe('callSeconds', 0.003, { method: 'ReadSplit' })
  const { text } = await registry.exposition()
  t.match(text, 'spillway_scans_total{code="ok"} 3\n')
  t.match(text, 'spillway_footer_cache_bytes 7\n')
  t.match(text, 'spillway_scans_active 1\n')
  t.match(text, 'spillway_call_seconds_bucket{le="0.001",method="ReadSplit"} 0\n')
  t.match(text, 'spillway_call_seconds_bucket{le="0.005",method="ReadSplit"} 1\n')
  t.match(text, 'spillway_call_seconds_sum{method="ReadSplit"} 0.003\n')
})

t.test('a label that a metric does not have is an error', async (t) => {
  const registry = new MetricsRegistry('1')
  t.throws(() => registry.add('scans', 1, { table: 'orders' }))
})

t.test('what somebody else counts is asked at each scrape', async (t) => {
  const registry = new MetricsRegistry('1')
  let held = 0
  registry.beforeScrape(() => registry.set('footerCacheBytes', ++held))
  await registry.exposition()
  t.match((await registry.exposition()).text, 'spillway_footer_cache_bytes 2\n')
})
