/** Cells wider than this are cut, with an ellipsis. */
const CELL_WIDTH_MAX = 34

/** Rows as aligned text under a header, two spaces between columns. */
export function tableText(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((cells) => cells.map(cut))
  const widths = header.map((_, column) =>
    Math.max(...lines.map((cells) => displayWidth(cells[column] ?? ''))),
  )
  const aligned = lines.map((cells) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell)))
      .join('  ')
      .trimEnd(),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [aligned[0], rule, ...aligned.slice(1)].join('\n')
}

function cut(cell: string): string {
  const characters = Array.from(cell)
  return characters.length <= CELL_WIDTH_MAX
    ? cell
    : `${characters.slice(0, CELL_WIDTH_MAX - 1).join('')}…`
}

function displayWidth(text: string): number {
  return Array.from(text).length
}
