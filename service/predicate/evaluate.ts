import { calculate } from './arithmetic.ts'
import { evaluateComparison } from './compare.ts'
import { isInDomain } from './domain.ts'
import { likeMatcher } from './like-pattern.ts'
import type { Expression, SeenColumn } from './predicate.ts'
import { typeOf } from './predicate.ts'
import type { Value } from './value.ts'
import { widenValue } from './widen-value.ts'

/** A column's value in the row at hand. */
export type ValueOf = (seen: SeenColumn) => Value | null

/**
 * The value of an expression in one row, the plain way; null is SQL's null or unknown. Terms are looked at from left
 * to right until they decide.
 *
 * @throws {GatewayError} `invalid_request` arithmetic that has no result.
 */
export function evaluate(expression: Expression, valueOf: ValueOf): Value | null {
  switch (expression.kind) {
    case 'constant':
      return expression.value
    case 'column':
      return valueOf(expression)
    case 'in_domain':
      return isInDomain(expression.domain, valueOf(expression))
    case 'and':
      return joined(expression.terms, false, valueOf)
    case 'or':
      return joined(expression.terms, true, valueOf)
    case 'not': {
      const value = evaluate(expression.term, valueOf)
      return value === null ? null : value === false
    }
    case 'is_null':
      return evaluate(expression.term, valueOf) === null
    case 'compare': {
      const left = evaluate(expression.left, valueOf)
      return evaluateComparison(expression.operator, left, evaluate(expression.right, valueOf))
    }
    case 'like': {
      const text = evaluate(expression.term, valueOf)
      if (!(text instanceof Uint8Array)) return null
      return likeMatcher(expression.pattern, expression.escape)(text)
    }
    case 'nullif': {
      const left = evaluate(expression.left, valueOf)
      const isEqual = evaluateComparison('=', left, evaluate(expression.right, valueOf))
      return isEqual === true ? null : left
    }
    case 'widen': {
      const value = evaluate(expression.term, valueOf)
      return value === null ? null : widenValue(value, typeOf(expression.term), expression.type)
    }
    case 'arithmetic': {
      const left = evaluate(expression.left, valueOf)
      const right = evaluate(expression.right, valueOf)
      if (left === null || right === null) return null
      const [leftType, rightType] = [typeOf(expression.left), typeOf(expression.right)]
      return calculate(expression.operator, { left, right, leftType, rightType }, expression.type)
    }
  }
}

/** Kleene's and (deciding: false) or or (deciding: true). */
function joined(terms: readonly Expression[], deciding: boolean, valueOf: ValueOf): boolean | null {
  let result: boolean | null = !deciding
  for (const term of terms) {
    const value = evaluate(term, valueOf)
    if (value === deciding) return deciding
    if (value === null) result = null
  }
  return result
}
