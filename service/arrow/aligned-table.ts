/** A column of a table on a terminal. */
export interface TableColumn {
  readonly name: string
  /** Stands below the name; absent: nothing does. */
  readonly type?: string
  /** Numbers stand right. */
  readonly isRight: boolean
}

/** Cells wider than this are cut, with an ellipsis. */
const CELL_WIDTH_MAX = 40

/** Rows as aligned lines under their columns' names and types. What a terminal would obey is made visible. */
export function alignedTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string {
  const heads = [columns.map(({ name }) => name)]
  if (columns.some(({ type }) => type !== undefined)) {
    heads.push(columns.map(({ type = '' }) => type))
  }
  const lines = [...heads, ...rows].map((cells) => cells.map(shown))
  const widths = columns.map((_, at) =>
    lines.reduce((width, cells) => Math.max(width, widthOf(cells[at] ?? '')), 0),
  )
  const aligned = lines.map((cells) =>
    columns
      .map(({ isRight }, at) => {
        const cell = cells[at] ?? ''
        const gap = ' '.repeat((widths[at] ?? 0) - widthOf(cell))
        return isRight ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd(),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  const head = aligned.slice(0, heads.length)
  return [...head, rule, ...aligned.slice(heads.length)].map((line) => `${line}\n`).join('')
}

/** Control characters, which could move the cursor or worse, as `·`. */
function shown(cell: string): string {
  const visible = cell.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·')
  const characters = Array.from(visible)
  return characters.length <= CELL_WIDTH_MAX
    ? visible
    : `${characters.slice(0, CELL_WIDTH_MAX - 1).join('')}…`
}

function widthOf(text: string): number {
  return Array.from(text).length
}
