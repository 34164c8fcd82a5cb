/** Formatters that are kept; making one takes longer than asking it a thousand times. */
const FORMATTERS_MAX = 64
/** Milliseconds since 1970 that a Date can have, to either side. */
const DATE_MS_MAX = 8.64e15
/** No zone's offset reaches this, and no zone changes twice in so short a time. */
const DAY_SECONDS = 86_400

/** `Europe/Berlin`, `Etc/GMT+5`, `CET`: names of regions, never offsets. */
const regionForm = /^[a-z][\w+-]*(?:\/[\w+-]+)*$/i
const offsetForm = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/

const formatters = new Map<string, Intl.DateTimeFormat>()

/**
 * Seconds since 1970 in UTC when clocks in a region show a time, by the time zones of the runtime. A time that clocks
 * show twice is the first of the two; `skipped` is one that they jump over.
 *
 * @param localSeconds what clocks show, as seconds since 1970 there, whole ones
 */
export function instantIn(
  region: string,
  localSeconds: number,
): number | 'skipped' | 'unknown region' | 'too far' {
  const formatter = regionForm.test(region) ? formatterOf(region) : undefined
  if (formatter === undefined) return 'unknown region'
  if ((Math.abs(localSeconds) + 2 * DAY_SECONDS) * 1000 > DATE_MS_MAX) return 'too far'
  const offsets = [-DAY_SECONDS, DAY_SECONDS].map((by) => offsetAt(formatter, localSeconds + by))
  const instants = offsets
    .map((offset) => ({ offset, at: localSeconds - offset }))
    .filter(({ offset, at }) => offsetAt(formatter, at) === offset)
  return instants.length === 0 ? 'skipped' : Math.min(...instants.map(({ at }) => at))
}

/** Seconds by which clocks are ahead of UTC. */
function offsetAt(formatter: Intl.DateTimeFormat, seconds: number): number {
  const text = formatter.format(seconds * 1000)
  // The parts would take six times as long.
  const name = text.slice(text.lastIndexOf(' ') + 1)
  const [, sign = '+', hours = '0', minutes = '0', rest = '0'] = offsetForm.exec(name) ?? []
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(rest)
  return sign === '-' ? -offset : offset
}

function formatterOf(region: string): Intl.DateTimeFormat | undefined {
  const known = formatters.get(region)
  if (known) return known
  try {
    const formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: region,
      timeZoneName: 'longOffset',
    })
    if (formatters.size >= FORMATTERS_MAX) formatters.clear()
    formatters.set(region, formatter)
    return formatter
  } catch {
    // A RangeError: the runtime knows no such region.
    return undefined
  }
}
