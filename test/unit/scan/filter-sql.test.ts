import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import { GatewayError } from '../../../service/errors.ts'
import { readConstraints } from '../../../service/federation/athena-constraints.ts'
import { evaluate } from '../../../service/predicate/evaluate.ts'
import { parseFilter } from '../../../service/predicate/parse-filter.ts'
import type { Predicate } from '../../../service/predicate/predicate.ts'
import { askOracle, oracleSeed } from '../../support/filter-oracle.ts'
import type { Pair } from '../../support/filter-oracle.ts'
import type { Ask, Cell, Row } from '../../support/oracle.ts'
import { answer, NoResult } from '../../support/oracle.ts'
import { printPredicate } from '../../support/print-predicate.ts'
import { ExpressionMaker } from '../../support/random-predicate.ts'
import type { ColumnKind } from '../../support/random-table-kinds.ts'
import type { RandomTable } from '../../support/random-table.ts'
import { listKind, partitionKinds } from '../../support/random-table.ts'
import { randomCrossing } from '../../support/sql-crossings.ts'
import { SqlWriter } from '../../support/sql-asks.ts'
import {
  calculatingKind,
  fieldsOf,
  innerKinds,
  isSameForAthena,
  nestedFields,
  storedKinds,
} from '../../support/sql-kinds.ts'

// A minute alone, more beside others.
t.setTimeout(300_000)

const items: Field = {
  name: listKind,
  type: { kind: 'list', child: { name: 'item', type: { kind: 'null' }, nullable: true } },
  nullable: true,
}
/** Conditions that are SQL but refused: whole numbers of 76 digits are not divided. */
let refused = 0
let saidToAthena = 0
let printed = 0

t.test(`SQL lets through the rows that an oracle picks (seed ${oracleSeed})`, async (t) => {
  const options = { tables: 60, kinds: [...storedKinds, ...innerKinds] }
  const counts = await askOracle(sqlPair, (wrong) => t.fail(wrong), options)
  t.comment(JSON.stringify({ ...counts, refused, saidToAthena, printed }))
  t.ok(counts.pairs >= 3_500 && counts.matching > counts.pairs, 'asked often enough')
  t.ok(counts.none > 500 && counts.all > 200, 'decided often enough')
  t.ok(saidToAthena > 300 && printed > 3_500, 'compared with other ways often enough')
  t.ok(refused < 100, 'refused seldom')
})

function sqlPair(random: () => number, table: RandomTable): Pair {
  const { kinds } = table
  const maker = new ExpressionMaker(random, kinds)
  const { numbersOf } = new ExpressionMaker(random, kinds.map(calculatingKind))
  const flat = fieldsOf(kinds)
  const fields = [...nestedFields(flat), items]
  const types = new Map(flat.map(({ name, type }) => [name, type]))
  const writer = new SqlWriter(random, types)
  const asks = Array.from({ length: 1 + Math.floor(random() * 2) }, () => maker.condition(2))
  const crossing = random() < 0.4 ? randomCrossing(random, kinds) : undefined
  const texts = [...asks.map((ask) => writer.write(ask, 3)), ...(crossing ? [crossing.sql] : [])]
  const text = texts.join('\nAND ')
  const truths = (row: Row): Cell[] => [
    ...asks.map((ask) => answer(ask, row, numbersOf)),
    ...(crossing ? [crossing.truth(row)] : []),
  ]
  const matches = (row: Row) => truths(row).every((truth) => truth === true)
  const parsed = parsedOrRefused(text, fields)
  if (parsed === undefined)
    return { text: 'true', predicate: parseFilter('true', fields), matches: () => true }
  const rows = table.files.flatMap(({ groups }) => groups.flat())
  const wrong =
    printedDifference(parsed, fields, rows) ??
    (crossing ? undefined : athenaDifference({ asks, maker, kinds, parsed }, rows))
  return { text, predicate: wrong ?? parsed, matches }
}

function parsedOrRefused(text: string, fields: readonly Field[]): Predicate | undefined {
  try {
    return parseFilter(text, fields)
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'unsupported')
      throw new Error(text, { cause: error })
    refused += 1
    return undefined
  }
}

/** The tree printed and read again has the same truth in each row. */
function printedDifference(
  parsed: Predicate,
  fields: readonly Field[],
  rows: readonly Row[],
): string | undefined {
  const text = printPredicate(parsed)
  const again = parseFilter(text, fields)
  printed += 1
  return firstDifference(parsed, again, rows)
}

interface Said {
  readonly asks: readonly Ask[]
  readonly maker: ExpressionMaker
  readonly kinds: readonly ColumnKind[]
  readonly parsed: Predicate
}

/** What Athena's expression of the same means has the same truth in each row. */
function athenaDifference(
  { asks, maker, kinds, parsed }: Said,
  rows: readonly Row[],
): string | undefined {
  const names = namesIn(asks)
  const used = kinds.filter(({ name }) => names.includes(name))
  if (!used.every((kind) => isSameForAthena(kind) && !partitionKinds.includes(kind)))
    return undefined
  const text = JSON.stringify({ expression: asks.map((ask) => maker.json(ask)) })
  const { predicate, understood } = readConstraints(text)
  if (!understood) return undefined
  saidToAthena += 1
  return firstDifference(parsed, predicate, rows)
}

function namesIn(asks: readonly Ask[]): readonly string[] {
  const names: string[] = []
  JSON.stringify(asks, (key, value: unknown) => {
    if (key === 'name' || key === 'like') names.push(String(value))
    return typeof value === 'bigint' ? String(value) : value
  })
  return names
}

function firstDifference(
  one: Predicate,
  other: Predicate,
  rows: readonly Row[],
): string | undefined {
  for (const row of rows) {
    const [first, second] = [truthIn(one, row), truthIn(other, row)]
    if (first !== second && first !== 'no result' && second !== 'no result') {
      return `${String(first)} and ${String(second)} of row ${String(row.get('row_id'))}`
    }
  }
  return undefined
}

function truthIn(predicate: Predicate, row: Row): unknown {
  try {
    return evaluate(predicate, ({ column, path = [], type }) =>
      valueOf(row.get([column, ...path].join('.')) ?? null, type),
    )
  } catch (error) {
    if (error instanceof GatewayError || error instanceof NoResult) return 'no result'
    throw error
  }
}

function valueOf(cell: Cell, type: ArrowType) {
  if (type.kind === 'null') return cell === null ? null : true
  return typeof cell === 'string' ? Buffer.from(cell, 'latin1') : cell
}
