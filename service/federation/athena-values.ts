import type { Data, DataType, Vector } from 'apache-arrow'
import { tableFromIPC } from 'apache-arrow'
import type { ArrowType } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { Value } from '../predicate/value.ts'

/** Bits of the zone key below the milliseconds in a packed timestamp. */
const ZONE_KEY_BITS = 12n

/** Arrow data inside a constraint, as Athena's JSON carries it. */
export interface BlockJson {
  readonly schema: string
  readonly records: string
}

/** Reads the one column of constraint blocks; equal blocks (low and high of one value) are decoded once. */
export class BlockReader {
  readonly #seen = new Map<string, readonly (Value | null)[]>()

  /**
   * The values of the block's only column, in order.
   *
   * @throws {GatewayError} `invalid_request` the block is not Arrow, or of a type that has no order.
   */
  values(block: BlockJson, type: ArrowType): readonly (Value | null)[] {
    if (block.records === '') return []
    // Records do not tell their type: the same bytes may be a number and a date.
    const key = `${block.schema} ${block.records}`
    const known = this.#seen.get(key)
    if (known) return known
    const values = columnOf(block)
    const read = Array.from({ length: values.length }, (_, row) => valueAt(values, row, type))
    this.#seen.set(key, read)
    return read
  }
}

function columnOf(block: BlockJson): Vector<DataType> {
  try {
    const messages = Buffer.concat([
      Buffer.from(block.schema, 'base64'),
      Buffer.from(block.records, 'base64'),
    ])
    const column = tableFromIPC(messages).getChildAt(0)
    if (column) return column
  } catch (cause) {
    throw new GatewayError('invalid_request', 'a constraint holds a block that is not Arrow', {
      cause,
    })
  }
  throw new GatewayError('invalid_request', 'a constraint holds a block without a column')
}

function valueAt(column: Vector<DataType>, row: number, type: ArrowType): Value | null {
  if (!column.isValid(row)) return null
  if (type.kind === 'date') return BigInt(storedNumber(column, row))
  if (type.kind === 'timestamp') {
    const stored = BigInt(storedNumber(column, row))
    return type.packedZoneKey === undefined ? stored : stored >> ZONE_KEY_BITS
  }
  const value = plainValue(column.get(row), type)
  if (value !== undefined) return value
  throw new GatewayError(
    'invalid_request',
    `a constraint holds a ${type.kind} value that cannot be read`,
  )
}

function plainValue(raw: unknown, type: ArrowType): Value | undefined {
  switch (type.kind) {
    case 'bool':
      return typeof raw === 'boolean' ? raw : undefined
    case 'int':
      return typeof raw === 'number' || typeof raw === 'bigint' ? BigInt(raw) : undefined
    case 'float':
      return typeof raw === 'number' ? raw : undefined
    case 'utf8':
      return typeof raw === 'string' ? Buffer.from(raw, 'utf8') : undefined
    case 'binary':
      return raw instanceof Uint8Array ? raw : undefined
    case 'decimal':
      return raw instanceof Uint32Array ? unscaled(raw) : undefined
    default:
      return undefined
  }
}

/** The integer as stored: apache-arrow's getters turn dates and timestamps into doubles, which packed zones overflow. */
function storedNumber(column: Vector<DataType>, row: number): number | bigint {
  const data: Data<DataType> | undefined = column.data[0]
  const values: unknown = data?.values
  if (values instanceof Int32Array || values instanceof BigInt64Array) {
    const stored = values[row]
    if (stored !== undefined) return stored
  }
  throw new GatewayError('invalid_request', 'a constraint holds a date that cannot be read')
}

function unscaled(words: Uint32Array): bigint {
  let value = 0n
  for (let index = words.length - 1; index >= 0; index -= 1) {
    value = (value << 32n) | BigInt(words[index] ?? 0)
  }
  return BigInt.asIntN(words.length * 32, value)
}
