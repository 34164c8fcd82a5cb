/** The gateway's counters at one moment: by series as Prometheus writes it, and summed by metric name. */
export type MetricSums = ReadonlyMap<string, number>

/** Reads `/metrics`. */
export async function scrapeMetrics(httpUrl: string): Promise<MetricSums> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(\{[^}]*\})? ([^ ]+)/.exec(line)
    if (match?.[1] === undefined) continue
    const [, name, labels, value] = match
    if (labels !== undefined) sums.set(name + labels, Number(value))
    sums.set(name, (sums.get(name) ?? 0) + Number(value))
  }
  return sums
}

/** How much a metric grew from one moment to another. */
export function growth(before: MetricSums, after: MetricSums, name: string): number {
  return (after.get(name) ?? 0) - (before.get(name) ?? 0)
}
