import type { PhysicalType, RawStatistics } from './footer.ts'
import { STOP, type ThriftReader } from './thrift-reader.ts'

/** Reads parquet.thrift's `Statistics`; undefined when they say nothing. */
export function readStatistics(
  reader: ThriftReader,
  physicalType: PhysicalType,
): RawStatistics | undefined {
  let min: Uint8Array | undefined
  let max: Uint8Array | undefined
  let oldMin: Uint8Array | undefined
  let oldMax: Uint8Array | undefined
  let nullCount: number | undefined
  // Writers before the flags existed may have cut long byte arrays; other types cannot be cut.
  let minExact = physicalType !== 'byte_array' && physicalType !== 'fixed_len_byte_array'
  let maxExact = minExact
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) oldMax = reader.binary()
    else if (id === 2) oldMin = reader.binary()
    else if (id === 3) nullCount = reader.integer()
    else if (id === 5) max = reader.binary()
    else if (id === 6) min = reader.binary()
    else if (id === 7) maxExact = reader.boolean()
    else if (id === 8) minExact = reader.boolean()
    else reader.skip()
  }
  const deprecated = min === undefined && max === undefined
  const bounds = deprecated ? { min: oldMin, max: oldMax } : { min, max }
  if (bounds.min === undefined && bounds.max === undefined && nullCount === undefined)
    return undefined
  return {
    ...(bounds.min === undefined ? {} : { min: bounds.min }),
    ...(bounds.max === undefined ? {} : { max: bounds.max }),
    ...(nullCount === undefined ? {} : { nullCount }),
    minExact,
    maxExact,
    deprecated: deprecated && (oldMin !== undefined || oldMax !== undefined),
  }
}
