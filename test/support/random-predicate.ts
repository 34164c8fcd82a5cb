import {
  DataType,
  Field,
  RecordBatch,
  Schema,
  Struct,
  makeData,
  Precision,
  tableToIPC,
  Table,
} from 'apache-arrow'
import { arrowTypeJson } from '../../service/athena/value-sets.ts'
import type { Ask, Cell, Numbers } from './oracle.ts'
import { calculations, comparisons } from './oracle.ts'
import { dataOf } from './random-table-data.ts'
import type { Raw } from './random-table-data.ts'
import type { ColumnKind } from './random-table-kinds.ts'
import { listKind, pick } from './random-table.ts'

type Random = () => number

const functionNames: Readonly<Record<string, string>> = {
  '=': '$equal',
  '<>': '$not_equal',
  '<': '$less_than',
  '<=': '$less_than_or_equal',
  '>': '$greater_than',
  '>=': '$greater_than_or_equal',
  distinct: '$is_distinct_from',
}

const blocks = new Map<string, object>()

/** An Arrow block of one column `col1`, as constraints carry it. */
export function valueBlock(type: DataType, values: readonly (Raw | null)[]): object {
  const texts = values.map((value) => textOf(value))
  const nulls = values.map((value) => Number(value === null)).join('')
  const key = `${JSON.stringify(arrowTypeJson(type))} ${nulls} ${texts.join('|')}`
  const block = blocks.get(key) ?? writeBlock(type, values)
  blocks.set(key, block)
  return block
}

function textOf(value: Raw | null): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return Object.is(value, -0) ? '-0' : String(value)
}

function writeBlock(type: DataType, values: readonly (Raw | null)[]): object {
  const schema = new Schema([new Field('col1', type, true)])
  const rows = makeData({
    type: new Struct(schema.fields),
    length: values.length,
    nullCount: 0,
    children: [dataOf(type, values)],
  })
  const stream = tableToIPC(new Table(schema, [new RecordBatch(schema, rows)]), 'stream')
  const schemaBytes = 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true)
  return {
    aId: 'a',
    schema: Buffer.from(stream.subarray(0, schemaBytes)).toString('base64'),
    records: Buffer.from(stream.subarray(schemaBytes, stream.length - 8)).toString('base64'),
  }
}

/** A value set and what it lets through. */
export interface ValueSetAsk {
  readonly column: string
  readonly json: object
  readonly passes: (cell: Cell) => boolean
}

/** Cells of a kind that are near what the files hold. */
function cellsOf(random: Random, kind: ColumnKind, count: number): Exclude<Cell, null>[] {
  return Array.from({ length: count }, () => kind.seen(pick(random, kind.pool))) as Exclude<
    Cell,
    null
  >[]
}

export function randomValueSet(random: Random, kind: ColumnKind): ValueSetAsk {
  const { name: column, doorType } = kind
  const choice = random()
  if (doorType === null || choice < 0.12) return allOrNone(random, column, doorType)
  if (choice < 0.35) return equatable(random, kind, doorType)
  return sortedRanges(random, kind, doorType)
}

function allOrNone(random: Random, column: string, doorType: DataType | null): ValueSetAsk {
  const nullAllowed = random() < 0.6
  const all = random() < 0.4
  const type = doorType === null ? { '@type': 'List' } : arrowTypeJson(doorType)
  // As Java writes it: all && nullAllowed.
  const json = { '@type': 'AllOrNoneValueSet', type, all: all && nullAllowed, nullAllowed }
  const isAll = (all && nullAllowed) || !nullAllowed
  return { column, json, passes: (cell) => (cell === null ? nullAllowed : isAll) }
}

function equatable(random: Random, kind: ColumnKind, doorType: DataType): ValueSetAsk {
  const cells = cellsOf(random, kind, Math.floor(random() * 4)).filter((cell) => cell === cell)
  const [whiteList, nullAllowed] = [random() < 0.5, random() < 0.3]
  const block = valueBlock(
    doorType,
    cells.map((cell) => kind.constant(cell, random)),
  )
  const json = { '@type': 'EquatableValueSet', valueBlock: block, whiteList, nullAllowed }
  const passes = (cell: Cell) =>
    cell === null ? nullAllowed : cells.some((one) => one === cell) === whiteList
  return { column: kind.name, json, passes }
}

interface End {
  readonly cell: Exclude<Cell, null>
  readonly inclusive: boolean
}

function sortedRanges(random: Random, kind: ColumnKind, doorType: DataType): ValueSetAsk {
  const cells = [...new Set(cellsOf(random, kind, Math.floor(random() * 5)))]
    .filter((cell) => cell === cell && !(cell === 0 && Object.is(cell, -0)))
    .toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0))
  const ranges: { low?: End; high?: End }[] = []
  if (random() < 0.3) {
    for (const cell of cells)
      ranges.push({ low: { cell, inclusive: true }, high: { cell, inclusive: true } })
  } else {
    const ends = cells.map((cell): End => ({ cell, inclusive: random() < 0.5 }))
    const isOpen = random() < 0.4
    let at = 0
    if (isOpen) {
      const high = ends[at++]
      ranges.push(high ? { high } : {})
    }
    while (at < ends.length) {
      const [low, high] = [ends[at], ends[at + 1]]
      if (low) ranges.push({ low, ...(high && { high }) })
      at += 2
    }
  }
  const nullAllowed = random() < 0.3
  const marker = (end: End | undefined, outside: string) => ({
    valueBlock: end
      ? valueBlock(doorType, [kind.constant(end.cell, random)])
      : { aId: 'a', schema: '', records: '' },
    bound: end?.inclusive === true ? 'EXACTLY' : outside,
    nullValue: end === undefined,
  })
  const json = {
    '@type': 'SortedRangeSet',
    type: arrowTypeJson(doorType),
    ranges: ranges.map(({ low, high }) => ({
      low: marker(low, 'ABOVE'),
      high: marker(high, 'BELOW'),
    })),
    nullAllowed,
  }
  const isOpen = ranges.some(({ low }) => !low) && ranges.some(({ high }) => !high)
  const passes = (cell: Cell) => {
    if (cell === null) return nullAllowed
    if (cell !== cell) return isOpen
    return ranges.some(
      ({ low, high }) =>
        (!low || low.cell < cell || (low.inclusive && low.cell === cell)) &&
        (!high || cell < high.cell || (high.inclusive && high.cell === cell)),
    )
  }
  return { column: kind.name, json, passes }
}

/** Asks of a table's columns, and their JSON. */
export class ExpressionMaker {
  readonly #random: Random
  readonly #kinds: ReadonlyMap<string, ColumnKind>
  readonly #names: readonly string[]

  constructor(random: Random, kinds: readonly ColumnKind[]) {
    this.#random = random
    this.#kinds = new Map(kinds.map((kind) => [kind.name, kind]))
    this.#names = kinds.map(({ name }) => name)
  }

  condition(depth: number): Ask {
    const choice = this.#random()
    if (depth > 0 && choice < 0.45) {
      if (choice < 0.1) return { op: 'not', arg: this.condition(depth - 1) }
      const args = Array.from({ length: 2 + Math.floor(this.#random() * 2) }, () =>
        this.condition(depth - 1),
      )
      return { op: choice < 0.28 ? 'and' : 'or', args }
    }
    if (choice < 0.5) return { op: 'is_null', arg: this.#anything(depth) }
    const kind = this.#kind()
    if (choice < 0.55 && DataType.isBool(kind.doorType)) return { op: 'column', name: kind.name }
    if (choice < 0.7) return this.#in(kind)
    if (choice < 0.8 && DataType.isUtf8(kind.doorType)) return this.#like(kind)
    const op = pick(this.#random, comparisons)
    const left = this.#value(kind, 2)
    const right = this.#random() < 0.7 ? this.#constant(kind) : this.#value(kind, 1)
    return this.#random() < 0.2 ? { op, left: right, right: left } : { op, left, right }
  }

  #anything(depth: number): Ask {
    if (this.#random() < 0.3) return { op: 'column', name: listKind }
    if (depth > 0 && this.#random() < 0.5) return this.condition(depth - 1)
    return this.#value(this.#kind(), 1)
  }

  #kind(): ColumnKind {
    const kind = this.#kinds.get(pick(this.#random, this.#names))
    if (kind === undefined) throw new Error('no kind')
    return kind
  }

  #constant(kind: ColumnKind): Ask {
    const value = this.#random() < 0.05 ? null : (cellsOf(this.#random, kind, 1)[0] ?? null)
    return { op: 'constant', like: kind.name, value }
  }

  #in(kind: ColumnKind): Ask {
    const list = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () =>
      this.#constant(kind),
    )
    return { op: 'in', arg: this.#value(kind, 1), list }
  }

  #like(kind: ColumnKind): Ask {
    const parts = ['%', '_', 'a', 'b', 'ä', '\u{10000}', '%', 'x'.repeat(70), '%%']
    const pattern = Array.from({ length: Math.floor(this.#random() * 5) }, () =>
      pick(this.#random, parts),
    )
    const arg: Ask = { op: 'column', name: kind.name }
    if (this.#random() < 0.7) return { op: 'like', arg, pattern: pattern.join('') }
    const escaped = pattern.map((part) =>
      this.#random() < 0.4 ? part.replace(/^[%_]/u, '!$&') : part,
    )
    return { op: 'like', arg, pattern: escaped.join(''), escape: '!' }
  }

  #value(kind: ColumnKind, depth: number): Ask {
    const column: Ask = { op: 'column', name: kind.name }
    const choice = this.#random()
    if (depth === 0 || choice < 0.7) return column
    if (choice < 0.8) return { op: 'nullif', left: column, right: this.#constant(kind) }
    const { doorType } = kind
    if (!DataType.isInt(doorType) && !DataType.isFloat(doorType)) return column
    if (choice < 0.85) return { op: 'negate', arg: this.#value(kind, depth - 1) }
    const right = this.#random() < 0.6 ? this.#constant(kind) : this.#value(kind, depth - 1)
    return { op: pick(this.#random, calculations), left: this.#value(kind, depth - 1), right }
  }

  numbersOf = (ask: Ask): Numbers => {
    const type = this.#kinds.get(nameOf(ask))?.doorType
    if (DataType.isInt(type)) return { bits: type.bitWidth }
    return { single: DataType.isFloat(type) && type.precision === Precision.SINGLE }
  }

  /** The ask as Athena writes it. */
  json(ask: Ask): object {
    switch (ask.op) {
      case 'column':
        return { '@type': 'VariableExpression', columnName: ask.name, type: this.#typeJson(ask) }
      case 'constant':
        return this.#constantJson([ask])
      case 'and':
      case 'or':
        return call(
          `$${ask.op}`,
          boolean,
          ask.args.map((arg) => this.json(arg)),
        )
      case 'not':
      case 'is_null':
        return call(`$${ask.op}`, boolean, [this.json(ask.arg)])
      case 'negate':
        return call('$negate', this.#typeJson(ask), [this.json(ask.arg)])
      case 'in': {
        const isSplit = this.#random() < 0.3
        const items = isSplit
          ? ask.list.map((item) => this.json(item))
          : [this.#constantJson(ask.list)]
        return call('$in', boolean, [
          this.json(ask.arg),
          call('$array', { '@type': 'List' }, items),
        ])
      }
      case 'like': {
        const texts = [ask.pattern, ...(ask.escape === undefined ? [] : [ask.escape])]
        const type = textKind(this.#kinds.get(nameOf(ask)))
        const constants = texts.map((text) => ({
          '@type': 'ConstantExpression',
          valueBlock: valueBlock(type, [text]),
          type: { '@type': 'Utf8' },
        }))
        return call('$like_pattern', boolean, [this.json(ask.arg), ...constants])
      }
      default: {
        const name = functionNames[ask.op] ?? `$${ask.op}`
        const type = name === `$${ask.op}` ? this.#typeJson(ask) : boolean
        return call(name, type, [this.json(ask.left), this.json(ask.right)])
      }
    }
  }

  #constantJson(constants: readonly Ask[]): object {
    const kind = this.#kinds.get(nameOf(constants[0]))
    if (!kind?.doorType) throw new Error('a constant of no kind')
    const values = constants.map((one) => {
      if (one.op !== 'constant') throw new Error('no constant')
      return one.value === null ? null : kind.constant(one.value, this.#random)
    })
    return {
      '@type': 'ConstantExpression',
      valueBlock: valueBlock(kind.doorType, values),
      type: arrowTypeJson(kind.doorType),
    }
  }

  #typeJson(ask: Ask): object {
    const kind = this.#kinds.get(nameOf(ask))
    return kind?.doorType ? arrowTypeJson(kind.doorType) : { '@type': 'List' }
  }
}

const boolean = { '@type': 'Bool' }

function call(name: string, type: object, args: readonly object[]): object {
  return {
    '@type': 'FunctionCallExpression',
    type,
    functionName: { functionName: name },
    arguments: args,
  }
}

function textKind(kind: ColumnKind | undefined): DataType {
  if (!kind?.doorType) throw new Error('no text')
  return kind.doorType
}

/** The column that gives a value its type. */
function nameOf(ask: Ask | undefined): string {
  switch (ask?.op) {
    case 'column':
      return ask.name
    case 'constant':
      return ask.like
    case 'negate':
    case 'like':
    case 'in':
      return nameOf(ask.arg)
    case 'nullif':
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
    case 'modulus':
      return nameOf(ask.left)
    default:
      return ''
  }
}
