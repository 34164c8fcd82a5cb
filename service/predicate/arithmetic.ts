import type { ArrowType } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { Value } from './value.ts'

/**
 * SQL's operators on two values of one type. Integers and decimals are exact or an error, quotients are cut towards
 * zero, a remainder has the sign of the dividend; floats are IEEE 754's of their width.
 */
export type ArithmeticOperator = 'add' | 'subtract' | 'multiply' | 'divide' | 'modulus'

/**
 * True when the operator is exact in these types: integers of one width, floats of one width, and decimals but for
 * division, whose rounding differs between engines, as long as the result has the scale that the operands give it.
 */
export function isExact(
  operator: ArithmeticOperator,
  left: ArrowType,
  right: ArrowType,
  result: ArrowType,
): boolean {
  if (left.kind === 'int' && right.kind === 'int' && result.kind === 'int') {
    const widths = [left.bitWidth, right.bitWidth, result.bitWidth]
    return widths.every((width) => width === widths[0]) && left.signed && right.signed
  }
  if (left.kind === 'float' && right.kind === 'float' && result.kind === 'float') {
    const isOneWidth = left.bitWidth === right.bitWidth && left.bitWidth === result.bitWidth
    return isOneWidth && left.bitWidth > 16
  }
  if (left.kind !== 'decimal' || right.kind !== 'decimal' || result.kind !== 'decimal') return false
  if (operator === 'divide') return false
  const scale =
    operator === 'multiply' ? left.scale + right.scale : Math.max(left.scale, right.scale)
  return result.scale === scale
}

export interface Operands {
  readonly left: Value
  readonly right: Value
  readonly leftType: ArrowType
  readonly rightType: ArrowType
}

/**
 * One result of an operator that {@link isExact}.
 *
 * @throws {GatewayError} `invalid_request` it does not fit its type, or an integer is divided by zero: the query
 *   fails as it would in the engine.
 */
export function calculate(
  operator: ArithmeticOperator,
  { left, right, leftType, rightType }: Operands,
  type: ArrowType,
): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    const result = calculateFloat(operator, left, right)
    return type.kind === 'float' && type.bitWidth === 32 ? Math.fround(result) : result
  }
  if (typeof left !== 'bigint' || typeof right !== 'bigint') throw failure('takes numbers only')
  const isScaled = operator !== 'multiply' && type.kind === 'decimal'
  const [scaledLeft, scaledRight] = isScaled
    ? [rescaled(left, leftType, type.scale), rescaled(right, rightType, type.scale)]
    : [left, right]
  return fitted(calculateInteger(operator, scaledLeft, scaledRight), type)
}

function calculateFloat(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case 'add':
      return left + right
    case 'subtract':
      return left - right
    case 'multiply':
      return left * right
    case 'divide':
      return left / right
    case 'modulus':
      return left % right
  }
}

function calculateInteger(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case 'add':
      return left + right
    case 'subtract':
      return left - right
    case 'multiply':
      return left * right
    case 'divide':
    case 'modulus':
      if (right === 0n) throw failure('divides by zero')
      return operator === 'divide' ? left / right : left % right
  }
}

function rescaled(value: bigint, from: ArrowType, scale: number): bigint {
  return from.kind === 'decimal' ? value * 10n ** BigInt(scale - from.scale) : value
}

function fitted(value: bigint, type: ArrowType): bigint {
  const fits =
    type.kind === 'int'
      ? value === BigInt.asIntN(type.bitWidth, value)
      : type.kind === 'decimal' && absolute(value) < 10n ** BigInt(type.precision)
  if (fits) return value
  throw failure(`overflows ${type.kind === 'int' ? `int${type.bitWidth}` : type.kind}`)
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value
}

function failure(what: string): GatewayError {
  return new GatewayError(
    'invalid_request',
    `arithmetic in the filter ${what}; leave out the rows where it does`,
  )
}
