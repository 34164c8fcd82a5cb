/**
 * The index of the only one whose name is exactly this, else of the only one whose name differs by case alone.
 * Files keep the names their writers gave them, sometimes one twice; the tables' names are often lower case.
 */
export function findByName(
  named: readonly { readonly name: string }[],
  name: string,
): number | 'ambiguous' | undefined {
  const exact = indexOf(named, (one) => one === name)
  if (exact !== undefined) return exact
  const lower = name.toLowerCase()
  return indexOf(named, (one) => one.toLowerCase() === lower)
}

function indexOf(
  named: readonly { readonly name: string }[],
  matches: (name: string) => boolean,
): number | 'ambiguous' | undefined {
  let found: number | undefined
  for (const [index, { name }] of named.entries()) {
    if (!matches(name)) continue
    if (found !== undefined) return 'ambiguous'
    found = index
  }
  return found
}
