import { GatewayError } from '../errors.ts'
import type { ArrowType } from './arrow-type.ts'
import { decimalCast } from './cast-decimal.ts'
import { dictionaryCast } from './cast-dictionary.ts'
import { nestedCast } from './cast-nested.ts'
import { numberCast } from './cast-number.ts'
import { temporalCast } from './cast-temporal.ts'
import { textCast } from './cast-text.ts'
import type { Column } from './column.ts'
import { formatType } from './format-type.ts'
import { nullColumn } from './make-column.ts'
import type { FindCast } from './rebuild-column.ts'
import { sameType } from './same-type.ts'

/**
 * The column in another type that keeps the meaning of every value; the column itself when its type is that
 * already. Buffers that need no change are shared with the source, so the answer lives no longer than it.
 *
 * @throws {GatewayError} `unsupported` there is no such way, or a value does not fit the new type;
 *   `too_large` more than 2 GiB of text; `unreadable_file` values the old type does not allow.
 */
export function castColumn(column: Column, to: ArrowType): Column {
  const cast = findCast(column.type, to)
  if (cast === undefined) {
    throw new GatewayError(
      'unsupported',
      `cannot turn ${formatType(column.type)} into ${formatType(to)}`,
    )
  }
  return cast(column)
}

/** Whether columns of one type can be had as columns of another; single values may still not fit. */
export function canCast(from: ArrowType, to: ArrowType): boolean {
  return findCast(from, to) !== undefined
}

const findCast: FindCast = (from, to) => {
  if (sameType(from, to)) return (column) => column
  if (from.kind === 'null') return (column) => nullColumn(to, column.rowCount)
  return (
    dictionaryCast(from, to, findCast) ??
    numberCast(from, to) ??
    decimalCast(from, to) ??
    temporalCast(from, to) ??
    textCast(from, to) ??
    nestedCast(from, to, findCast)
  )
}
