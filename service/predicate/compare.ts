import type { ArrowType } from '../arrow/arrow-type.ts'
import { likePrefix } from './like-pattern.ts'
import type {
  ColumnReference,
  ComparisonOperator,
  Expression,
  Predicate,
  ValueRange,
} from './predicate.ts'
import {
  and,
  isFalse,
  isTrue,
  not,
  or,
  predicateFalse,
  predicateTrue,
  predicateUnknown,
  seenInDomain,
  typeOf,
} from './predicate.ts'
import type { Value } from './value.ts'
import { compareValues } from './value.ts'

/** `a < b` as `b > a`. */
export const flippedOperator: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  distinct: 'distinct',
}

/** Compares two expressions whose values compare as they are. A column and a constant become a domain, which statistics can judge. */
export function compare(
  operator: ComparisonOperator,
  left: Expression,
  right: Expression,
): Predicate {
  if (right.kind === 'column' && left.kind === 'constant') {
    return compare(flippedOperator[operator], right, left)
  }
  if (right.kind === 'constant') {
    const { value } = right
    if (value === null) return operator === 'distinct' ? not(isNull(left)) : predicateUnknown
    if (left.kind === 'column') {
      const folded = columnTest(operator, left, value)
      if (folded) return folded
    }
  }
  return { kind: 'compare', operator, left, right }
}

/** True when a value of the types of a comparison is all that the operators need to hold. */
export function evaluateComparison(
  operator: ComparisonOperator,
  left: Value | null,
  right: Value | null,
): boolean | null {
  if (operator === 'distinct') return isDistinct(left, right)
  if (left === null || right === null) return null
  if (Number.isNaN(left) || Number.isNaN(right)) return operator === '<>'
  return holds(operator, compareValues(left, right))
}

/** Never true nor false of null; null in the list makes what is not found unknown. */
export function isIn(term: Expression, list: readonly Expression[]): Predicate {
  const values = list.map((item) => (item.kind === 'constant' ? item.value : undefined))
  if (term.kind !== 'column' || values.includes(undefined)) {
    return or(list.map((item) => compare('=', term, item)))
  }
  const points = values.filter(isPresent).filter((value) => !Number.isNaN(value))
  const found = seenInDomain(term, { nullAllowed: null, ranges: points.map(pointOf) })
  return values.includes(null) ? or([found, predicateUnknown]) : found
}

export function isNull(term: Expression): Predicate {
  if (term.kind === 'constant') return term.value === null ? predicateTrue : predicateFalse
  if (term.kind !== 'column') return { kind: 'is_null', term }
  return seenInDomain(term, { nullAllowed: true, ranges: [] })
}

/**
 * Text that matches SQL's pattern. What the pattern begins with is a range as well, which statistics can judge; a
 * pattern that is nothing more is only that.
 */
export function like(term: Expression, pattern: Uint8Array, escape?: string): Predicate {
  const { prefix, rest } = likePrefix(pattern, escape)
  const constant: Expression = { kind: 'constant', type: typeOf(term), value: prefix }
  if (rest === 'nothing') return compare('=', term, constant)
  const whole: Predicate = {
    kind: 'like',
    term,
    pattern,
    ...(escape !== undefined && { escape }),
  }
  if (term.kind !== 'column') return whole
  const end = endOfPrefix(prefix)
  const range: ValueRange = {
    ...(prefix.length > 0 && { low: { value: prefix, inclusive: true } }),
    ...(end && { high: { value: end, inclusive: false } }),
  }
  const begins = seenInDomain(term, { nullAllowed: null, ranges: [range] })
  return rest === 'anything' ? begins : prefix.length === 0 ? whole : and([begins, whole])
}

/** A boolean expression as a condition. */
export function condition(expression: Expression): Predicate {
  if (isTrue(expression) || isFalse(expression) || expression.kind !== 'column') return expression
  return compare('=', expression, { kind: 'constant', type: expression.type, value: true })
}

function columnTest(
  operator: ComparisonOperator,
  reference: ColumnReference,
  value: Value,
): Predicate | undefined {
  if (Number.isNaN(value)) {
    if (operator === 'distinct') return undefined
    const ranges = operator === '<>' ? [{}] : []
    return seenInDomain(reference, { nullAllowed: null, ranges })
  }
  const nullAllowed = operator === 'distinct' ? true : null
  const ranges = rangesOf(operator, value, reference.type)
  return seenInDomain(reference, { nullAllowed, ranges })
}

function rangesOf(
  operator: ComparisonOperator,
  value: Value,
  type: ArrowType,
): readonly ValueRange[] {
  const bound = (inclusive: boolean) => ({ value, inclusive })
  switch (operator) {
    case '=':
      return [pointOf(value)]
    case '<':
      return [{ high: bound(false) }]
    case '<=':
      return [{ high: bound(true) }]
    case '>':
      return [{ low: bound(false) }]
    case '>=':
      return [{ low: bound(true) }]
    case '<>':
    case 'distinct':
      return type.kind === 'bool'
        ? [pointOf(value !== true)]
        : [{ high: bound(false) }, { low: bound(false) }]
  }
}

function pointOf(value: Value): ValueRange {
  return { low: { value, inclusive: true }, high: { value, inclusive: true } }
}

function isPresent(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined
}

function isDistinct(left: Value | null, right: Value | null): boolean {
  if (left === null || right === null) return left !== right
  if (Number.isNaN(left) || Number.isNaN(right)) {
    return Number.isNaN(left) !== Number.isNaN(right)
  }
  return compareValues(left, right) !== 0
}

function holds(operator: Exclude<ComparisonOperator, 'distinct'>, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

/** The least bytes above all that begin with the prefix; undefined when there are none. */
function endOfPrefix(prefix: Uint8Array): Uint8Array | undefined {
  const last = prefix.findLastIndex((byte) => byte < 0xff)
  if (last < 0) return undefined
  const end = prefix.slice(0, last + 1)
  end[last] = (end[last] ?? 0) + 1
  return end
}
