import t from 'tap'
import { askOracle, constraintsPair, oracleSeed } from '../../support/filter-oracle.ts'
import type { Pair } from '../../support/filter-oracle.ts'
import { answer } from '../../support/oracle.ts'
import { ExpressionMaker } from '../../support/random-predicate.ts'
import type { RandomTable } from '../../support/random-table.ts'

// A minute alone, more beside others.
t.setTimeout(300_000)

t.test(`expressions let through the rows that an oracle picks (seed ${oracleSeed})`, async (t) => {
  const counts = await askOracle(expressionPair, (wrong) => t.fail(wrong))
  t.comment(JSON.stringify(counts))
  t.ok(counts.pairs >= 10_000 && counts.matching > counts.pairs, 'asked often enough')
  t.ok(counts.none > 1_000 && counts.all > 500, 'decided often enough')
})

function expressionPair(random: () => number, { kinds }: RandomTable): Pair {
  const maker = new ExpressionMaker(random, kinds)
  const asks = Array.from({ length: 1 + Math.floor(random() * 2) }, () => maker.condition(2))
  return constraintsPair({ expression: asks.map((ask) => maker.json(ask)) }, (row) =>
    asks.every((ask) => answer(ask, row, maker.numbersOf) === true),
  )
}
