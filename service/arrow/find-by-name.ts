/**
 * The index of the only one whose name is exactly this, else of the only one whose name differs by case alone.
 * Files keep the names their writers gave them, sometimes one twice; the tables' names are often lower case.
 */
export function findByName(
  named: readonly { readonly name: string }[],
  name: string,
): number | 'ambiguous' | undefined {
  const lower = name.toLowerCase()
  const exact = indexesOf(named, (one) => one === name)
  const [found, twin] =
    exact.length > 0 ? exact : indexesOf(named, (one) => one.toLowerCase() === lower)
  return twin === undefined ? found : 'ambiguous'
}

function indexesOf(
  named: readonly { readonly name: string }[],
  matches: (name: string) => boolean,
): readonly number[] {
  return named.flatMap(({ name }, index) => (matches(name) ? [index] : []))
}
