import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Domain } from './domain.ts'
import { isEmptyDomain, isFullDomain, normalDomain } from './domain.ts'

export type { Bound, Domain, ValueRange } from './domain.ts'

/**
 * What a row must fulfil: plain data that crosses threads and prints. Each term is true or false of a row, never
 * unknown: a domain says itself what it thinks of null, so SQL's `not (x < 5)` is written as the domain
 * `x >= 5` without null, not as `not` of a domain.
 */
export type Predicate =
  | { readonly kind: 'true' | 'false' }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Predicate[] }
  | { readonly kind: 'not'; readonly term: Predicate }
  | InDomain

/**
 * The column's value, seen as `type`, lies in the domain. The name is looked up as the user of a door writes it:
 * exactly, else without regard to case.
 */
export interface InDomain {
  readonly kind: 'in_domain'
  readonly column: string
  readonly type: ArrowType
  readonly domain: Domain
}

export const predicateTrue: Predicate = { kind: 'true' }
export const predicateFalse: Predicate = { kind: 'false' }

/** All terms hold; of no terms, true. */
export function and(terms: readonly Predicate[]): Predicate {
  return join('and', terms)
}

/** At least one term holds; of no terms, false. */
export function or(terms: readonly Predicate[]): Predicate {
  return join('or', terms)
}

export function not(term: Predicate): Predicate {
  switch (term.kind) {
    case 'true':
      return predicateFalse
    case 'false':
      return predicateTrue
    case 'not':
      return term.term
    default:
      return { kind: 'not', term }
  }
}

/** The column's value lies in the domain, whose ranges may overlap and stand in any order. */
export function inDomain(column: string, type: ArrowType, domain: Domain): Predicate {
  const normal = normalDomain(domain)
  if (isFullDomain(normal)) return predicateTrue
  if (isEmptyDomain(normal)) return predicateFalse
  return { kind: 'in_domain', column, type, domain: normal }
}

/** Names of the columns a predicate reads, each once, in order of appearance. */
export function columnsOf(predicate: Predicate): readonly string[] {
  return [...new Set(namesIn(predicate))]
}

function namesIn(predicate: Predicate): readonly string[] {
  switch (predicate.kind) {
    case 'true':
    case 'false':
      return []
    case 'and':
    case 'or':
      return predicate.terms.flatMap(namesIn)
    case 'not':
      return namesIn(predicate.term)
    case 'in_domain':
      return [predicate.column]
  }
}

function join(kind: 'and' | 'or', terms: readonly Predicate[]): Predicate {
  const [neutral, absorbing] =
    kind === 'and' ? [predicateTrue, predicateFalse] : [predicateFalse, predicateTrue]
  const flat = terms.flatMap((term) => (term.kind === kind ? term.terms : [term]))
  if (flat.some((term) => term.kind === absorbing.kind)) return absorbing
  const kept = flat.filter((term) => term.kind !== neutral.kind)
  const [only] = kept
  if (!only) return neutral
  return kept.length === 1 ? only : { kind, terms: kept }
}
