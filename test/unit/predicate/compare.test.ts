import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { calculate, isExact } from '../../../service/predicate/arithmetic.ts'
import {
  compare,
  evaluateComparison,
  isIn,
  isNull,
  like,
} from '../../../service/predicate/compare.ts'
import { evaluate } from '../../../service/predicate/evaluate.ts'
import { isLikePattern, likeMatcher, likePrefix } from '../../../service/predicate/like-pattern.ts'
import type { Expression } from '../../../service/predicate/predicate.ts'
import { and, not, or, predicateUnknown } from '../../../service/predicate/predicate.ts'
import type { Value } from '../../../service/predicate/value.ts'
import { verdictOf } from '../../../service/predicate/verdict.ts'

const long: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
const tiny: ArrowType = { kind: 'int', bitWidth: 8, signed: true }
const double: ArrowType = { kind: 'float', bitWidth: 64 }
const text: ArrowType = { kind: 'utf8' }
const column = (type: ArrowType): Expression => ({ kind: 'column', column: 'a', type })
const constant = (type: ArrowType, value: Value | null): Expression => ({
  kind: 'constant',
  type,
  value,
})
const of = (predicate: Expression, value: Value | null) => evaluate(predicate, () => value)

t.test('null is neither equal nor unequal, but is not distinct from null', async (t) => {
  const five = constant(long, 5n)
  t.equal(of(compare('=', column(long), five), null), null)
  t.equal(of(not(compare('<', column(long), five)), null), null)
  t.equal(of(compare('distinct', column(long), five), null), true)
  t.equal(of(compare('distinct', column(long), constant(long, null)), null), false)
  t.equal(of(compare('distinct', column(long), constant(long, null)), 5n), true)
  t.equal(of(compare('=', column(long), constant(long, null)), 5n), null)
  t.equal(of(isIn(column(long), [five, constant(long, null)]), 5n), true)
  t.equal(of(isIn(column(long), [five, constant(long, null)]), 6n), null)
  t.equal(of(isNull(compare('=', column(long), five)), null), true)
  t.equal(of(and([predicateUnknown, compare('=', column(long), five)]), 6n), false)
  t.equal(of(or([predicateUnknown, compare('=', column(long), five)]), 5n), true)
})

t.test('NaN is unequal to everything and in no order, -0 is 0', async (t) => {
  for (const operator of ['=', '<', '<=', '>', '>='] as const) {
    t.equal(of(compare(operator, column(double), constant(double, 1)), NaN), false, operator)
    t.equal(of(compare(operator, column(double), constant(double, NaN)), 1), false, operator)
  }
  t.equal(of(compare('<>', column(double), constant(double, 1)), NaN), true)
  t.equal(of(compare('<>', column(double), constant(double, NaN)), NaN), true)
  t.equal(of(compare('distinct', column(double), constant(double, NaN)), NaN), false)
  t.equal(of(compare('distinct', column(double), constant(double, NaN)), 1), true)
  t.equal(of(compare('=', column(double), constant(double, 0)), -0), true)
  t.equal(evaluateComparison('<', -0, 0), false)
  t.equal(of(compare('>=', column(double), constant(double, -Infinity)), NaN), false)
})

t.test('statistics judge what a pattern begins with', async (t) => {
  const facts = (min: string, max: string) => () => ({
    rowCount: 9,
    nullCount: 0,
    min: Buffer.from(min),
    max: Buffer.from(max),
  })
  const begins = like(column(text), Buffer.from('ab%'))
  t.equal(begins.kind, 'in_domain')
  t.equal(verdictOf(begins, facts('ab', 'abz')), 'all')
  t.equal(verdictOf(begins, facts('b', 'c')), 'none')
  const holds = like(column(text), Buffer.from('ab%c'))
  t.equal(verdictOf(holds, facts('ab', 'abz')), 'some')
  t.equal(verdictOf(holds, facts('ac', 'b')), 'none')
  t.equal(like(column(text), Buffer.from('ab')).kind, 'in_domain')
})

t.test(
  'patterns match characters, not bytes, and escapes stand before what they escape',
  async (t) => {
    const matches = (pattern: string, value: string, escape?: string) =>
      likeMatcher(Buffer.from(pattern), escape)(Buffer.from(value))
    t.ok(matches('_', '😀'))
    t.notOk(matches('__', '😀'))
    t.ok(matches('%a_c%', 'xxabcabäcx'))
    t.notOk(matches('%a_c', 'abcd'))
    t.ok(matches('', ''))
    t.ok(matches('%%', ''))
    t.ok(matches('50!%', '50%', '!'))
    t.notOk(matches('50!%', '500', '!'))
    t.ok(matches('a!!b', 'a!b', '!'))
    t.ok(matches('a€_b', 'a_b', '€'))
    for (const [pattern, escape] of [
      ['a!b', '!'],
      ['a!', '!'],
      ['a', '!!'],
      ['a', ''],
    ] as const) {
      t.notOk(isLikePattern(Buffer.from(pattern), escape), pattern)
    }
    t.strictSame(likePrefix(Buffer.from('%a')), { prefix: new Uint8Array(0), rest: 'more' })
  },
)

t.test('a pattern that is made to be slow is not', async (t) => {
  const matches = likeMatcher(Buffer.from(`${'%a'.repeat(500)}%b`))
  t.notOk(matches(Buffer.from('a'.repeat(20_000))))
})

t.test('arithmetic is exact or an error', async (t) => {
  const both = (left: Value, right: Value, type: ArrowType) => ({
    left,
    right,
    leftType: type,
    rightType: type,
  })
  t.equal(calculate('add', both(2n ** 62n, 1n, long), long), 2n ** 62n + 1n)
  t.throws(() => calculate('add', both(2n ** 63n - 1n, 1n, long), long), {
    code: 'invalid_request',
  })
  t.throws(() => calculate('multiply', both(100n, 2n, tiny), tiny), { code: 'invalid_request' })
  t.throws(() => calculate('divide', both(-128n, -1n, tiny), tiny), { code: 'invalid_request' })
  t.throws(() => calculate('modulus', both(1n, 0n, long), long), { code: 'invalid_request' })
  t.equal(calculate('divide', both(-7n, 2n, long), long), -3n)
  t.equal(calculate('modulus', both(-7n, 2n, long), long), -1n)
  t.equal(calculate('divide', both(1, 0, double), double), Infinity)
  const decimal = (scale: number): ArrowType => ({
    kind: 'decimal',
    precision: 9,
    scale,
    bitWidth: 128,
  })
  t.ok(isExact('add', decimal(1), decimal(2), decimal(2)))
  t.equal(
    calculate(
      'add',
      { left: 5n, right: 5n, leftType: decimal(1), rightType: decimal(2) },
      decimal(2),
    ),
    55n,
  )
  t.notOk(isExact('add', decimal(1), decimal(2), decimal(1)))
  t.notOk(isExact('divide', decimal(1), decimal(1), decimal(1)))
  t.notOk(isExact('add', long, tiny, long))
  t.throws(() => calculate('multiply', both(99_999n, 99_999n, decimal(0)), decimal(0)), {
    code: 'invalid_request',
  })
})

t.test('terms that decide spare the others', async (t) => {
  const quotient: Expression = {
    kind: 'arithmetic',
    operator: 'divide',
    type: long,
    left: constant(long, 1n),
    right: column(long),
  }
  const large = compare('>', quotient, constant(long, 0n))
  t.equal(of(and([compare('<>', column(long), constant(long, 0n)), large]), 0n), false)
  t.throws(() => of(large, 0n), { code: 'invalid_request' })
})
