import type { Test } from 'tap'
import type { ArrowType, TimeUnit } from '../../service/arrow/arrow-type.ts'
import { canCast, castColumn } from '../../service/arrow/cast.ts'
import { columnOf, int, readColumn, type Value } from './columns.ts'

export const decimal = (
  precision: number,
  scale: number,
  bitWidth: 32 | 64 | 128 | 256 = 128,
): ArrowType => ({ kind: 'decimal', precision, scale, bitWidth })
export const float = (bitWidth: 16 | 32 | 64): ArrowType => ({ kind: 'float', bitWidth })
export const timestamp = (unit: TimeUnit, timezone: string | null = null): ArrowType => ({
  kind: 'timestamp',
  unit,
  timezone,
})
export const packed = (packedZoneKey: number): ArrowType => ({
  kind: 'timestamp',
  unit: 'millisecond',
  timezone: 'UTC',
  packedZoneKey,
})
export const day: ArrowType = { kind: 'date', unit: 'day' }
export const dateMillis: ArrowType = { kind: 'date', unit: 'millisecond' }
export const time = (unit: TimeUnit, bitWidth: 32 | 64): ArrowType => ({
  kind: 'time',
  unit,
  bitWidth,
})
export const binary: ArrowType = { kind: 'binary' }
export const bool: ArrowType = { kind: 'bool' }
export const dictionary = (value: ArrowType, index = int(32)): ArrowType => ({
  kind: 'dictionary',
  index: index as Extract<ArrowType, { kind: 'int' }>,
  value,
  ordered: false,
})

export interface Case {
  readonly from: ArrowType
  readonly to: ArrowType
  readonly values: readonly Value[]
  readonly expected: readonly Value[]
}

/** Every case is tried as it is, with nulls between, and as a slice that begins inside a byte of the bitmap. */
export async function castCases(t: Test, cases: readonly Case[]): Promise<void> {
  for (const { from, to, values, expected } of cases) {
    const name = `${JSON.stringify(from)} to ${JSON.stringify(to)}`
    t.ok(canCast(from, to), name)
    t.strictSame(readColumn(castColumn(columnOf(from, values), to)), expected, name)
    const holes = values.flatMap((value) => [null, value])
    const expectedHoles = expected.flatMap((value) => [null, value])
    for (const before of [[], values.slice(0, 1), [null, null, ...values, null]]) {
      const column = columnOf(from, holes, before)
      const result = castColumn(column, to)
      t.strictSame(readColumn(result), expectedHoles, `${name} with nulls, from ${before.length}`)
      t.equal(
        result.nullCount,
        expectedHoles.filter((value) => value === null).length,
        `${name} counts its nulls`,
      )
    }
  }
}
