import type { ArrowType } from '../arrow/arrow-type.ts'
import { ticksPerSecond } from './cast-value.ts'
import type { ExactNumber } from './sql-literal.ts'
import { hasOrder, isBytes, isText } from './value.ts'

/**
 * Types whose values can be compared with one another: whole numbers and decimals, floats, moments without a zone,
 * moments with one, times of day, text, bytes and truths.
 */
export type ValueFamily =
  | 'number'
  | 'float'
  | 'local'
  | 'instant'
  | 'time'
  | 'text'
  | 'bytes'
  | 'bool'

/** Undefined of types whose values are in no order. */
export function familyOf(type: ArrowType): ValueFamily | undefined {
  if (!hasOrder(type)) return undefined
  if (isText(type)) return 'text'
  if (isBytes(type)) return 'bytes'
  switch (type.kind) {
    case 'int':
    case 'decimal':
      return 'number'
    case 'float':
    case 'time':
    case 'bool':
      return type.kind
    case 'date':
      return 'local'
    case 'timestamp':
      return type.timezone === null ? 'local' : 'instant'
    default:
      return undefined
  }
}

/**
 * What one step of an integer behind a value is worth, in units of numbers or in seconds, as a fraction; 1 of types
 * that have no such integer.
 */
export function stepOf(type: ArrowType): { readonly over: bigint; readonly under: bigint } {
  switch (type.kind) {
    case 'decimal':
      return type.scale < 0
        ? { over: 10n ** BigInt(-type.scale), under: 1n }
        : { over: 1n, under: 10n ** BigInt(type.scale) }
    case 'date':
      return type.unit === 'day' ? { over: 86_400n, under: 1n } : { over: 1n, under: 1_000n }
    case 'time':
    case 'timestamp':
      return { over: 1n, under: ticksPerSecond[type.unit] }
    default:
      return { over: 1n, under: 1n }
  }
}

/** The greatest integer of a type that is no more than a number, and whether it is the number. */
export function floorIn(
  type: ArrowType,
  { unscaled, scale }: ExactNumber,
): { readonly floor: bigint; readonly isExact: boolean } {
  const { over, under } = stepOf(type)
  const [dividend, divisor] = [unscaled * under, over * 10n ** BigInt(scale)]
  const [quotient, rest] = [dividend / divisor, dividend % divisor]
  return { floor: rest < 0n ? quotient - 1n : quotient, isExact: rest === 0n }
}
