import assert from 'node:assert'
import type { InDomain, Predicate } from './predicate.ts'
import { sameReference, seenInDomain } from './predicate.ts'

/**
 * Alternatives with those of one column as one set of values: `a = 1 or a = 2` costs what a list does, and statistics
 * judge it as well.
 */
export function uniteDomains(terms: readonly Predicate[]): readonly Predicate[] {
  const groups: { readonly first: Predicate; readonly alike: InDomain[] }[] = []
  const byColumn = new Map<string, (typeof groups)[number][]>()
  for (const term of terms) {
    if (term.kind !== 'in_domain' || !canUnite(term)) {
      groups.push({ first: term, alike: [] })
      continue
    }
    const known = byColumn.get(term.column) ?? []
    const group = known.find(({ first }) => first.kind === 'in_domain' && areAlike(first, term))
    if (group) {
      group.alike.push(term)
      continue
    }
    const added = { first: term, alike: [term] }
    groups.push(added)
    byColumn.set(term.column, [...known, added])
  }
  return groups.map(({ first, alike }) => (alike.length > 1 ? united(alike) : first))
}

/** Of floats only closed ranges: ranges that reach both ends together hold NaN, which neither does alone. */
function canUnite({ type, domain }: InDomain): boolean {
  return type.kind !== 'float' || domain.ranges.every(({ low, high }) => low && high)
}

function areAlike(one: InDomain, other: InDomain): boolean {
  return sameReference(one, other) && one.domain.nullAllowed === other.domain.nullAllowed
}

function united(alike: readonly InDomain[]): Predicate {
  const [first] = alike
  assert(first, 'nothing to unite')
  const ranges = alike.flatMap(({ domain }) => domain.ranges)
  return seenInDomain(first, { nullAllowed: first.domain.nullAllowed, ranges })
}
