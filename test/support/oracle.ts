/**
 * What a row must fulfil, and an evaluator that shares nothing with the product's: one row, one value at a time.
 * Text and bytes are strings of one character a byte, so that JavaScript's order is that of the bytes.
 */
export type Cell = boolean | bigint | number | string | null

export type Row = ReadonlyMap<string, Cell>

export type Ask =
  | { readonly op: 'column'; readonly name: string }
  | { readonly op: 'constant'; readonly like: string; readonly value: Cell }
  | { readonly op: 'and' | 'or'; readonly args: readonly Ask[] }
  | { readonly op: 'not' | 'is_null' | 'negate'; readonly arg: Ask }
  | { readonly op: BinaryOperation; readonly left: Ask; readonly right: Ask }
  | { readonly op: 'in'; readonly arg: Ask; readonly list: readonly Ask[] }
  | { readonly op: 'like'; readonly arg: Ask; readonly pattern: string; readonly escape?: string }

export const comparisons = ['=', '<>', '<', '<=', '>', '>=', 'distinct'] as const
export const calculations = ['add', 'subtract', 'multiply', 'divide', 'modulus'] as const
export type BinaryOperation =
  | (typeof comparisons)[number]
  | (typeof calculations)[number]
  | 'nullif'

/** Arithmetic without a result, as the engine would end the query for. */
export class NoResult extends Error {}

/** How a number type calculates: bounds of integers, scale of decimals, or floats. */
export interface Numbers {
  readonly bits?: number
  readonly single?: boolean
}

export type NumbersOf = (ask: Ask) => Numbers

export function byteText(value: string | Uint8Array): string {
  return Buffer.from(value as string).toString('latin1')
}

export function answer(ask: Ask, row: Row, numbersOf: NumbersOf): Cell {
  const of = (part: Ask) => answer(part, row, numbersOf)
  switch (ask.op) {
    case 'column':
      return row.get(ask.name) ?? null
    case 'constant':
      return ask.value
    case 'and': {
      const all = ask.args.map(of)
      return all.includes(false) ? false : all.includes(null) ? null : true
    }
    case 'or': {
      const all = ask.args.map(of)
      return all.includes(true) ? true : all.includes(null) ? null : false
    }
    case 'not': {
      const value = of(ask.arg)
      return value === null ? null : !value
    }
    case 'is_null':
      return of(ask.arg) === null
    case 'negate':
      return negated(of(ask.arg), numbersOf(ask.arg))
    case 'in': {
      const found = ask.list.map((item) => equals(of(ask.arg), of(item)))
      return found.includes(true) ? true : found.includes(null) ? null : false
    }
    case 'like': {
      const value = of(ask.arg)
      return value === null ? null : likes(String(value), ask.pattern, ask.escape)
    }
    case 'nullif':
      return equals(of(ask.left), of(ask.right)) === true ? null : of(ask.left)
    case 'distinct':
      return isDistinct(of(ask.left), of(ask.right))
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
    case 'modulus':
      return calculate(ask.op, of(ask.left), of(ask.right), numbersOf(ask.left))
    default:
      return compares(ask.op, of(ask.left), of(ask.right))
  }
}

function equals(left: Cell, right: Cell): boolean | null {
  return left === null || right === null ? null : left === right
}

function isDistinct(left: Cell, right: Cell): boolean {
  if (left === null || right === null) return left !== right
  return !(left === right || (left !== left && right !== right))
}

/** JavaScript's operators are IEEE 754's on numbers, numeric on bigints, and by code unit on strings. */
function compares(op: string, left: Cell, right: Cell): boolean | null {
  if (left === null || right === null) return null
  switch (op) {
    case '=':
      return left === right
    case '<>':
      return left !== right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    default:
      return left >= right
  }
}

function calculate(op: string, left: Cell, right: Cell, { bits, single }: Numbers): Cell {
  if (left === null || right === null) return null
  if (typeof right === 'number') {
    const [a, b] = [Number(left), right]
    const result = { add: a + b, subtract: a - b, multiply: a * b, divide: a / b, modulus: a % b }[
      op
    ]
    return single ? Math.fround(result ?? 0) : (result ?? 0)
  }
  const [a, b] = [left as bigint, right as bigint]
  if ((op === 'divide' || op === 'modulus') && b === 0n) throw new NoResult()
  const result =
    op === 'add'
      ? a + b
      : op === 'subtract'
        ? a - b
        : op === 'multiply'
          ? a * b
          : op === 'divide'
            ? a / b
            : a % b
  if (bits !== undefined && BigInt.asIntN(bits, result) !== result) throw new NoResult()
  return result
}

function negated(value: Cell, numbers: Numbers): Cell {
  return typeof value === 'number' ? -value : calculate('subtract', 0n, value, numbers)
}

/** By a regular expression over characters. */
function likes(bytes: string, pattern: string, escape?: string): boolean {
  let source = ''
  const characters = Array.from(pattern)
  for (let at = 0; at < characters.length; at++) {
    let character = characters[at] ?? ''
    if (character === escape) character = characters[++at] ?? ''
    else if (character === '%') {
      source += '[^]*'
      continue
    } else if (character === '_') {
      source += '[^]'
      continue
    }
    source += character.replace(/[\\^$.*+?()[\]{}|/]/u, '\\$&')
  }
  return new RegExp(`^${source}$`, 'u').test(Buffer.from(bytes, 'latin1').toString())
}
