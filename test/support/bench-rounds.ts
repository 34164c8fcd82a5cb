/** What one run of a candidate measured, by name. */
export type Sample = Readonly<Record<string, number>>

/**
 * Runs candidates in turns, so that what disturbs the machine disturbs all of them alike, and gives the median of
 * each of their numbers. The first rounds warm up and are not counted: one, or as many as said.
 */
export async function medianOfRounds<Name extends string, Measured extends Sample>(
  rounds: number,
  candidates: Readonly<Record<Name, () => Promise<Measured>>>,
  warmUpRounds = 1,
): Promise<Record<Name, Measured>> {
  const names = Object.keys(candidates) as Name[]
  const samples = Object.fromEntries(names.map((name) => [name, [] as Measured[]])) as Record<
    Name,
    Measured[]
  >
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const sample = await candidates[name]()
      if (round >= warmUpRounds) samples[name].push(sample)
    }
  }
  return Object.fromEntries(names.map((name) => [name, medians(samples[name])])) as Record<
    Name,
    Measured
  >
}

function medians<Measured extends Sample>(samples: readonly Measured[]): Measured {
  const names = Object.keys(samples[0] ?? {})
  return Object.fromEntries(
    names.map((name) => [name, median(samples.map((sample) => sample[name] ?? 0))]),
  ) as Measured
}

/** The middle one; of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2
}
