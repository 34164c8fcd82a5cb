import type { ArrowType } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { Value } from '../predicate/value.ts'
import { isText } from '../predicate/value.ts'
import { parseDate, parseTimestamp } from './parse-temporal.ts'

/** What one `key=value` folder says; null is Hive's name for null. */
export interface PartitionText {
  readonly name: string
  readonly text: string | null
}

/** Hive's folder for rows whose partition value is null or empty. */
const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__'

/**
 * The partition values of a file: the `key=value` folders directly below the table's folder, in their order,
 * %-escapes decoded. The first folder of another form ends them.
 *
 * @throws {GatewayError} `unsupported` one name stands twice.
 */
export function partitionsOf(key: string, prefix: string): readonly PartitionText[] {
  const partitions: PartitionText[] = []
  for (const folder of key.slice(prefix.length).split('/').slice(0, -1)) {
    const equals = folder.indexOf('=')
    if (equals <= 0) break
    const name = unescape(folder.slice(0, equals))
    const text = unescape(folder.slice(equals + 1))
    if (partitions.some((partition) => partition.name === name)) {
      throw new GatewayError(
        'unsupported',
        `"${key}" has two folders "${name}=…"; a partition column may stand once`,
      )
    }
    partitions.push({ name, text: text === NULL_PARTITION ? null : text })
  }
  return partitions
}

function unescape(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What all values of a partition column can be read as, the narrowest first; text can always be. */
export const partitionKinds = ['int32', 'int64', 'date', 'timestamp'] as const
export type PartitionKind = (typeof partitionKinds)[number]

const typeOfKind: Readonly<Record<PartitionKind, ArrowType>> = {
  int32: { kind: 'int', bitWidth: 32, signed: true },
  int64: { kind: 'int', bitWidth: 64, signed: true },
  date: { kind: 'date', unit: 'day' },
  timestamp: { kind: 'timestamp', unit: 'microsecond', timezone: null },
}

/** The kinds that are left after one more value. Start with `partitionKinds`. */
export function narrowKinds(
  kinds: readonly PartitionKind[],
  text: string | null,
): readonly PartitionKind[] {
  if (text === null || kinds.length === 0) return kinds
  return kinds.filter((kind) => parsePartitionValue(text, typeOfKind[kind]) !== undefined)
}

/** The type of a column whose values left these kinds. All of them are left when every value is null. */
export function typeOfKinds(kinds: readonly PartitionKind[]): ArrowType {
  const [kind] = kinds
  return kind === undefined || kinds.length === partitionKinds.length
    ? { kind: 'utf8' }
    : typeOfKind[kind]
}

/** `0`, or digits that do not begin with it: a value with leading zeros is a name, not a number. */
const integerPattern = /^(?:0|-?[1-9]\d{0,18})$/

/**
 * A partition value in a type of integer, date, timestamp without zone, or text; undefined when it cannot be
 * read so. A date of milliseconds takes date and time, as that is how Athena sees timestamps.
 */
export function parsePartitionValue(
  text: string | null,
  type: ArrowType,
): Value | null | undefined {
  if (text === null) return null
  if (isText(type)) return Buffer.from(text, 'utf8')
  switch (type.kind) {
    case 'int': {
      if (!type.signed || !integerPattern.test(text)) return undefined
      const value = BigInt(text)
      return value === BigInt.asIntN(type.bitWidth, value) ? value : undefined
    }
    case 'date':
      return type.unit === 'day' ? parseDate(text) : parseTimestamp(text, 'millisecond')
    case 'timestamp':
      return type.timezone === null ? parseTimestamp(text, type.unit) : undefined
    default:
      return undefined
  }
}
