import type { ArrowType } from '../../service/arrow/arrow-type.ts'
import type { Cell, Row } from './oracle.ts'
import { comparisons } from './oracle.ts'
import type { ColumnKind } from './random-table-kinds.ts'
import { pick } from './random-table.ts'
import { pointed, writtenCell } from './sql-asks.ts'
import { fieldsOf } from './sql-kinds.ts'

/** A condition across types, and its truth from exact arithmetic. */
export interface Crossing {
  readonly sql: string
  readonly truth: (row: Row) => boolean | null
}

type Random = () => number

/** Millionths of a number, thousandths of a nanosecond: all values of all types are whole. */
type Exact = bigint

interface Side {
  readonly sql: string
  readonly value: (row: Row) => Exact | null
}

interface Place {
  readonly kind: ColumnKind
  readonly type: ArrowType
  readonly family: string
  /** What one step of the type is worth. */
  readonly factor: bigint
}

const perSecond = 10n ** 12n

function placeOf(kind: ColumnKind): Place | undefined {
  const type = fieldsOf([kind])[0]?.type
  switch (type?.kind) {
    case 'int':
      return { kind, type, family: 'number', factor: 10n ** 6n }
    case 'decimal':
      return { kind, type, family: 'number', factor: 10n ** BigInt(6 - type.scale) }
    case 'date':
      return { kind, type, family: 'local', factor: 86_400n * perSecond }
    case 'timestamp':
    case 'time': {
      const unit = { second: 0n, millisecond: 3n, microsecond: 6n, nanosecond: 9n }[type.unit]
      const isZoned = type.kind === 'timestamp' && type.timezone !== null
      const family = type.kind === 'time' ? 'time' : isZoned ? 'instant' : 'local'
      return { kind, type, family, factor: 10n ** (12n - unit) }
    }
    default:
      return undefined
  }
}

/** Undefined when the table has no columns for it. */
export function randomCrossing(random: Random, kinds: readonly ColumnKind[]): Crossing | undefined {
  const places = kinds.map(placeOf).filter((place) => place !== undefined)
  if (places.length === 0) return undefined
  const first = pick(random, places)
  const alike = places.filter(({ family }) => family === first.family)
  const left = sideOf(random, first, alike)
  const right = () =>
    random() < 0.5 ? writtenSide(random, first) : sideOf(random, pick(random, alike), alike)
  const choice = random()
  if (choice < 0.15) return between(left, right(), right())
  if (choice < 0.3) return isIn(left, Array.from({ length: 1 + Math.floor(random() * 4) }, right))
  const operator = pick(random, comparisons)
  const [one, other] = random() < 0.3 ? [right(), left] : [left, right()]
  const word = operator === 'distinct' ? 'IS DISTINCT FROM' : operator
  return {
    sql: `${one.sql} ${word} ${other.sql}`,
    truth: (row) => compared(operator, one.value(row), other.value(row)),
  }
}

function compared(operator: string, left: Exact | null, right: Exact | null): boolean | null {
  if (operator === 'distinct') return left !== right
  if (left === null || right === null) return null
  const order = left < right ? -1 : left > right ? 1 : 0
  const holds = { '=': [0], '<>': [-1, 1], '<': [-1], '<=': [-1, 0], '>': [1], '>=': [0, 1] }
  return (holds as Record<string, number[]>)[operator]?.includes(order) ?? null
}

function between(left: Side, low: Side, high: Side): Crossing {
  return {
    sql: `${left.sql} BETWEEN ${low.sql} AND ${high.sql}`,
    truth(row) {
      const [value, least, most] = [left.value(row), low.value(row), high.value(row)]
      const [above, below] = [compared('>=', value, least), compared('<=', value, most)]
      if (above === false || below === false) return false
      return above === null || below === null ? null : true
    },
  }
}

function isIn(left: Side, list: readonly Side[]): Crossing {
  return {
    sql: `NOT ${left.sql} IN (${list.map(({ sql }) => sql).join(',')})`,
    truth(row) {
      const found = list.map((item) => compared('=', left.value(row), item.value(row)))
      if (found.includes(true)) return false
      return found.includes(null) ? null : true
    },
  }
}

/** A column, or a sum or product in which a decimal has a part: those of whole numbers may overflow. */
function sideOf(random: Random, place: Place, alike: readonly Place[]): Side {
  const side = columnSide(place)
  const other = pick(random, alike)
  const isDecimal = [place, other].some(({ type }) => type.kind === 'decimal')
  if (!isDecimal || random() < 0.6) return side
  const right = columnSide(other)
  const symbol = pick(random, ['+', '-', '*'])
  const calculate = (a: Exact, b: Exact) =>
    symbol === '+' ? a + b : symbol === '-' ? a - b : (a * b) / 10n ** 6n
  return {
    sql: `(${side.sql} ${symbol} ${right.sql})`,
    value(row) {
      const [a, b] = [side.value(row), right.value(row)]
      return a === null || b === null ? null : calculate(a, b)
    },
  }
}

function columnSide({ kind, factor }: Place): Side {
  return {
    sql: kind.name.replaceAll(/[^.]* [^.]*/g, '"$&"'),
    value(row) {
      const cell: Cell = row.get(kind.name) ?? null
      return cell === null ? null : BigInt(cell) * factor
    },
  }
}

/** A value near what the column holds, often between two of its steps. */
function writtenSide(random: Random, { kind, family, factor }: Place): Side {
  if (random() < 0.05) return { sql: 'NULL', value: () => null }
  const cell = kind.seen(pick(random, kind.pool)) as bigint
  const shifts = [0n, 0n, 1n, -1n, factor, -factor, factor / 2n]
  const exact = BigInt(cell) * factor + pick(random, shifts)
  if (family === 'number') return { sql: pointed(exact, 6), value: () => exact }
  return family === 'time' ? timeSide(exact) : momentSide(exact, family === 'local')
}

/** Writes nanoseconds and adds the last three digits. */
function momentSide(exact: Exact, isLocal: boolean): Side {
  const rest = ((exact % 1000n) + 1000n) % 1000n
  const type: ArrowType = { kind: 'timestamp', unit: 'nanosecond', timezone: null }
  const text = writtenCell(type, (exact - rest) / 1000n)
  const sql = `${text.slice(0, -1)}${String(rest).padStart(3, '0')}${isLocal ? '' : ' UTC'}'`
  return { sql, value: () => exact }
}

function timeSide(exact: Exact): Side {
  const inDay = ((exact % (86_400n * perSecond)) + 86_400n * perSecond) % (86_400n * perSecond)
  const rest = inDay % 1000n
  const text = writtenCell({ kind: 'time', unit: 'nanosecond', bitWidth: 64 }, inDay / 1000n)
  return { sql: `${text.slice(0, -1)}${String(rest).padStart(3, '0')}'`, value: () => inDay }
}
