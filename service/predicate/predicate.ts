import { sameType } from '../arrow/same-type.ts'
import type { ArrowType } from '../arrow/arrow-type.ts'
import type { ArithmeticOperator } from './arithmetic.ts'
import type { Domain } from './domain.ts'
import { isEmptyDomain, isFullDomain, normalDomain } from './domain.ts'
import type { Value } from './value.ts'

export type { Bound, Domain, ValueRange } from './domain.ts'

/**
 * What a query says of a row: plain data that crosses threads and prints. A value is null or of `typeOf`; a
 * boolean null is SQL's unknown, so truth has three values and `and`, `or`, `not` are Kleene's.
 */
export type Expression =
  | Constant
  | ColumnReference
  | InDomain
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'not' | 'is_null'; readonly term: Expression }
  | Comparison
  /** `pattern` in SQL's form, `%` and `_`, in UTF-8. */
  | {
      readonly kind: 'like'
      readonly term: Expression
      readonly pattern: Uint8Array
      readonly escape?: string
    }
  /** Null where both are equal, else the left one. */
  | { readonly kind: 'nullif'; readonly left: Expression; readonly right: Expression }
  /** The term's value in a type that takes its place in comparisons and arithmetic: see `widenValue`. */
  | { readonly kind: 'widen'; readonly term: Expression; readonly type: ArrowType }
  /** Exact, or an error: see {@link ArithmeticOperator}. */
  | {
      readonly kind: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly type: ArrowType
      readonly left: Expression
      readonly right: Expression
    }

/** An expression that is true, false or unknown. A row matches when it is true. */
export type Predicate = Expression

export interface Constant {
  readonly kind: 'constant'
  readonly type: ArrowType
  readonly value: Value | null
}

/**
 * A column's value, seen as `type`. Names are looked up as the user of a door writes them: exactly, else without
 * regard to case.
 */
export interface SeenColumn {
  readonly column: string
  /** Fields of structs inside the column, the outermost first; null where one of them is. Absent: the column itself. */
  readonly path?: readonly string[]
  /** `presenceOnly` where nothing but null counts. */
  readonly type: ArrowType
}

export interface ColumnReference extends SeenColumn {
  readonly kind: 'column'
}

/** The column's value lies in the domain, which says itself what it thinks of null. */
export interface InDomain extends SeenColumn {
  readonly kind: 'in_domain'
  readonly domain: Domain
}

/** `distinct`: unequal, where null equals null alone and NaN equals NaN; never unknown. */
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'distinct'

/** Floats as IEEE 754 compares them: NaN is unequal to everything and in no order, -0 equals 0. */
export interface Comparison {
  readonly kind: 'compare'
  readonly operator: ComparisonOperator
  readonly left: Expression
  readonly right: Expression
}

const boolean: ArrowType = { kind: 'bool' }

/** The type of a column of which only counts whether it is null: nested ones above all. */
export const presenceOnly: ArrowType = { kind: 'null' }

export const predicateTrue: Predicate = { kind: 'constant', type: boolean, value: true }
export const predicateFalse: Predicate = { kind: 'constant', type: boolean, value: false }
export const predicateUnknown: Predicate = { kind: 'constant', type: boolean, value: null }

export function isTrue(expression: Expression): boolean {
  return expression.kind === 'constant' && expression.value === true
}

export function isFalse(expression: Expression): boolean {
  return expression.kind === 'constant' && expression.value === false
}

/** All terms hold; of no terms, true. */
export function and(terms: readonly Predicate[]): Predicate {
  return join('and', terms)
}

/** At least one term holds; of no terms, false. */
export function or(terms: readonly Predicate[]): Predicate {
  return join('or', terms)
}

export function not(term: Predicate): Predicate {
  if (term.kind === 'not') return term.term
  if (isTrue(term)) return predicateFalse
  return isFalse(term) ? predicateTrue : { kind: 'not', term }
}

/** The column's value lies in the domain, whose ranges may overlap and stand in any order. */
export function inDomain(column: string, type: ArrowType, domain: Domain): Predicate {
  return seenInDomain({ column, type }, domain)
}

/** The same of what may lie inside a column. */
export function seenInDomain({ column, path, type }: SeenColumn, domain: Domain): Predicate {
  const normal = normalDomain(domain)
  if (isFullDomain(normal)) return predicateTrue
  if (isEmptyDomain(normal)) return predicateFalse
  return { kind: 'in_domain', column, ...(path && { path }), type, domain: normal }
}

/** The terms that must all hold. */
export function conjunctsOf(predicate: Predicate): readonly Predicate[] {
  if (predicate.kind === 'and') return predicate.terms
  return isTrue(predicate) ? [] : [predicate]
}

/** Names of the columns a predicate reads, each once, in order of appearance. */
export function columnsOf(predicate: Predicate): readonly string[] {
  return [...new Set(referencesIn(predicate).map(({ column }) => column))]
}

/** The columns and fields a predicate reads, each once in each type, in order of appearance. */
export function referencesOf(predicate: Predicate): readonly ColumnReference[] {
  return referencesIn(predicate).filter(
    (one, index, all) => all.findIndex((other) => sameReference(one, other)) === index,
  )
}

/** True when both are the same column, or the same field of one, in the same type. */
export function sameReference(left: SeenColumn, right: SeenColumn): boolean {
  return left.column === right.column && samePath(left, right) && sameType(left.type, right.type)
}

function samePath({ path: left = [] }: SeenColumn, { path: right = [] }: SeenColumn): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index])
}

/** The parts of an expression, one level down. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'constant':
    case 'column':
    case 'in_domain':
      return []
    case 'and':
    case 'or':
      return expression.terms
    case 'not':
    case 'is_null':
    case 'like':
    case 'widen':
      return [expression.term]
    case 'compare':
    case 'nullif':
    case 'arithmetic':
      return [expression.left, expression.right]
  }
}

/** The type of an expression's values. */
export function typeOf(expression: Expression): ArrowType {
  switch (expression.kind) {
    case 'constant':
    case 'column':
    case 'arithmetic':
    case 'widen':
      return expression.type
    case 'nullif':
      return typeOf(expression.left)
    default:
      return boolean
  }
}

function referencesIn(expression: Expression): readonly ColumnReference[] {
  if (expression.kind === 'column') return [expression]
  if (expression.kind !== 'in_domain') return partsOf(expression).flatMap(referencesIn)
  const { column, path, type } = expression
  return [{ kind: 'column', column, ...(path && { path }), type }]
}

function join(kind: 'and' | 'or', terms: readonly Predicate[]): Predicate {
  const [neutral, absorbing] =
    kind === 'and' ? [predicateTrue, predicateFalse] : [predicateFalse, predicateTrue]
  const isNeutral = kind === 'and' ? isTrue : isFalse
  const isAbsorbing = kind === 'and' ? isFalse : isTrue
  const flat = terms.flatMap((term) => (term.kind === kind ? term.terms : [term]))
  if (flat.some(isAbsorbing)) return absorbing
  const kept = flat.filter((term) => !isNeutral(term))
  const [only] = kept
  if (!only) return neutral
  return kept.length === 1 ? only : { kind, terms: kept }
}
