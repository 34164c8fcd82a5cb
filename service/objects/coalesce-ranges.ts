import type { ByteRange } from './byte-range.ts'

/**
 * Ranges at most this far apart are fetched in one request, the gap thrown away. `test/bench/request-price.bench.ts`:
 * eight ranges take as long as one with gaps of 1 MiB, and three times as long with gaps of 256 KiB. It is not the
 * larger one because bytes cost others too: with 1 MiB, three columns of a minute (`test/bench/selective.bench.ts`)
 * are one request less, but 0.51 instead of 0.31 of what the best peer reads.
 */
export const COALESCE_GAP_BYTES = 256 * 1024

/** …as long as the run stays below this: larger requests are no faster, and a retry repeats a whole run. */
export const COALESCE_RUN_BYTES = 16 * 1024 * 1024

export interface CoalesceLimits {
  readonly gapBytesMax: number
  readonly runBytesMax: number
}

export const coalesceLimits: CoalesceLimits = {
  gapBytesMax: COALESCE_GAP_BYTES,
  runBytesMax: COALESCE_RUN_BYTES,
}

/**
 * The fewest runs that cover the ranges, ascending; each range lies in one of them. A range that is longer than a run
 * may be is a run of its own; empty ranges need none.
 */
export function coalesceRanges(
  ranges: readonly ByteRange[],
  { gapBytesMax, runBytesMax }: CoalesceLimits = coalesceLimits,
): readonly ByteRange[] {
  const runs: ByteRange[] = []
  const order = ranges.filter(({ start, end }) => end > start).toSorted((a, b) => a.start - b.start)
  for (const { start, end } of order) {
    const run = runs.at(-1)
    const joins =
      run !== undefined &&
      (end <= run.end || (start - run.end <= gapBytesMax && end - run.start <= runBytesMax))
    if (joins) runs[runs.length - 1] = { start: run.start, end: Math.max(run.end, end) }
    else runs.push({ start, end })
  }
  return runs
}

/** The run that holds the range. */
export function runAround(runs: readonly ByteRange[], { start, end }: ByteRange) {
  return runs.find((run) => run.start <= start && end <= run.end)
}
