/**
 * The index of the one whose name is exactly this, else of the only one whose name differs by case alone.
 * Files keep the names their writers gave them; the tables' names are often lower case.
 */
export function findByName(
  named: readonly { readonly name: string }[],
  name: string,
): number | 'ambiguous' | undefined {
  const exact = named.findIndex((one) => one.name === name)
  if (exact >= 0) return exact
  const lower = name.toLowerCase()
  const matches = named.flatMap((one, i) => (one.name.toLowerCase() === lower ? [i] : []))
  return matches.length > 1 ? 'ambiguous' : matches[0]
}
