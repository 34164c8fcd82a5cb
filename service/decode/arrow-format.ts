import type { ArrowType, Field, TimeUnit } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'

/** What stands beside a format string in Arrow's C schema. */
export interface FormatContext {
  readonly children: readonly Field[]
  /** ARROW_FLAG_MAP_KEYS_SORTED. */
  readonly keysSorted: boolean
}

const plainTypes = new Map<string, ArrowType>([
  ['n', { kind: 'null' }],
  ['b', { kind: 'bool' }],
  ['c', { kind: 'int', bitWidth: 8, signed: true }],
  ['C', { kind: 'int', bitWidth: 8, signed: false }],
  ['s', { kind: 'int', bitWidth: 16, signed: true }],
  ['S', { kind: 'int', bitWidth: 16, signed: false }],
  ['i', { kind: 'int', bitWidth: 32, signed: true }],
  ['I', { kind: 'int', bitWidth: 32, signed: false }],
  ['l', { kind: 'int', bitWidth: 64, signed: true }],
  ['L', { kind: 'int', bitWidth: 64, signed: false }],
  ['e', { kind: 'float', bitWidth: 16 }],
  ['f', { kind: 'float', bitWidth: 32 }],
  ['g', { kind: 'float', bitWidth: 64 }],
  ['z', { kind: 'binary' }],
  ['Z', { kind: 'large_binary' }],
  ['u', { kind: 'utf8' }],
  ['U', { kind: 'large_utf8' }],
  ['tdD', { kind: 'date', unit: 'day' }],
  ['tdm', { kind: 'date', unit: 'millisecond' }],
  ['tts', { kind: 'time', unit: 'second', bitWidth: 32 }],
  ['ttm', { kind: 'time', unit: 'millisecond', bitWidth: 32 }],
  ['ttu', { kind: 'time', unit: 'microsecond', bitWidth: 64 }],
  ['ttn', { kind: 'time', unit: 'nanosecond', bitWidth: 64 }],
  ['tiM', { kind: 'interval', unit: 'year_month' }],
  ['tiD', { kind: 'interval', unit: 'day_time' }],
  ['tin', { kind: 'interval', unit: 'month_day_nano' }],
])

const units: Readonly<Record<string, TimeUnit>> = {
  s: 'second',
  m: 'millisecond',
  u: 'microsecond',
  n: 'nanosecond',
}

/**
 * The type of a format string of Arrow's C data interface (CDataInterface.rst, "Data type description").
 *
 * @throws {GatewayError} `unsupported` unions, run-end encoding, views: the decoder is not asked for them.
 */
export function typeOfFormat(format: string, context: FormatContext): ArrowType {
  const type = plainTypes.get(format) ?? parametricType(format) ?? nestedType(format, context)
  if (type === undefined) {
    throw new GatewayError('unsupported', `decoded data of arrow format ${format} is not supported`)
  }
  return type
}

function parametricType(format: string): ArrowType | undefined {
  const colon = format.indexOf(':')
  const head = colon === -1 ? format : format.slice(0, colon)
  const rest = colon === -1 ? '' : format.slice(colon + 1)
  const unit = units[head.charAt(2)]
  if (head === 'w') return { kind: 'fixed_size_binary', byteWidth: Number(rest) }
  if (head === 'd') return decimalType(rest)
  if (head.startsWith('ts') && unit !== undefined) {
    return { kind: 'timestamp', unit, timezone: rest === '' ? null : rest }
  }
  if (head.startsWith('tD') && unit !== undefined) return { kind: 'duration', unit }
  return undefined
}

function decimalType(parameters: string): ArrowType | undefined {
  const [precision, scale, bits = 128] = parameters.split(',').map(Number)
  const bitWidth = ([32, 64, 128, 256] as const).find((width) => width === bits)
  if (precision === undefined || scale === undefined || bitWidth === undefined) return undefined
  return { kind: 'decimal', precision, scale, bitWidth }
}

function nestedType(
  format: string,
  { children, keysSorted }: FormatContext,
): ArrowType | undefined {
  if (format === '+s') return { kind: 'struct', children }
  const [child] = children
  if (child === undefined) return undefined
  if (format === '+l') return { kind: 'list', child }
  if (format === '+L') return { kind: 'large_list', child }
  if (format === '+m') return { kind: 'map', entries: child, keysSorted }
  if (format.startsWith('+w:'))
    return { kind: 'fixed_size_list', size: Number(format.slice(3)), child }
  return undefined
}
