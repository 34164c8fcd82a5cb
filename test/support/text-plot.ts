const WIDTH = 72
const HEIGHT = 8
const blocks = ' ▁▂▃▄▅▆▇█'

/** Numbers over time as lines of text: from 0 at the bottom to the largest at the top, each column a mean. */
export function textPlot(title: string, values: readonly number[], unit: string): string {
  const columns = means(values, Math.min(WIDTH, values.length))
  const top = Math.max(...columns, 1)
  const label = Math.round(top).toString()
  const rows = Array.from({ length: HEIGHT }, (_, row) => {
    const below = HEIGHT - 1 - row
    const margin = row === 0 ? label : below === 0 ? '0' : ''
    const line = columns.map((value) => {
      const filled = Math.round(((value / top) * HEIGHT - below) * 8)
      return blocks[Math.min(8, Math.max(0, filled))] ?? ' '
    })
    return `${margin.padStart(label.length)} ┤${line.join('')}`
  })
  return [`${title} (${unit})`, ...rows].join('\n')
}

function means(values: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, column) => {
    const part = values.slice(
      Math.floor((column * values.length) / count),
      Math.max(1, Math.floor(((column + 1) * values.length) / count)),
    )
    return part.reduce((sum, value) => sum + value, 0) / Math.max(1, part.length)
  })
}
