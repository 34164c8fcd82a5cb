/** A row of every table; what a file lacks is null. */
export interface WorldRow {
  readonly colid: number
  readonly colname: string | null
  readonly colsalary: number | null
  readonly coldept: string | null
  readonly colinfo: { readonly colcity: string | null; readonly colscore: number | null } | null
  readonly colregion: string
}

export type WorldColumn = keyof WorldRow

/** A whole number from 0 below the given one. */
export type Random = (below: number) => number

/** A SQL condition, and what a test says of a row: null is unknown. */
export interface Condition {
  readonly sql: string
  readonly columns: readonly WorldColumn[]
  readonly of: (row: WorldRow) => boolean | null
  /** Whether it has no result for the row: an error, when the row is asked. */
  readonly fails: (row: WorldRow) => boolean
}

/** Small and repeatable. */
export function randomBelow(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random(items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

/** A condition over values that the rows have; `fallible` ones may divide by nothing. */
export function randomCondition(
  random: Random,
  rows: readonly WorldRow[],
  { depth = 2, fallible = false } = {},
): Condition {
  if (depth === 0 || random(3) === 0) {
    const kinds = fallible ? [...leaves, quotient] : leaves
    return pick(random, kinds)(random, pick(random, rows))
  }
  const more = { depth: depth - 1, fallible }
  const left = randomCondition(random, rows, more)
  if (random(4) === 0) {
    return {
      ...left,
      sql: `NOT (${left.sql})`,
      of: (row) => negated(left.of(row)),
    }
  }
  const right = randomCondition(random, rows, more)
  const isAnd = random(2) === 0
  return {
    sql: `(${left.sql}) ${isAnd ? 'AND' : 'OR'} (${right.sql})`,
    columns: [...left.columns, ...right.columns],
    of: (row) => joined(left.of(row), right.of(row), !isAnd),
    fails: (row) => left.fails(row) || right.fails(row),
  }
}

function negated(value: boolean | null): boolean | null {
  return value === null ? null : !value
}

function joined(left: boolean | null, right: boolean | null, deciding: boolean): boolean | null {
  if (left === deciding || right === deciding) return deciding
  return left === null || right === null ? null : !deciding
}

type Leaf = (random: Random, like: WorldRow) => Condition

const never = () => false

const compared: Leaf = (random, like) => {
  const column = pick(random, ['colid', 'colsalary'] as const)
  const operator = pick(random, ['=', '<>', '<', '>='] as const)
  const value = like[column] ?? 1_020
  return number({ column, name: column, operator, value }, (row) => row[column])
}

const nested: Leaf = (random, like) => {
  const operator = pick(random, ['=', '<>', '<', '>='] as const)
  const value = like.colinfo?.colscore ?? 50
  const asked = { column: 'colinfo', name: 'colinfo.colscore', operator, value } as const
  return number(asked, (row) => row.colinfo?.colscore ?? null)
}

interface NumberTest {
  readonly column: WorldColumn
  /** As SQL has it. */
  readonly name: string
  readonly operator: '=' | '<>' | '<' | '>='
  readonly value: number
}

function number(
  { column, name, operator, value }: NumberTest,
  read: (row: WorldRow) => number | null,
): Condition {
  const of = (row: WorldRow) => {
    const found = read(row)
    if (found === null) return null
    if (operator === '=') return found === value
    if (operator === '<>') return found !== value
    return operator === '<' ? found < value : found >= value
  }
  return { sql: `${name} ${operator} ${value}`, columns: [column], of, fails: never }
}

const text: Leaf = (random, like) => {
  const column = pick(random, ['colname', 'coldept', 'colregion', 'colregion'] as const)
  const value = like[column] ?? 'nobody'
  const isNot = random(3) === 0
  return {
    sql: `${column} ${isNot ? '<>' : '='} '${value}'`,
    columns: [column],
    of: (row) => (row[column] === null ? null : (row[column] === value) !== isNot),
    fails: never,
  }
}

const missing: Leaf = (random) => {
  const column = pick(random, ['colname', 'colsalary', 'coldept', 'colinfo'] as const)
  const isNot = random(2) === 0
  return {
    sql: `${column} IS ${isNot ? 'NOT ' : ''}NULL`,
    columns: [column],
    of: (row) => (row[column] === null) !== isNot,
    fails: never,
  }
}

const leaves: readonly Leaf[] = [compared, compared, nested, text, text, missing]

/** Asks by its failure whether anybody has that salary. */
const quotient: Leaf = (_, like) => {
  const value = like.colsalary ?? 1_020
  return {
    sql: `10 / (colsalary - ${value}) > 0`,
    columns: ['colsalary'],
    of: ({ colsalary }) =>
      colsalary === null || colsalary === value ? null : Math.trunc(10 / (colsalary - value)) > 0,
    fails: ({ colsalary }) => colsalary === value,
  }
}
