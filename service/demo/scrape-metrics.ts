/** Sums of the gateway's counters at one moment, by metric name. */
export type MetricSums = ReadonlyMap<string, number>

/** Reads `/metrics` and adds up each metric over its labels. */
export async function scrapeMetrics(httpUrl: string): Promise<MetricSums> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(?:\{[^}]*\})? ([^ ]+)/.exec(line)
    if (match?.[1] === undefined) continue
    sums.set(match[1], (sums.get(match[1]) ?? 0) + Number(match[2]))
  }
  return sums
}

/** How much a metric grew from one moment to another. */
export function growth(before: MetricSums, after: MetricSums, name: string): number {
  return (after.get(name) ?? 0) - (before.get(name) ?? 0)
}
