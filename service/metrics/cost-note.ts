/** Takes what one call cost, for the log: what it was, and counts. */
export type CostNote = (what: 'describe' | 'plan' | 'scan', cost: object) => void

/** Counts without those that are 0: most are. */
export function withoutZeros(counts: object): object {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}
