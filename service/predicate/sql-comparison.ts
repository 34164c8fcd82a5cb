import type { ArrowType } from '../arrow/arrow-type.ts'
import { compare, evaluateComparison, flippedOperator, isIn, isNull, like } from './compare.ts'
import { isLikePattern } from './like-pattern.ts'
import type { ComparisonOperator, Expression, Predicate } from './predicate.ts'
import {
  and,
  not,
  or,
  predicateFalse,
  predicateTrue,
  predicateUnknown,
  presenceOnly,
  seenInDomain,
  typeOf,
} from './predicate.ts'
import type { Operand, Term, WrittenValue } from './sql-operand.ts'
import { constantOf, familyOfTerm, fitLiteral, isWritten, termOf } from './sql-operand.ts'
import type { Value } from './value.ts'
import { familyOf, stepOf } from './value-family.ts'

/**
 * Compares what SQL compares: numbers and decimals by their exact values, moments by theirs, whatever their types'
 * steps.
 *
 * @throws {GatewayError} `invalid_request` the operands are of different kinds; `unsupported` a type has no order.
 */
export function compareOperands(
  operator: ComparisonOperator,
  left: Operand,
  right: Operand,
): Predicate {
  if (!isWritten(left)) {
    return isWritten(right)
      ? compareWritten(operator, left, right)
      : compareTerms(operator, left, right)
  }
  if (!isWritten(right)) return compareWritten(flippedOperator[operator], right, left)
  const { literal, fail } = left
  if (literal.kind !== 'null')
    return compareWritten(operator, termOf(constantOf(literal), fail), right)
  if (right.literal.kind === 'null')
    return operator === 'distinct' ? predicateFalse : predicateUnknown
  return operator === 'distinct' ? predicateTrue : predicateUnknown
}

function compareWritten(operator: ComparisonOperator, left: Term, right: WrittenValue): Predicate {
  const { term } = left
  if (right.literal.kind === 'null') {
    return operator === 'distinct' ? not(isNullTerm(term)) : predicateUnknown
  }
  const { value, isExact } = fitLiteral(left, right)
  if (isExact) return compareValue(operator, term, value)
  switch (operator) {
    case '<':
    case '<=':
      return compareValue('<=', term, value)
    case '>':
    case '>=':
      return compareValue('>', term, value)
    case '=':
      return neverEqual(term, value)
    case '<>':
      return not(neverEqual(term, value))
    case 'distinct':
      return predicateTrue
  }
}

function compareValue(operator: ComparisonOperator, term: Expression, value: Value): Predicate {
  if (term.kind !== 'constant') {
    return compare(operator, term, { kind: 'constant', type: typeOf(term), value })
  }
  const truth = evaluateComparison(operator, term.value, value)
  return truth === null ? predicateUnknown : truth ? predicateTrue : predicateFalse
}

/** False, but unknown of null. */
function neverEqual(term: Expression, value: Value): Predicate {
  if (term.kind === 'column') {
    return seenInDomain(term, { nullAllowed: null, ranges: [] })
  }
  return and([compareValue('<', term, value), compareValue('>', term, value)])
}

function compareTerms(operator: ComparisonOperator, left: Term, right: Term): Predicate {
  const [one, other] = alignTerms(left, right)
  return compare(operator, one, other)
}

const double: ArrowType = { kind: 'float', bitWidth: 64 }

/** Both terms in types whose values compare as they are; whole numbers and floats do. */
function alignTerms(left: Term, right: Term): readonly [Expression, Expression] {
  const [family, other] = [familyOfTerm(left), familyOfTerm(right)]
  const [first, second] = [left.term, right.term]
  const isMixed =
    (family === 'float' && other === 'number') || (family === 'number' && other === 'float')
  if (family !== other && !isMixed) {
    throw right.fail(`${left.what} and ${right.what}; they do not compare`)
  }
  const [{ over, under }, step] = [stepOf(typeOf(first)), stepOf(typeOf(second))]
  if (over * step.under === step.over * under) return [first, second]
  if (isMixed) return [widened(first, double), widened(second, double)]
  const isCoarser = over * step.under > step.over * under
  return isCoarser
    ? [widened(first, typeOf(second)), second]
    : [first, widened(second, typeOf(first))]
}

function widened(term: Expression, type: ArrowType): Expression {
  return familyOf(typeOf(term)) === 'float' ? term : { kind: 'widen', term, type }
}

/** `IS NULL` of anything. */
export function operandIsNull(operand: Operand): Predicate {
  if (!isWritten(operand)) return isNullTerm(operand.term)
  return operand.literal.kind === 'null' ? predicateTrue : predicateFalse
}

function isNullTerm(term: Expression): Predicate {
  return isNull(term)
}

/** `IN` of a list that is not empty; what a column's type cannot hold equals nothing in it. */
export function operandIn(operand: Operand, items: readonly Operand[]): Predicate {
  if (isWritten(operand) || operand.term.kind !== 'column') {
    return or(items.map((item) => compareOperands('=', operand, item)))
  }
  const { term } = operand
  const written = items.filter(isWritten)
  const isAnyNull = written.some(({ literal }) => literal.kind === 'null')
  const type = typeOf(term)
  const values = written
    .filter(({ literal }) => literal.kind !== 'null')
    .map((item) => fitLiteral(operand, item))
    .filter(({ isExact }) => isExact)
  const constants = values.map(({ value }): Expression => ({ kind: 'constant', type, value }))
  const others = items.filter((item) => !isWritten(item))
  return or([
    ...(written.length > 0 ? [isIn(term, constants)] : []),
    ...(isAnyNull ? [predicateUnknown] : []),
    ...others.map((item) => compareOperands('=', operand, item)),
  ])
}

/** `LIKE`: the pattern and the escape are written text. */
export function operandLike(
  operand: Operand,
  pattern: WrittenValue,
  escape: WrittenValue | undefined,
): Predicate {
  const { term, what, fail } = isWritten(operand)
    ? termOf(constantOf(operand.literal), operand.fail)
    : operand
  if (pattern.literal.kind === 'null' || escape?.literal.kind === 'null') return predicateUnknown
  if (pattern.literal.kind !== 'text') throw pattern.fail("expected a pattern such as 'a%'")
  if (typeOf(term).kind === presenceOnly.kind && term.kind === 'constant') return predicateUnknown
  if (familyOf(typeOf(term)) !== 'text') throw fail(`${what}, LIKE takes text only`)
  if (escape && escape.literal.kind !== 'text')
    throw escape.fail("expected one character such as '!'")
  const character = escape?.literal.kind === 'text' ? textOf(escape.literal.bytes) : undefined
  const { bytes } = pattern.literal
  if (!isLikePattern(bytes, character)) {
    throw pattern.fail('the escape is one character, and stands before itself, % or _ only')
  }
  return like(term, bytes, character)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

/** `NULLIF(left, right)`. */
export function operandNullIf(left: Operand, right: Operand): Operand {
  if (isWritten(right) && right.literal.kind === 'null') return left
  if (isWritten(left) && left.literal.kind === 'null') return left
  const first = isWritten(left) ? termOf(constantOf(left.literal), left.fail) : left
  if (isWritten(right)) {
    const { value, isExact } = fitLiteral(first, right)
    const constant: Expression = { kind: 'constant', type: typeOf(first.term), value }
    return isExact ? nullIf(first, constant) : left
  }
  const [one, other] = alignTerms(first, right)
  if (one === first.term) return nullIf(first, other)
  throw right.fail(`${first.what} and ${right.what}; NULLIF takes two of one type`, 'unsupported')
}

function nullIf(left: Term, right: Expression): Term {
  return { ...left, term: { kind: 'nullif', left: left.term, right } }
}
