import type { PhysicalType, RawStatistics } from './footer.ts'
import { STOP, type ThriftReader } from './thrift-reader.ts'

/** Where a value of bytes lies; of a planned table there are tens of thousands, and most are never looked at. */
interface Place {
  start: number
  end: number
}

/** Reads parquet.thrift's `Statistics`; undefined when they say nothing. */
export function readStatistics(
  reader: ThriftReader,
  physicalType: PhysicalType,
): RawStatistics | undefined {
  let min: Place | undefined
  let max: Place | undefined
  let oldMin: Place | undefined
  let oldMax: Place | undefined
  let nullCount: number | undefined
  // Writers before the flags existed may have cut long byte arrays; other types cannot be cut.
  let minExact = physicalType !== 'byte_array' && physicalType !== 'fixed_len_byte_array'
  let maxExact = minExact
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) oldMax = readPlace(reader)
    else if (id === 2) oldMin = readPlace(reader)
    else if (id === 3) nullCount = reader.integer()
    else if (id === 5) max = readPlace(reader)
    else if (id === 6) min = readPlace(reader)
    else if (id === 7) maxExact = reader.boolean()
    else if (id === 8) minExact = reader.boolean()
    else reader.skip()
  }
  const isOld = min === undefined && max === undefined
  const [low, high] = isOld ? [oldMin, oldMax] : [min, max]
  if (low === undefined && high === undefined && nullCount === undefined) return undefined
  const statistics: { -readonly [Member in keyof RawStatistics]: RawStatistics[Member] } = {
    minExact,
    maxExact,
    deprecated: isOld && (low !== undefined || high !== undefined),
  }
  if (low !== undefined) statistics.min = reader.bytes.subarray(low.start, low.end)
  if (high !== undefined) statistics.max = reader.bytes.subarray(high.start, high.end)
  if (nullCount !== undefined) statistics.nullCount = nullCount
  return statistics
}

function readPlace(reader: ThriftReader): Place {
  const length = reader.skipBinary()
  return { start: reader.position - length, end: reader.position }
}
