/** Rows `start` to `end` (exclusive) of a row group. */
export interface RowRange {
  readonly start: number
  readonly end: number
}

/** A data page of a chunk of which only some are fetched. */
export interface PagePlace {
  /** Where it lies, header and all, in the row group's buffer. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** Its rows. */
  readonly rows: RowRange
}

export function countRows(ranges: readonly RowRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** True when both have rows in common; both ascend, without overlaps. */
export function overlapsAny(range: RowRange, ranges: readonly RowRange[]): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle]?.end ?? 0) <= range.start) low = middle + 1
    else high = middle
  }
  return (ranges[low]?.start ?? Infinity) < range.end
}

/** The rows of ascending indexes as ranges. */
export function rangesOf(rows: Int32Array): RowRange[] {
  const ranges: RowRange[] = []
  let start = 0
  for (let at = 1; at <= rows.length; at++) {
    const previous = rows[at - 1] ?? 0
    if (at < rows.length && rows[at] === previous + 1) continue
    ranges.push({ start: rows[start] ?? 0, end: previous + 1 })
    start = at
  }
  return ranges
}
