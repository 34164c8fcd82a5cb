import type { ArrowType } from '../../service/arrow/arrow-type.ts'
import type { Ask, Cell } from './oracle.ts'
import { pick } from './random-table.ts'

type Random = () => number

/** What binds how strongly; a part that binds less than its place needs parentheses. */
const levels = { or: 1, and: 2, not: 3, test: 4, sum: 5, product: 6, sign: 7, value: 8 }

const symbols: Readonly<Record<string, string>> = {
  add: '+',
  subtract: '-',
  multiply: '*',
  divide: '/',
  modulus: '%',
}

/** Writes asks as SQL, each time in one of the ways that mean the same. */
export class SqlWriter {
  readonly #random: Random
  readonly #types: ReadonlyMap<string, ArrowType>

  constructor(random: Random, types: ReadonlyMap<string, ArrowType>) {
    this.#random = random
    this.#types = types
  }

  write(ask: Ask, level = 0, isCalculated = false): string {
    const [own, text] = this.#written(ask, isCalculated)
    return own < level || this.#random() < 0.1 ? `(${text})` : text
  }

  #written(ask: Ask, isCalculated: boolean): readonly [number, string] {
    const { test, not, sum, product, sign, value } = levels
    switch (ask.op) {
      case 'column':
        return [value, this.#name(ask.name)]
      case 'constant':
        return [sign, this.#constant(ask.like, ask.value, isCalculated)]
      case 'and':
      case 'or': {
        const own = levels[ask.op]
        return [
          own,
          ask.args.map((arg) => this.write(arg, own + 1)).join(` ${this.#case(ask.op)} `),
        ]
      }
      case 'not':
        return this.#not(ask.arg) ?? [not, `${this.#case('not')} ${this.write(ask.arg, not)}`]
      case 'is_null':
        return [test, `${this.write(ask.arg, sum)} ${this.#case('is null')}`]
      case 'negate':
        return [sign, `- ${this.write(ask.arg, sign, true)}`]
      case 'in':
        return [test, this.#in(ask, '')]
      case 'like':
        return [test, this.#like(ask, '')]
      case 'nullif':
        return [value, `NullIf(${this.write(ask.left)}, ${this.write(ask.right, 0, true)})`]
      case 'distinct': {
        const [left, right] = [this.write(ask.left, sum), this.write(ask.right, sum)]
        if (this.#random() < 0.7) return [test, `${left} IS DISTINCT FROM ${right}`]
        return [not, `not ${left} is not distinct from ${right}`]
      }
      case 'add':
      case 'subtract':
      case 'multiply':
      case 'divide':
      case 'modulus': {
        const own = ask.op === 'add' || ask.op === 'subtract' ? sum : product
        const right = this.write(ask.right, own + 1, true)
        return [own, `${this.write(ask.left, own, true)} ${symbols[ask.op] ?? ''} ${right}`]
      }
      default: {
        const operator = ask.op === '<>' && this.#random() < 0.5 ? '!=' : ask.op
        const gap = pick(this.#random, ['', ' ', '\n  '])
        const [left, right] = [this.write(ask.left, sum), this.write(ask.right, sum)]
        return [test, `${left}${gap}${operator}${gap}${right}`]
      }
    }
  }

  #not(ask: Ask): readonly [number, string] | undefined {
    if (this.#random() < 0.5) return undefined
    if (ask.op === 'in') return [levels.test, this.#in(ask, 'NOT ')]
    if (ask.op === 'like') return [levels.test, this.#like(ask, 'not ')]
    if (ask.op !== 'is_null') return undefined
    return [levels.test, `${this.write(ask.arg, levels.sum)} IS NOT NULL`]
  }

  #in({ arg, list }: Extract<Ask, { op: 'in' }>, not: string): string {
    const items = list.map((item) => this.write(item, levels.sum))
    return `${this.write(arg, levels.sum)} ${not}IN (${items.join(', ')})`
  }

  #like({ arg, pattern, escape }: Extract<Ask, { op: 'like' }>, not: string): string {
    const end = escape === undefined ? '' : ` escape ${quoted(escape)}`
    return `${this.write(arg, levels.sum)} ${not}LIKE ${quoted(pattern)}${end}`
  }

  #name(name: string): string {
    return name
      .split('.')
      .map((part) => {
        const quoted = pick(this.#random, [part, part.toUpperCase()])
        const isWord = /^\w+$/.test(part)
        return isWord && this.#random() < 0.7 ? quoted : `"${quoted}"`
      })
      .join('.')
  }

  #case(words: string): string {
    return this.#random() < 0.5 ? words : words.toUpperCase()
  }

  #constant(like: string, cell: Cell, isCalculated: boolean): string {
    const type = this.#types.get(like)
    if (cell === null || !type) return 'NULL'
    const plain = writtenCell(type, cell)
    if (isCalculated || this.#random() < 0.5) return plain
    if (type.kind === 'float' && Number.isFinite(cell)) return String(Number(cell).toExponential())
    if (type.kind === 'int') {
      return pick(this.#random, [`${plain}.000`, `DECIMAL '${plain}'`, `${plain}e0`, `+${plain}`])
    }
    if (type.kind === 'decimal') return pick(this.#random, [`DECIMAL '${plain}'`, `${plain}00`])
    return plain
  }
}

/** A cell, not null, as a value of SQL. */
export function writtenCell(type: ArrowType, cell: Cell): string {
  switch (type.kind) {
    case 'bool':
      return String(cell)
    case 'float': {
      const text = Object.is(cell, -0) ? '-0' : String(cell)
      return type.bitWidth === 32 ? `REAL '${text}'` : `DOUBLE '${text}'`
    }
    case 'decimal':
      return pointed(cell as bigint, type.scale)
    case 'int':
      return String(cell)
    case 'utf8':
    case 'large_utf8':
      return quoted(Buffer.from(cell as string, 'latin1').toString())
    case 'binary':
    case 'fixed_size_binary':
      return `X'${Buffer.from(cell as string, 'latin1').toString('hex')}'`
    case 'date':
      return `DATE '${dayText(cell as bigint)}'`
    case 'time':
      return `TIME '${clockText(cell as bigint, digitsOf(type.unit))}'`
    case 'timestamp':
      return type.timezone === null
        ? `TIMESTAMP '${momentText(cell as bigint, digitsOf(type.unit))}'`
        : zonedText(cell as bigint, digitsOf(type.unit))
    default:
      throw new Error(`no values of ${type.kind}`)
  }
}

function zonedText(ticks: bigint, digits: number): string {
  const shift = 7200n * 10n ** BigInt(digits)
  const isShifted = ticks % 2n === 0n
  return isShifted
    ? `TIMESTAMP '${momentText(ticks + shift, digits)} +02:00'`
    : `timestamp '${momentText(ticks, digits)} UTC'`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function pointed(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function digitsOf(unit: string): number {
  return { second: 0, millisecond: 3, microsecond: 6 }[unit] ?? 9
}

function dayText(days: bigint): string {
  return new Date(Number(days) * 86_400_000).toISOString().replace(/^\+00/, '').slice(0, -14)
}

function momentText(ticks: bigint, digits: number): string {
  const perDay = 86_400n * 10n ** BigInt(digits)
  const ofDay = ((ticks % perDay) + perDay) % perDay
  return `${dayText((ticks - ofDay) / perDay)} ${clockText(ofDay, digits)}`
}

function clockText(ticks: bigint, digits: number): string {
  const size = 10n ** BigInt(digits)
  const clock = new Date(Number(ticks / size) * 1000).toISOString().slice(11, 19)
  return digits === 0 ? clock : `${clock}.${String(ticks % size).padStart(digits, '0')}`
}
