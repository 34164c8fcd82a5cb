/** What a figure must be, and which side of it is good. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number }

/** One line of the table that `npm run bench` ends with. */
export interface Figure {
  readonly name: string
  /** In `unit`; undefined: not measured here, the note says why. */
  readonly reached: number | undefined
  /** `×` for ratios, else `ms`, `s`, `µs`, `bytes`. */
  readonly unit: string
  /** Absent: the figure informs. */
  readonly must?: Bound
  /** On the same side as `must`. */
  readonly aim?: number
  readonly note?: string
}

export interface BenchOptions {
  /** Small and short: it shows that the benchmark runs and its candidates agree, not how fast they are. */
  readonly smoke: boolean
  /** Takes one line. */
  readonly print: (line: string) => void
}

/** What a `*.bench.ts` exports beside its `title`. */
export type Bench = (options: BenchOptions) => Promise<readonly Figure[]>

/** A figure that cannot be had on this machine. */
export function skipped(figure: Omit<Figure, 'reached'>, reason: string): Figure {
  return { ...figure, reached: undefined, note: `skipped: ${reason}` }
}

/** Whether the figure is what it must be; undefined when nothing was measured or asked. */
export function isReached({ reached, must }: Figure): boolean | undefined {
  if (reached === undefined || must === undefined) return undefined
  return 'atLeast' in must ? reached >= must.atLeast : reached <= must.atMost
}

/** Figures as a table: figure, reached, must, aim; judged unless they are smoke's. */
export function figureTable(figures: readonly Figure[], isJudged: boolean): string {
  const rows = [
    ['figure', 'reached', 'must', 'aim', ''],
    ...figures.map((figure) => [
      figure.name,
      shown(figure.reached, figure.unit),
      figure.must === undefined ? '' : boundText(figure.must, figure.unit),
      figure.aim === undefined ? '' : shown(figure.aim, figure.unit),
      [isJudged && isReached(figure) === false ? 'MISSED' : '', figure.note ?? '']
        .filter(Boolean)
        .join('; '),
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(' | ')
        .trimEnd(),
    )
    .join('\n')
}

/** A number with three digits that matter, and its unit. */
export function shown(value: number | undefined, unit: string): string {
  if (value === undefined) return '–'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))))
  return `${value.toFixed(Math.min(digits, 2))}${unit === '×' ? '' : ' '}${unit}`
}

function boundText(must: Bound, unit: string): string {
  return 'atLeast' in must ? `≥ ${shown(must.atLeast, unit)}` : `≤ ${shown(must.atMost, unit)}`
}
