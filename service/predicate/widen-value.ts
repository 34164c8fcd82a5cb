import assert from 'node:assert'
import type { ArrowType } from '../arrow/arrow-type.ts'
import { formatDecimal } from '../arrow/cast-decimal.ts'
import type { Value } from './value.ts'
import { stepOf } from './value-family.ts'

/**
 * A value in a type of the same family with steps as fine or finer, where it may be more than the type holds; a number
 * as the nearest float.
 */
export function widenValue(value: Value, from: ArrowType, to: ArrowType): Value {
  if (to.kind === 'float') {
    const scale = from.kind === 'decimal' ? from.scale : 0
    const float = typeof value === 'bigint' ? Number(formatDecimal(value, scale)) : Number(value)
    return to.bitWidth === 32 ? Math.fround(float) : float
  }
  assert(typeof value === 'bigint', `no steps of ${from.kind}`)
  const [coarse, fine] = [stepOf(from), stepOf(to)]
  return (value * coarse.over * fine.under) / (coarse.under * fine.over)
}
