import { Field, Float64, Int32, Schema, Utf8 } from 'apache-arrow'
import t from 'tap'
import { columnFilters } from '../../../service/athena/where.ts'
import type { ColumnTest, ValueSet, Where } from '../../../service/athena/where.ts'

const schema = new Schema([
  new Field('n', new Int32(), true),
  new Field('x', new Float64(), true),
  new Field('s', new Utf8(), true),
])

function filter(where: Where) {
  const [first] = columnFilters(where, schema)
  if (first === undefined) throw new Error('no filter')
  return first
}

/** Ranges in the notation of mathematics. */
function ranges(set: ValueSet): string {
  if (set.kind !== 'ranges') return set.kind
  return set.ranges
    .map(({ low, high }) => {
      const left = low === null ? '(-' : `${low.inclusive ? '[' : '('}${Number(low.value)}`
      const right = high === null ? '-)' : `${Number(high.value)}${high.inclusive ? ']' : ')'}`
      return `${left},${right}`
    })
    .join(' ')
}

const sets: readonly [ColumnTest, string][] = [
  [{ eq: 5 }, '[5,5]'],
  [{ in: [3, 1, 3, 2] }, '[1,1] [2,2] [3,3]'],
  [{ ge: 1, lt: 9 }, '[1,9)'],
  [{ gt: 9, lt: 1 }, ''],
  [{ gt: 5, lt: 5 }, ''],
  [{ ne: 5 }, '(-,5) (5,-)'],
  [{ notIn: [7, 5, 5] }, '(-,5) (5,7) (7,-)'],
  [{ notIn: [] }, '(-,-)'],
  [{ in: [] }, ''],
  [{ isNull: true }, ''],
  [{ isNotNull: true }, '(-,-)'],
  [{ anyOf: [{ gt: 5 }, { lt: 1 }, { ge: 3, lt: 5 }] }, '(-,1) [3,5) (5,-)'],
  [{ anyOf: [{ lt: 5 }, { ge: 5, lt: 8 }] }, '(-,8)'],
  [{ anyOf: [{ lt: 5 }, { gt: 5, lt: 8 }] }, '(-,5) (5,8)'],
  [{ anyOf: [{ le: 5 }, { lt: 5 }, { eq: 5 }] }, '(-,5]'],
  [
    {
      anyOf: [
        { ge: 1, le: 9 },
        { ge: 2, lt: 3 },
      ],
    },
    '[1,9]',
  ],
]

for (const [test, expected] of sets)
  t.test(`${JSON.stringify(test)} is ${expected || 'nothing'}`, async (t) => {
    const { set, matches } = filter({ n: test })
    t.equal(ranges(set), expected)
    t.equal(matches(null), test.isNull === true)
  })

t.test('applies ranges and sets of values alike', async (t) => {
  for (const test of [{ eq: 3 }, { in: [1, 3] }, { ne: 3 }, { notIn: [1, 3] }] as const) {
    const asRanges = filter({ n: test }).matches
    const asValues = filter({ n: { ...test, as: 'values' } }).matches
    for (const value of [0, 1, 2, 3, 4, null]) t.equal(asRanges(value), asValues(value))
  }
})

t.test('NaN passes only "not null" and "not equal"; zero has no sign', async (t) => {
  const passes = (test: ColumnTest, value: number) => filter({ x: test }).matches(value)
  t.ok(passes({ isNotNull: true }, NaN))
  t.ok(passes({ ne: 1 }, NaN))
  t.notOk(passes({ gt: 1 }, NaN))
  t.notOk(passes({ lt: 1 }, NaN))
  t.notOk(passes({ eq: 1 }, NaN))
  t.ok(passes({ eq: 0 }, -0))
})

t.test('texts compare by the bytes of UTF-8', async (t) => {
  const { matches } = filter({ s: { gt: '\uffff' } })
  t.ok(matches('😀'), 'a surrogate pair is beyond U+FFFF, whatever UTF-16 says')
  t.notOk(matches('z'))
})
