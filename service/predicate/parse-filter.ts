import type { Field } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { ArithmeticOperator } from './arithmetic.ts'
import { condition } from './compare.ts'
import type { ComparisonOperator, Predicate } from './predicate.ts'
import { and, not, or, predicateUnknown, typeOf } from './predicate.ts'
import { calculateOperands, negateOperand } from './sql-arithmetic.ts'
import { columnOf } from './sql-columns.ts'
import {
  compareOperands,
  operandIn,
  operandIsNull,
  operandLike,
  operandNullIf,
} from './sql-comparison.ts'
import {
  floatLiteral,
  type Literal,
  nullLiteral,
  numberLiteral,
  typedForms,
  typedLiteral,
} from './sql-literal.ts'
import { constantOf, type Fail, isWritten, type Operand, termOf } from './sql-operand.ts'
import { uniteDomains } from './unite-domains.ts'
import { describeToken, sqlError, type Token, tokenAt } from './sql-tokens.ts'

/** Bounds of a filter's text and of what it may cost. */
export const filterLimits = {
  textBytesMax: 1024 * 1024,
  /** Parentheses, signs, NOTs and calculations within one another; a fraction of what a thread's stack takes. */
  depthMax: 200,
  /** Conditions and calculations; a list counts once. */
  operatorsMax: 10_000,
} as const

/**
 * A SQL condition over a table's columns, in the types that its files have. Names are found exactly, else without
 * regard to case; values are written as in Trino.
 *
 * @throws {GatewayError} `invalid_request` it cannot be understood, with line, column and what was expected;
 *   `unsupported` it is SQL, but not done here; `too_large` it is beyond {@link filterLimits}.
 */
export function parseFilter(text: string, fields: readonly Field[]): Predicate {
  const { textBytesMax } = filterLimits
  if (Buffer.byteLength(text) > textBytesMax) {
    throw new GatewayError('too_large', `the filter is longer than ${textBytesMax} bytes`)
  }
  return new FilterParser(text, fields).parse()
}

const comparisons: Readonly<Record<string, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}
const sums: Readonly<Record<string, ArithmeticOperator>> = { '+': 'add', '-': 'subtract' }
const products: Readonly<Record<string, ArithmeticOperator>> = {
  '*': 'multiply',
  '/': 'divide',
  '%': 'modulus',
}

/** Words that are no names unless they are quoted. */
const reserved = new Set(
  'and or not in like escape between is null distinct from true false case when then else end cast exists select'.split(
    ' ',
  ),
)

/** By recursive descent: one method for each level of binding, the loosest first. */
class FilterParser {
  readonly #sql: string
  readonly #fields: readonly Field[]
  #token: Token
  #operators = 0

  constructor(sql: string, fields: readonly Field[]) {
    this.#sql = sql
    this.#fields = fields
    this.#token = tokenAt(sql, 0)
  }

  parse(): Predicate {
    const predicate = this.#condition(this.#or(0))
    if (this.#token.kind !== 'end') throw this.#expected('AND, OR or the end')
    return predicate
  }

  #or(depth: number): Operand {
    return this.#joined('or', () => this.#and(depth))
  }

  #and(depth: number): Operand {
    return this.#joined('and', () => this.#not(depth))
  }

  #joined(word: 'and' | 'or', next: () => Operand): Operand {
    const { fail } = this.#here()
    const first = next()
    if (!this.#isWord(word)) return first
    const terms = [this.#condition(first)]
    while (this.#takeWord(word)) terms.push(this.#condition(next()))
    return termOf(word === 'and' ? and(terms) : or(uniteDomains(terms)), fail)
  }

  #not(depth: number): Operand {
    const { fail } = this.#here()
    if (!this.#takeWord('not')) return this.#test(depth)
    return termOf(not(this.#condition(this.#not(this.#deeper(depth)))), fail)
  }

  /** A value, and what is asked of it. */
  #test(depth: number): Operand {
    const { fail } = this.#here()
    const left = this.#sum(depth)
    const operator = this.#token.kind === 'symbol' ? comparisons[this.#token.text] : undefined
    if (operator) {
      this.#advance()
      this.#count()
      return termOf(compareOperands(operator, left, this.#sum(depth)), fail)
    }
    if (this.#takeWord('is')) return termOf(this.#is(left, depth), fail)
    const isNegated = this.#takeWord('not')
    const found = this.#namedTest(left, depth)
    if (found) return termOf(isNegated ? not(found) : found, fail)
    if (isNegated) throw this.#expected('BETWEEN, IN or LIKE')
    return left
  }

  #is(left: Operand, depth: number): Predicate {
    this.#count()
    const isNegated = this.#takeWord('not')
    if (this.#takeWord('null')) {
      const found = operandIsNull(left)
      return isNegated ? not(found) : found
    }
    if (!this.#takeWord('distinct')) throw this.#expected('NULL, NOT NULL or DISTINCT FROM')
    if (!this.#takeWord('from')) throw this.#expected('FROM')
    const found = compareOperands('distinct', left, this.#sum(depth))
    return isNegated ? not(found) : found
  }

  #namedTest(left: Operand, depth: number): Predicate | undefined {
    if (this.#takeWord('between')) {
      this.#count()
      const low = this.#sum(depth)
      if (!this.#takeWord('and')) throw this.#expected('AND')
      return and([compareOperands('>=', left, low), compareOperands('<=', left, this.#sum(depth))])
    }
    if (this.#takeWord('in')) {
      this.#count()
      return operandIn(left, this.#list(depth))
    }
    if (!this.#takeWord('like')) return undefined
    this.#count()
    const pattern = this.#sum(depth)
    const escape = this.#takeWord('escape') ? this.#sum(depth) : undefined
    if (!isWritten(pattern)) throw pattern.fail("expected a pattern such as 'a%'", 'unsupported')
    if (escape && !isWritten(escape)) throw escape.fail("expected one character such as '!'")
    return operandLike(left, pattern, escape)
  }

  #list(depth: number): readonly Operand[] {
    this.#take('(')
    const items: Operand[] = []
    do {
      const item = this.#sum(depth)
      if (!isWritten(item)) this.#count()
      items.push(item)
    } while (this.#takeSymbol(','))
    this.#take(')')
    return items
  }

  #sum(depth: number): Operand {
    return this.#calculated(sums, depth, (below) => this.#product(below))
  }

  #product(depth: number): Operand {
    return this.#calculated(products, depth, (below) => this.#signed(below))
  }

  /** From left to right, so each operator lies deeper than the next. */
  #calculated(
    operators: Readonly<Record<string, ArithmeticOperator>>,
    depth: number,
    next: (depth: number) => Operand,
  ): Operand {
    let left = next(depth)
    for (let below = depth; this.#token.kind === 'symbol'; below = this.#deeper(below)) {
      const operator = operators[this.#token.text]
      if (operator === undefined) break
      const { fail } = this.#here()
      this.#advance()
      this.#count()
      left = calculateOperands(operator, { left, right: next(this.#deeper(below)) }, fail)
    }
    return left
  }

  #signed(depth: number): Operand {
    const { fail } = this.#here()
    if (this.#takeSymbol('+')) return this.#signed(this.#deeper(depth))
    if (!this.#takeSymbol('-')) return this.#primary(depth)
    return negateOperand(this.#signed(this.#deeper(depth)), fail)
  }

  #primary(depth: number): Operand {
    const token = this.#token
    const { fail } = this.#here()
    switch (token.kind) {
      case 'number': {
        this.#advance()
        const literal = numberLiteral(token.text)
        if (literal) return { literal, fail }
        throw fail('the number has more than 1000 digits, or an exponent beyond 400')
      }
      case 'text':
        this.#advance()
        return { literal: { kind: 'text', bytes: Buffer.from(token.text) }, fail }
      case 'name':
        return this.#column(fail)
      case 'word':
        return this.#word(token, depth)
      default: {
        if (token.text !== '(') throw this.#expected('a column or a value')
        this.#advance()
        const inner = this.#or(this.#deeper(depth))
        this.#take(')')
        return inner
      }
    }
  }

  #word(token: Token, depth: number): Operand {
    const word = token.text.toLowerCase()
    const { fail } = this.#here()
    const next = tokenAt(this.#sql, token.end)
    if (next.kind === 'text' && Object.hasOwn(typedForms, word)) {
      this.#advance()
      this.#advance()
      const literal = typedLiteral(word, next.text)
      if (literal?.kind === 'wrong') throw fail(literal.why)
      if (literal) return { literal, fail }
      throw fail(`${describeToken(next)} is no ${word}; write ${typedForms[word] ?? word}`)
    }
    if (next.text === '(' && next.kind === 'symbol') return this.#call(word, depth, fail)
    const literal = wordLiterals[word]
    if (literal) {
      this.#advance()
      return { literal, fail }
    }
    if (reserved.has(word)) throw this.#expected('a column or a value')
    return this.#column(fail)
  }

  /** Trino's functions that the language needs to say all values, and NULLIF. */
  #call(name: string, depth: number, fail: Fail): Operand {
    if (reserved.has(name)) throw this.#expected('a column or a value')
    this.#advance()
    this.#take('(')
    if (name === 'nan' || name === 'infinity') {
      this.#take(')')
      const literal = floatLiteral(name === 'nan' ? 'NaN' : 'Infinity', 64) ?? nullLiteral
      return { literal, fail }
    }
    if (name !== 'nullif') {
      throw fail(
        `the function ${name} is not done here; NULLIF, nan and infinity are`,
        'unsupported',
      )
    }
    this.#count()
    const left = this.#or(this.#deeper(depth))
    this.#take(',')
    const right = this.#or(this.#deeper(depth))
    this.#take(')')
    return operandNullIf(left, right)
  }

  #column(fail: Fail): Operand {
    const path = [this.#name()]
    while (this.#takeSymbol('.')) path.push(this.#name())
    return columnOf(path, this.#fields, fail)
  }

  #name(): string {
    const { kind, text } = this.#token
    if (kind !== 'name' && kind !== 'word') throw this.#expected('a name')
    this.#advance()
    return text
  }

  #condition(operand: Operand): Predicate {
    if (isWritten(operand)) {
      const { literal, fail } = operand
      if (literal.kind === 'null') return predicateUnknown
      if (literal.kind === 'bool') return constantOf(literal)
      throw fail('expected a condition such as "a" > 1, found a value alone')
    }
    const { term, fail, what } = operand
    if (typeOf(term).kind === 'bool') return condition(term)
    throw fail(`expected a condition such as "a" > 1; ${what}`)
  }

  #here(): { readonly fail: Fail } {
    const { start } = this.#token
    return { fail: (message, code) => sqlError(this.#sql, start, message, code) }
  }

  #expected(what: string): GatewayError {
    return this.#here().fail(`expected ${what}, found ${describeToken(this.#token)}`)
  }

  #deeper(depth: number): number {
    if (depth < filterLimits.depthMax) return depth + 1
    throw this.#here().fail(`the filter is nested deeper than ${filterLimits.depthMax}`)
  }

  #count(): void {
    this.#operators += 1
    const { operatorsMax } = filterLimits
    if (this.#operators <= operatorsMax) return
    throw sqlError(
      this.#sql,
      this.#token.start,
      `the filter has more than ${operatorsMax} conditions; write lists with IN`,
      'too_large',
    )
  }

  #advance(): void {
    this.#token = tokenAt(this.#sql, this.#token.end)
  }

  #isWord(word: string): boolean {
    return this.#token.kind === 'word' && this.#token.text.toLowerCase() === word
  }

  #takeWord(word: string): boolean {
    if (!this.#isWord(word)) return false
    this.#advance()
    return true
  }

  #takeSymbol(symbol: string): boolean {
    if (this.#token.kind !== 'symbol' || this.#token.text !== symbol) return false
    this.#advance()
    return true
  }

  #take(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#expected(`"${symbol}"`)
  }
}

const wordLiterals: Readonly<Record<string, Literal>> = {
  null: nullLiteral,
  true: { kind: 'bool', value: true },
  false: { kind: 'bool', value: false },
}
