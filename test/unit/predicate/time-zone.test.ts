import t from 'tap'
import { instantIn } from '../../../service/predicate/time-zone.ts'

const seconds = (iso: string) => Date.parse(iso) / 1000
const instant = (region: string, local: string) => {
  const found = instantIn(region, seconds(`${local}Z`))
  return typeof found === 'number' ? new Date(found * 1000).toISOString().slice(0, 19) : found
}

t.test('a time in a region is an instant by the rules of that day', async (t) => {
  t.equal(instant('Europe/Berlin', '2026-01-01T00:00:00'), '2025-12-31T23:00:00')
  t.equal(instant('europe/berlin', '2026-07-01T00:00:00'), '2026-06-30T22:00:00')
  t.equal(instant('America/New_York', '2026-07-01T12:00:00'), '2026-07-01T16:00:00')
  t.equal(instant('Asia/Kathmandu', '2026-07-01T12:00:00'), '2026-07-01T06:15:00')
  t.equal(instant('Etc/GMT+5', '2026-07-01T12:00:00'), '2026-07-01T17:00:00')
  t.equal(instant('UTC', '2026-07-01T12:00:00'), '2026-07-01T12:00:00')
  t.equal(instant('Europe/Berlin', '1890-01-01T00:53:28'), '1890-01-01T00:00:00', 'local mean time')
  t.equal(instantIn('UTC', seconds('0001-01-01T00:00:00Z')), seconds('0001-01-01T00:00:00Z'))
})

t.test('a time shown twice is the first, one that is jumped over is none', async (t) => {
  t.equal(instant('Europe/Berlin', '2026-10-25T02:30:00'), '2026-10-25T00:30:00')
  t.equal(instant('Europe/Berlin', '2026-10-25T01:59:59'), '2026-10-24T23:59:59')
  t.equal(instant('Europe/Berlin', '2026-10-25T03:00:00'), '2026-10-25T02:00:00')
  t.equal(instant('Europe/Berlin', '2026-03-29T02:30:00'), 'skipped')
  t.equal(instant('Europe/Berlin', '2026-03-29T01:59:59'), '2026-03-29T00:59:59')
  t.equal(instant('Europe/Berlin', '2026-03-29T03:00:00'), '2026-03-29T01:00:00')
  t.equal(instant('Australia/Lord_Howe', '2026-10-04T02:15:00'), 'skipped', 'half an hour')
  t.equal(instant('Pacific/Apia', '2011-12-30T12:00:00'), 'skipped', 'a whole day')
})

t.test('every hour of a year comes back to the clock that it was read from', async (t) => {
  for (const region of ['Europe/Berlin', 'America/Sao_Paulo', 'Africa/Casablanca', 'Asia/Tehran']) {
    const clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: region,
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    const wrong: string[] = []
    const shown = new Set<string>()
    for (
      let at = seconds('2018-01-01T00:30:00Z');
      at < seconds('2019-01-01T00:00:00Z');
      at += 3600
    ) {
      const local = clock.format(at * 1000)
      const found = instantIn(region, seconds(`${local.replace(' ', 'T')}Z`))
      // The second time that clocks show it, it stands for the first.
      const isRight = shown.has(local) ? found === at - 3600 : found === at
      if (!isRight) wrong.push(local)
      shown.add(local)
    }
    t.strictSame(wrong, [], region)
  }
})

t.test('what no region is called, and what is too far away, is said', async (t) => {
  for (const name of ['Mars/Olympus', 'Europe', '', '+01:00', 'Europe/Berlin\n', '../etc/passwd']) {
    t.equal(instantIn(name, 0), 'unknown region', name)
  }
  t.equal(instantIn('Europe/Berlin', 1e13), 'too far')
})
