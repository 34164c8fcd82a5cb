import t from 'tap'
import { askOracle, constraintsPair, oracleSeed } from '../../support/filter-oracle.ts'
import type { Pair } from '../../support/filter-oracle.ts'
import { randomValueSet } from '../../support/random-predicate.ts'
import { listKind, pick } from '../../support/random-table.ts'
import type { RandomTable } from '../../support/random-table.ts'

// A minute alone, more beside others.
t.setTimeout(300_000)

t.test(`value sets let through the rows that an oracle picks (seed ${oracleSeed})`, async (t) => {
  const counts = await askOracle(valueSetPair, (wrong) => t.fail(wrong))
  t.comment(JSON.stringify(counts))
  t.ok(counts.pairs >= 10_000 && counts.matching > counts.pairs, 'asked often enough')
  t.ok(counts.none > 5_000 && counts.all > 1_000, 'decided often enough')
  t.ok(counts.rowsByPages > 500, 'by pages too')
  t.ok(counts.groupsByBlooms > 20, 'and by bloom filters')
})

function valueSetPair(random: () => number, { kinds }: RandomTable): Pair {
  const list = { name: listKind, doorType: null }
  const sets = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const kind = random() < 0.05 ? undefined : pick(random, kinds)
    return randomValueSet(random, kind ?? { ...pick(random, kinds), ...list })
  })
  const unique = [...new Map(sets.map((set) => [set.column, set])).values()]
  return constraintsPair(
    { summary: Object.fromEntries(unique.map(({ column, json }) => [column, json])) },
    (row) => unique.every(({ column, passes }) => passes(row.get(column) ?? null)),
  )
}
