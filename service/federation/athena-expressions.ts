import type { ArrowType } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { ArithmeticOperator } from '../predicate/arithmetic.ts'
import { isExact } from '../predicate/arithmetic.ts'
import { castValue } from '../predicate/cast-value.ts'
import { compare, condition, isIn, isNull, like } from '../predicate/compare.ts'
import { isLikePattern } from '../predicate/like-pattern.ts'
import type { ComparisonOperator, Constant, Expression } from '../predicate/predicate.ts'
import { and, not, or, presenceOnly, typeOf } from '../predicate/predicate.ts'
import type { Value } from '../predicate/value.ts'
import { isText } from '../predicate/value.ts'
import type { Json } from './athena-json.ts'
import { asArray, asBlock, asObject } from './athena-json.ts'
import { valueType } from './athena-value-types.ts'
import type { BlockReader } from './athena-values.ts'

/** A part of an expression that is left to Athena. */
export interface NotUnderstood {
  readonly kind: 'not_understood'
  readonly what: string
}

export type ReadExpression = Expression | NotUnderstood

const comparisons: Readonly<Record<string, ComparisonOperator>> = {
  $equal: '=',
  $not_equal: '<>',
  $less_than: '<',
  $less_than_or_equal: '<=',
  $greater_than: '>',
  $greater_than_or_equal: '>=',
  $is_distinct_from: 'distinct',
}

const arithmetic: Readonly<Record<string, ArithmeticOperator>> = {
  $add: 'add',
  $subtract: 'subtract',
  $multiply: 'multiply',
  $divide: 'divide',
  $modulus: 'modulus',
}

/** The functions that are understood, in Athena's names. */
export const understoodFunctions: readonly string[] = [
  '$and',
  '$or',
  '$not',
  '$is_null',
  ...Object.keys(comparisons),
  '$in',
  '$array',
  '$like_pattern',
  '$nullif',
  '$negate',
  ...Object.keys(arithmetic),
]

/** Deeper expressions are a mistake or an attack. */
const DEPTH_MAX = 500
/** Longer lists are left to Athena. */
const LIST_MAX = 10_000

/**
 * The conditions that an expression is made of, all of which must hold; each is understood as a whole or not at all.
 *
 * @throws {GatewayError} `invalid_request` it is malformed.
 */
export function readExpression(json: Json, reader: BlockReader): readonly ReadExpression[] {
  return topTerms(json, 0).map((term) => {
    const read = new ExpressionReader(reader).read(term, 0)
    if (read.kind === 'not_understood') return read
    return typeOf(read).kind === 'bool'
      ? condition(read)
      : unclear('a condition that is no boolean')
  })
}

function topTerms(json: Json, depth: number): readonly Json[] {
  if (depth > DEPTH_MAX) throw tooDeep()
  return functionOf(json) === '$and'
    ? argumentsOf(json).flatMap((term) => topTerms(term, depth + 1))
    : [json]
}

class ExpressionReader {
  readonly #blocks: BlockReader

  constructor(blocks: BlockReader) {
    this.#blocks = blocks
  }

  read(json: Json, depth: number): ReadExpression {
    if (depth > DEPTH_MAX) throw tooDeep()
    switch (json['@type']) {
      case 'VariableExpression':
        return variable(json)
      case 'ConstantExpression': {
        const constants = this.#constants(json)
        const [only] = constants ?? []
        return only && constants?.length === 1 ? only : unclear('a constant of another type')
      }
      case 'FunctionCallExpression':
        return this.#call(json, depth)
      default:
        return unclear(`an expression of type ${String(json['@type'])}`)
    }
  }

  #call(json: Json, depth: number): ReadExpression {
    const name = functionOf(json)
    if (name === '$in') return this.#in(json, depth)
    const read: Expression[] = []
    for (const argument of argumentsOf(json)) {
      const part = this.read(argument, depth + 1)
      if (part.kind === 'not_understood') return part
      read.push(part)
    }
    return apply(name, read, valueType(asObject(json['type']))) ?? unclear(describe(name, read))
  }

  /** `$in(value, $array(…))`; each constant of the array may be a block of many. */
  #in(json: Json, depth: number): ReadExpression {
    const [value, list] = argumentsOf(json)
    if (!value || !list) throw malformed('$in')
    const term = this.read(value, depth + 1)
    if (term.kind === 'not_understood') return term
    const items: Expression[] = []
    for (const item of functionOf(list) === '$array' ? argumentsOf(list) : [list]) {
      const read = this.#items(item, depth + 2)
      if ('kind' in read) return read
      for (const one of read) {
        const fitted = fitConstant(one, typeOf(term))
        if (!fitted || !isComparable(typeOf(term), typeOf(fitted))) {
          return unclear(describe('$in', [term, one]))
        }
        items.push(fitted)
      }
    }
    return items.length > LIST_MAX ? unclear(`a list of ${items.length} values`) : isIn(term, items)
  }

  #items(json: Json, depth: number): readonly Expression[] | NotUnderstood {
    if (json['@type'] === 'ConstantExpression') {
      return this.#constants(json) ?? unclear('a constant of another type')
    }
    const read = this.read(json, depth)
    return read.kind === 'not_understood' ? read : [read]
  }

  /** Undefined: of a type whose values we do not compare. */
  #constants(json: Json): readonly Constant[] | undefined {
    const typeJson = asObject(json['type'])
    if (typeJson['@type'] === 'Null') return [{ kind: 'constant', type: presenceOnly, value: null }]
    const type = valueType(typeJson)
    if (!type || type.kind === presenceOnly.kind) return undefined
    const values = this.#blocks.values(asBlock(json['valueBlock']), type)
    return values.map((value) => ({ kind: 'constant', type, value }))
  }
}

/** Undefined when the function, or the function of these types, is not understood. */
function apply(
  name: string,
  parts: readonly Expression[],
  result: ArrowType | undefined,
): Expression | undefined {
  const [first, second] = parts
  if (!first) throw malformed(name)
  const areBooleans = parts.every((part) => typeOf(part).kind === 'bool')
  switch (name) {
    case '$and':
      return areBooleans ? and(parts.map(condition)) : undefined
    case '$or':
      return areBooleans ? or(parts.map(condition)) : undefined
    case '$not':
      return areBooleans ? not(condition(first)) : undefined
    case '$is_null':
      return isNull(first)
    case '$negate':
      return negate(first)
    case '$like_pattern':
      return likePattern(parts)
  }
  if (!second) return undefined
  const [left, right] = fitBoth(first, second)
  const comparison = comparisons[name]
  if (comparison !== undefined || name === '$nullif') {
    if (!isComparable(typeOf(left), typeOf(right))) return undefined
    return comparison === undefined
      ? { kind: 'nullif', left, right }
      : compare(comparison, left, right)
  }
  const operator = arithmetic[name]
  if (operator === undefined || !result) return undefined
  if (!isExact(operator, typeOf(first), typeOf(second), result)) return undefined
  return { kind: 'arithmetic', operator, type: result, left: first, right: second }
}

function variable(json: Json): ReadExpression {
  const column = json['columnName']
  if (typeof column !== 'string') throw malformed('a variable')
  const type = valueType(asObject(json['type']))
  return type ? { kind: 'column', column, type } : unclear(`the type of "${column}"`)
}

/** Times -1: also right for floats, where 0 becomes -0. */
function negate(term: Expression): Expression | undefined {
  const type = typeOf(term)
  const unit = minusOne(type)
  if (!unit || !isExact('multiply', type, unit.type, type)) return undefined
  return { kind: 'arithmetic', operator: 'multiply', type, left: term, right: unit }
}

function minusOne(type: ArrowType): Constant | undefined {
  if (type.kind === 'decimal') {
    return { kind: 'constant', type: { ...type, precision: 1, scale: 0 }, value: -1n }
  }
  if (type.kind === 'int') return { kind: 'constant', type, value: -1n }
  return type.kind === 'float' ? { kind: 'constant', type, value: -1 } : undefined
}

/** Text, its pattern and maybe an escape, which are constants. */
function likePattern(parts: readonly Expression[]): Expression | undefined {
  const [term, pattern, escape] = parts
  if (!term || !isText(typeOf(term)) || pattern?.kind !== 'constant') return undefined
  if (!(pattern.value instanceof Uint8Array)) return undefined
  if (!escape) return isLikePattern(pattern.value) ? like(term, pattern.value) : undefined
  if (escape.kind !== 'constant' || !(escape.value instanceof Uint8Array)) return undefined
  const character = Buffer.from(escape.value).toString()
  if (!isLikePattern(pattern.value, character)) return undefined
  return like(term, pattern.value, character)
}

/** A constant takes the type of what it is compared with, where that has all its digits. */
function fitBoth(left: Expression, right: Expression): readonly [Expression, Expression] {
  return [fitConstant(left, typeOf(right)) ?? left, fitConstant(right, typeOf(left)) ?? right]
}

function fitConstant(expression: Expression, to: ArrowType): Expression | undefined {
  if (expression.kind !== 'constant') return expression
  const { value, type } = expression
  if (value === null) return { ...expression, type: to }
  const isNumber = type.kind === 'int' || type.kind === 'decimal' || type.kind === 'float'
  const fitted: Value | undefined = isNumber ? castValue(value, type, to) : value
  if (fitted === undefined) return undefined
  return isNumber ? { kind: 'constant', type: to, value: fitted } : expression
}

/** True when values of the types are compared as they are. */
function isComparable(left: ArrowType, right: ArrowType): boolean {
  if (left.kind === presenceOnly.kind || left.kind !== right.kind) return false
  switch (left.kind) {
    case 'decimal':
      return right.kind === 'decimal' && left.scale === right.scale
    case 'date':
      return right.kind === 'date' && left.unit === right.unit
    default:
      return true
  }
}

function functionOf(json: Json): string {
  if (json['@type'] !== 'FunctionCallExpression') return ''
  const name = asObject(json['functionName'])['functionName']
  return typeof name === 'string' ? name : ''
}

function argumentsOf(json: Json): readonly Json[] {
  return asArray(json['arguments']).map(asObject)
}

function describe(name: string, parts: readonly Expression[]): string {
  return `${name} of ${parts.map((part) => typeOf(part).kind).join(' and ')}`
}

function unclear(what: string): NotUnderstood {
  return { kind: 'not_understood', what }
}

function malformed(what: string): GatewayError {
  return new GatewayError('invalid_request', `a constraint holds ${what} without its parts`)
}

function tooDeep(): GatewayError {
  return new GatewayError('invalid_request', `a constraint is nested deeper than ${DEPTH_MAX}`)
}
