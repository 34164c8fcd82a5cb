import type { ArrowType } from '../arrow/arrow-type.ts'
import type { ArithmeticOperator } from './arithmetic.ts'
import { evaluate } from './evaluate.ts'
import type { Expression } from './predicate.ts'
import { typeOf } from './predicate.ts'
import { negatedNumber, nullLiteral } from './sql-literal.ts'
import type { Fail, Operand, Term } from './sql-operand.ts'
import {
  constantOf,
  DECIMAL_DIGITS_MAX,
  decimalType,
  familyOfTerm,
  isWritten,
  termOf,
} from './sql-operand.ts'

const long: ArrowType = { kind: 'int', bitWidth: 64, signed: true }

/**
 * An operator on two numbers. Whole numbers calculate in 64 bits, unsigned ones of 64 bits and decimals in 76 digits,
 * with floats everything is a float.
 *
 * @throws {GatewayError} `invalid_request` an operand is no number, or what is written has no result; `unsupported`
 *   decimals are divided, or have too many digits behind the point.
 */
export function calculateOperands(
  operator: ArithmeticOperator,
  { left, right }: { readonly left: Operand; readonly right: Operand },
  fail: Fail,
): Operand {
  if (isNullOperand(left) || isNullOperand(right)) return { literal: nullLiteral, fail }
  const [first, second] = [numberTerm(left), numberTerm(right)]
  const [firstType, secondType] = [typeOf(first.term), typeOf(second.term)]
  const type = resultType(operator, firstType, secondType)
  if (!type) {
    throw fail(
      operator === 'divide'
        ? 'a decimal is divided, whose rounding engines do not agree on; multiply instead'
        : `the result has more than ${DECIMAL_DIGITS_MAX} digits behind the point`,
      'unsupported',
    )
  }
  const term: Expression = {
    kind: 'arithmetic',
    operator,
    type,
    left: operandAs(first.term, type),
    right: operandAs(second.term, type),
  }
  return termOf(isWritten(left) && isWritten(right) ? folded(term) : term, fail)
}

/** Minus a number. */
export function negateOperand(operand: Operand, fail: Fail): Operand {
  if (isNullOperand(operand)) return operand
  if (isWritten(operand)) {
    const { literal } = operand
    if (literal.kind === 'number') return { literal: negatedNumber(literal), fail }
  }
  // Times -1: also right for floats, where 0 becomes -0.
  const minusOne: Operand = {
    literal: { kind: 'number', exact: { unscaled: -1n, scale: 0 }, float: -1 },
    fail,
  }
  return calculateOperands('multiply', { left: operand, right: minusOne }, fail)
}

function isNullOperand(operand: Operand): boolean {
  return isWritten(operand) && operand.literal.kind === 'null'
}

function numberTerm(operand: Operand): Term {
  const term = isWritten(operand) ? termOf(constantOf(operand.literal), operand.fail) : operand
  const family = familyOfTerm(term)
  if (family === 'number' || family === 'float') return term
  throw operand.fail(`${term.what}, arithmetic takes numbers only`)
}

/** Undefined: not exact. */
function resultType(
  operator: ArithmeticOperator,
  left: ArrowType,
  right: ArrowType,
): ArrowType | undefined {
  if (left.kind === 'float' || right.kind === 'float') {
    const isDouble = [left, right].some((type) => type.kind === 'float' && type.bitWidth === 64)
    return { kind: 'float', bitWidth: isDouble ? 64 : 32 }
  }
  if (left.kind === 'int' && right.kind === 'int') {
    const isWide = [left, right].some((type) => !type.signed && type.bitWidth === 64)
    return isWide ? decimalType(0) : long
  }
  if (operator === 'divide') return undefined
  const [first, second] = [scaleOf(left), scaleOf(right)]
  const scale = operator === 'multiply' ? first + second : Math.max(first, second)
  return scale > DECIMAL_DIGITS_MAX ? undefined : decimalType(scale)
}

function scaleOf(type: ArrowType): number {
  return type.kind === 'decimal' ? type.scale : 0
}

/** An operand in the kind of number that the result is. */
function operandAs(term: Expression, result: ArrowType): Expression {
  const { kind } = typeOf(term)
  if (kind === result.kind || result.kind === 'int') return term
  const type = result.kind === 'float' ? result : decimalType(0)
  const widened: Expression = { kind: 'widen', term, type }
  return term.kind === 'constant' ? folded(widened) : widened
}

function folded(expression: Expression): Expression {
  const value = evaluate(expression, () => null)
  return { kind: 'constant', type: typeOf(expression), value }
}
