import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import {
  and,
  columnsOf,
  inDomain,
  not,
  or,
  predicateFalse,
  predicateTrue,
} from '../../../service/predicate/predicate.ts'

const int: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
const one = inDomain('a', int, { nullAllowed: true, ranges: [] })
const two = inDomain('b', int, { nullAllowed: true, ranges: [] })

t.test('simplifies what is decided already', async (t) => {
  t.strictSame(and([]), predicateTrue)
  t.strictSame(or([]), predicateFalse)
  t.strictSame(and([predicateTrue, one]), one)
  t.strictSame(and([one, predicateFalse]), predicateFalse)
  t.strictSame(or([one, predicateTrue]), predicateTrue)
  t.strictSame(or([predicateFalse, one]), one)
  t.strictSame(and([one, and([two, one])]), { kind: 'and', terms: [one, two, one] })
  t.strictSame(not(not(one)), one)
  t.strictSame(not(predicateTrue), predicateFalse)
})

t.test('knows the empty and the full domain', async (t) => {
  t.strictSame(inDomain('a', int, { nullAllowed: false, ranges: [] }), predicateFalse)
  t.strictSame(inDomain('a', int, { nullAllowed: true, ranges: [{}] }), predicateTrue)
  const everything = [
    { high: { value: 5n, inclusive: false } },
    { low: { value: 5n, inclusive: true } },
  ]
  t.strictSame(inDomain('a', int, { nullAllowed: true, ranges: everything }), predicateTrue)
})

t.test('sorts and joins ranges, and drops empty ones', async (t) => {
  const point = (value: bigint) => ({
    low: { value, inclusive: true },
    high: { value, inclusive: true },
  })
  const open = { low: { value: 1n, inclusive: false }, high: { value: 1n, inclusive: true } }
  const predicate = inDomain('a', int, {
    nullAllowed: false,
    ranges: [
      point(9n),
      open,
      { low: { value: 2n, inclusive: true }, high: { value: 4n, inclusive: false } },
      point(4n),
      { low: { value: 3n, inclusive: true }, high: { value: 4n, inclusive: false } },
    ],
  })
  t.strictSame(predicate, {
    kind: 'in_domain',
    column: 'a',
    type: int,
    domain: {
      nullAllowed: false,
      ranges: [
        { low: { value: 2n, inclusive: true }, high: { value: 4n, inclusive: true } },
        point(9n),
      ],
    },
  })
})

t.test('names its columns once each', async (t) => {
  t.strictSame(columnsOf(or([one, not(two), and([one, two])])), ['a', 'b'])
  t.strictSame(columnsOf(predicateTrue), [])
})
