import type { ArrowType } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { Value } from '../predicate/value.ts'
import { isText } from '../predicate/value.ts'
import { parseFolderDate, parseTimestamp } from './parse-temporal.ts'

/** What one `key=value` folder says; null is Hive's name for null. */
export interface PartitionText {
  readonly name: string
  readonly text: string | null
}

/** Which folders of `key=value` are wanted, told from the values that are known so far. */
export interface FolderFilter {
  /** Names of the columns it looks at. */
  readonly columns: readonly string[]
  /** False: no file below folders of these values is wanted, whatever the folders further down say. */
  mayHold(partitions: readonly PartitionText[]): boolean
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
    const partition = partitionOf(folder)
    if (!partition) break
    const { name } = partition
    if (partitions.some((other) => other.name === name)) {
      throw new GatewayError(
        'unsupported',
        `"${key}" has two folders "${name}=…"; a partition column may stand once`,
      )
    }
    partitions.push(partition)
  }
  return partitions
}

/** What a folder's name says, %-escapes decoded; undefined when it is not `key=value`. */
export function partitionOf(folder: string): PartitionText | undefined {
  const equals = folder.indexOf('=')
  if (equals <= 0) return undefined
  const text = unescape(folder.slice(equals + 1))
  return {
    name: unescape(folder.slice(0, equals)),
    text: text === NULL_PARTITION ? null : text,
  }
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
  return kinds.filter((kind) => isOfKind(text, kind))
}

/** The type of a column whose values left these kinds. All of them are left when every value is null. */
export function typeOfKinds(kinds: readonly PartitionKind[]): ArrowType {
  const [kind] = kinds
  return kind === undefined || kinds.length === partitionKinds.length
    ? { kind: 'utf8' }
    : typeOfKind[kind]
}

/** `0`, or digits that do not begin with it: a value with leading zeros is a name, not a number. */
const plainInteger = /^(?:0|-?[1-9]\d{0,18})$/
const plainDate = /^\d{4}-\d{2}-\d{2}$/

/** Stricter than reading: nobody has said that these are numbers or days. */
function isOfKind(text: string, kind: PartitionKind): boolean {
  if (kind === 'date' && !plainDate.test(text)) return false
  if ((kind === 'int32' || kind === 'int64') && !plainInteger.test(text)) return false
  return parsePartitionValue(text, typeOfKind[kind]) !== undefined
}

const anyInteger = /^-?\d{1,40}$/

/**
 * A partition value in a type of integer, date, timestamp without zone, or text; undefined when it cannot be
 * read so. Integers may have leading zeros, and days the forms of `parseFolderDate`, for a table's declaration may
 * say so. A date of milliseconds takes date and time, as that is how Athena sees timestamps.
 */
export function parsePartitionValue(
  text: string | null,
  type: ArrowType,
): Value | null | undefined {
  if (text === null) return null
  if (isText(type)) return Buffer.from(text, 'utf8')
  switch (type.kind) {
    case 'int': {
      if (!type.signed || !anyInteger.test(text)) return undefined
      const value = BigInt(text)
      return value === BigInt.asIntN(type.bitWidth, value) ? value : undefined
    }
    case 'date':
      return type.unit === 'day' ? parseFolderDate(text) : parseTimestamp(text, 'millisecond')
    case 'timestamp':
      return type.timezone === null ? parseTimestamp(text, type.unit) : undefined
    default:
      return undefined
  }
}
