import type { ArrowType } from '../arrow/arrow-type.ts'
import { formatType } from '../arrow/format-type.ts'
import type { GatewayError } from '../errors.ts'
import type { Constant, Expression } from './predicate.ts'
import { typeOf } from './predicate.ts'
import type { Literal } from './sql-literal.ts'
import type { Value } from './value.ts'
import type { ValueFamily } from './value-family.ts'
import { familyOf, floorIn } from './value-family.ts'

/** An error about the place in the text where an operand stands. */
export type Fail = (message: string, code?: 'invalid_request' | 'unsupported') => GatewayError

/** A part of an expression, with its place. */
export interface Term {
  readonly term: Expression
  readonly fail: Fail
  /** What it is, for errors: `"price" is decimal(9, 2)`. */
  readonly what: string
}

export interface WrittenValue {
  readonly literal: Literal
  readonly fail: Fail
}

export type Operand = Term | WrittenValue

export function isWritten(operand: Operand): operand is WrittenValue {
  return 'literal' in operand
}

/** The result of an operator. */
export function termOf(term: Expression, fail: Fail): Term {
  return { term, fail, what: `this is ${formatType(typeOf(term))}` }
}

/** How values of a family are written. */
export const writtenForms: Readonly<Record<ValueFamily, string>> = {
  number: 'a number such as 15 or 1.50',
  float: 'a number such as 1.5',
  local: "DATE '2026-11-02' or TIMESTAMP '2026-11-02 10:00:00'",
  instant: "TIMESTAMP '2026-11-02 10:00:00 UTC'",
  time: "TIME '10:00:00'",
  text: "text such as 'abc'",
  bytes: "bytes such as X'00FF'",
  bool: 'TRUE or FALSE',
}

const literalNames: Readonly<Record<Literal['kind'], string>> = {
  null: 'NULL',
  bool: 'a truth',
  number: 'a number',
  text: 'text',
  bytes: 'bytes',
  time: 'a time',
  local: 'a date or a timestamp without a zone',
  instant: 'a timestamp with a zone',
}

/** The family of a term's values. */
export function familyOfTerm({ term, fail, what }: Term): ValueFamily {
  const family = familyOf(typeOf(term))
  if (family) return family
  throw fail(`${what}, which takes IS NULL and IS NOT NULL only`, 'unsupported')
}

export interface FittedValue {
  readonly value: Value
  /** False: the value is the greatest of the type that is less than what is written. */
  readonly isExact: boolean
}

/**
 * What is written, not null, as a value of the term's type. Numbers become the nearest float where the term is a float.
 *
 * @throws {GatewayError} `invalid_request` it is of another kind; `unsupported` the term's type has no order.
 */
export function fitLiteral(term: Term, { literal, fail }: WrittenValue): FittedValue {
  const family = familyOfTerm(term)
  const type = typeOf(term.term)
  const fitted = fittedIn(family, type, literal)
  if (fitted) return fitted
  throw fail(`${term.what} and takes ${writtenForms[family]}, not ${literalNames[literal.kind]}`)
}

function exactly(value: Value): FittedValue {
  return { value, isExact: true }
}

function fittedIn(family: ValueFamily, type: ArrowType, literal: Literal): FittedValue | undefined {
  switch (literal.kind) {
    case 'number': {
      if (family === 'float') return exactly(floatIn(type, literal))
      if (family !== 'number' || !literal.exact) return undefined
      const { floor, isExact } = floorIn(type, literal.exact)
      return { value: floor, isExact }
    }
    case 'time':
    case 'local':
    case 'instant': {
      if (family !== literal.kind) return undefined
      const { floor, isExact } = floorIn(type, literal.seconds)
      return { value: floor, isExact }
    }
    case 'text':
    case 'bytes':
      return family === literal.kind ? exactly(literal.bytes) : undefined
    case 'bool':
      return family === 'bool' ? exactly(literal.value) : undefined
    case 'null':
      return undefined
  }
}

/** A decimal takes the column's width, as in Trino; what is written as a double stays one. */
function floatIn(type: ArrowType, { float, width }: Extract<Literal, { kind: 'number' }>): number {
  const isSingle = type.kind === 'float' && type.bitWidth === 32 && width === undefined
  return isSingle ? Math.fround(float) : float
}

/** Decimals of any size that calculations meet. */
export function decimalType(scale: number): ArrowType {
  return { kind: 'decimal', precision: DECIMAL_DIGITS_MAX, scale, bitWidth: 256 }
}

/** Digits of Arrow's widest decimal. */
export const DECIMAL_DIGITS_MAX = 76

const long: ArrowType = { kind: 'int', bitWidth: 64, signed: true }

function constant(type: ArrowType, value: Value | null): Constant {
  return { kind: 'constant', type, value }
}

/** A constant in the type that SQL gives to what is written alone. */
export function constantOf(literal: Literal): Constant {
  switch (literal.kind) {
    case 'null':
      return constant({ kind: 'null' }, null)
    case 'bool':
      return constant({ kind: 'bool' }, literal.value)
    case 'number': {
      const { exact, width, float } = literal
      if (!exact || width !== undefined)
        return constant({ kind: 'float', bitWidth: width ?? 64 }, float)
      const isLong = exact.scale === 0 && exact.unscaled === BigInt.asIntN(64, exact.unscaled)
      return constant(isLong ? long : decimalType(exact.scale), exact.unscaled)
    }
    case 'text':
      return constant({ kind: 'utf8' }, literal.bytes)
    case 'bytes':
      return constant({ kind: 'binary' }, literal.bytes)
    default:
      return secondsConstant(literal)
  }
}

/** Parts of a nanosecond are cut off: no column has them. */
function secondsConstant({
  kind,
  seconds,
}: Extract<Literal, { kind: 'time' | 'local' | 'instant' }>): Constant {
  const type: ArrowType =
    kind === 'time'
      ? { kind: 'time', unit: 'nanosecond', bitWidth: 64 }
      : { kind: 'timestamp', unit: 'nanosecond', timezone: kind === 'local' ? null : 'UTC' }
  return { kind: 'constant', type, value: floorIn(type, seconds).floor }
}
