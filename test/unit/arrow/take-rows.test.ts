import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { castColumn } from '../../../service/arrow/cast.ts'
import { takeRows } from '../../../service/arrow/take-rows.ts'
import { randomNumbers, randomType, randomValue } from '../../support/columns-random.ts'
import { readColumn, columnOf, int, listOf, mapOf, structOf, utf8 } from '../../support/columns.ts'

t.test('any column gives any of its rows, nulls and nested values included', async (t) => {
  const fixedTypes: readonly ArrowType[] = [
    utf8,
    { kind: 'large_utf8' },
    { kind: 'utf8_view' },
    {
      kind: 'dictionary',
      index: { kind: 'int', bitWidth: 16, signed: true },
      value: utf8,
      ordered: false,
    },
    { kind: 'fixed_size_binary', byteWidth: 3 },
    { kind: 'large_list', child: { name: 'item', type: utf8, nullable: true } },
    listOf(structOf({ a: int(8), b: listOf(utf8) })),
    mapOf(utf8, int(64)),
    { kind: 'null' },
  ]
  for (let seed = 1; seed <= 400; seed++) {
    const random = randomNumbers(seed)
    const type = fixedTypes[seed] ?? randomType(random, 2)
    const makes = { ...type, ...(type.kind.endsWith('utf8_view') && { kind: 'utf8' as const }) }
    const plain =
      makes.kind === 'dictionary' ? makes.value : makes.kind === 'large_list' ? listOf(utf8) : makes
    const values = Array.from({ length: 20 }, () => randomValue(random, plain as ArrowType, 0.3))
    const column = columnOf(type, values, [values[0] ?? null, values[1] ?? null])
    const rows = Int32Array.from(values.keys()).filter(() => random() < 0.4)
    const taken = takeRows(column, rows)
    const expected = columnOf(
      type,
      [...rows].map((row) => values[row] ?? null),
    )
    t.equal(taken.rowCount, rows.length)
    t.equal(taken.nullCount, expected.nullCount, `seed ${seed}: nulls`)
    const [seen, wanted] = [taken, expected].map((one) =>
      readColumn(type.kind === 'utf8_view' ? castColumn(one, utf8) : one),
    )
    t.strictSame(seen, wanted, `seed ${seed}: ${type.kind}`)
  }
})
