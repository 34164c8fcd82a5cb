/** Longer names are not compared: nobody mistypes them. */
const CHARACTERS_MAX = 64
/** Of a table's names, so many are looked at. */
const NAMES_MAX = 2_000

/** The name that was probably meant: the one with the fewest slips, at most one in three characters. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  if (wanted.length > CHARACTERS_MAX) return undefined
  const typed = wanted.toLowerCase()
  let nearest: string | undefined
  let fewest = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const name of names.slice(0, NAMES_MAX)) {
    if (name.length > CHARACTERS_MAX) continue
    const slips = slipsBetween(typed, name.toLowerCase())
    if (slips >= fewest) continue
    fewest = slips
    nearest = name
  }
  return nearest
}

/** Levenshtein's distance: characters to put in, take out or change. */
function slipsBetween(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const changed = (row[j - 1] ?? 0) + Number(left[i - 1] !== right[j - 1])
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[right.length] ?? 0
}
