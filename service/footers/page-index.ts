import type { ColumnChunk } from './footer.ts'
import { STOP, type ThriftReader } from './thrift-reader.ts'

/** A data page as the offset index tells of it. */
export interface PageLocation {
  /** Of its header, in the file. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** Rows `firstRow` to `endRow` (exclusive) of the row group. */
  readonly firstRow: number
  readonly endRow: number
}

/** What the column index says of a page: raw bytes, to be trusted as little as statistics. */
export interface PageBounds {
  /** True: all its values are null, and the bounds say nothing. */
  readonly isNull: boolean
  readonly min: Uint8Array
  readonly max: Uint8Array
  readonly nullCount?: number
}

/** The columns `ColumnIndex` holds, in a list each. */
interface BoundLists {
  nullPages: boolean[]
  minima: Uint8Array[]
  maxima: Uint8Array[]
  nullCounts: number[] | undefined
}

/**
 * Reads parquet.thrift's `OffsetIndex` of a chunk.
 *
 * @returns undefined when it contradicts the chunk or itself: pages must follow each other without a gap up to the
 *   chunk's end, and rows up to the row group's. What lies before the first page is the dictionary.
 */
export function readOffsetIndex(
  reader: ThriftReader,
  chunk: Pick<ColumnChunk, 'start' | 'end' | 'dataPageOffset'>,
  rowCount: number,
): readonly PageLocation[] | undefined {
  const starts = readLocations(reader)
  const pages = starts.map(({ offset, storedBytes, firstRow }, index) => ({
    start: offset,
    end: offset + storedBytes,
    firstRow,
    endRow: starts[index + 1]?.firstRow ?? rowCount,
  }))
  const [first] = pages
  if (first === undefined || first.firstRow !== 0 || first.start < chunk.dataPageOffset) return
  const isSound = pages.every(({ start, end, firstRow, endRow }, index) => {
    const next = pages[index + 1]
    return start < end && firstRow < endRow && end === (next === undefined ? chunk.end : next.start)
  })
  return isSound ? pages : undefined
}

interface RawLocation {
  readonly offset: number
  /** The header included. */
  readonly storedBytes: number
  readonly firstRow: number
}

function readLocations(reader: ThriftReader): RawLocation[] {
  let locations: RawLocation[] = []
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) {
      locations = Array.from({ length: reader.structs() }, () => readLocation(reader))
    } else reader.skip()
  }
  return locations
}

/** `PageLocation`. */
function readLocation(reader: ThriftReader): RawLocation {
  const location = { offset: -1, storedBytes: -1, firstRow: -1 }
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) location.offset = reader.integer()
    else if (id === 2) location.storedBytes = reader.integer()
    else if (id === 3) location.firstRow = reader.integer()
    else reader.skip()
  }
  return location
}

/**
 * Reads parquet.thrift's `ColumnIndex`. The order of the bounds, which it also names, is not needed.
 *
 * @returns undefined when its lists are not of `pageCount` elements each.
 */
export function readColumnIndex(
  reader: ThriftReader,
  pageCount: number,
): readonly PageBounds[] | undefined {
  const { nullPages, minima, maxima, nullCounts } = readLists(reader)
  const lists = [nullPages, minima, maxima, ...(nullCounts === undefined ? [] : [nullCounts])]
  if (lists.some(({ length }) => length !== pageCount)) return
  return nullPages.map((isNull, page) => {
    const nullCount = nullCounts?.[page]
    return {
      isNull,
      min: minima[page] ?? noBytes,
      max: maxima[page] ?? noBytes,
      ...(nullCount !== undefined && { nullCount }),
    }
  })
}

const noBytes = new Uint8Array()

function readLists(reader: ThriftReader): BoundLists {
  const lists: BoundLists = { nullPages: [], minima: [], maxima: [], nullCounts: undefined }
  const list = <T>(read: () => T): T[] => Array.from({ length: reader.elements() }, read)
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) lists.nullPages = list(() => reader.flagElement())
    else if (id === 2) lists.minima = list(() => reader.binary())
    else if (id === 3) lists.maxima = list(() => reader.binary())
    else if (id === 5) lists.nullCounts = list(() => reader.integer())
    else reader.skip()
  }
  return lists
}
