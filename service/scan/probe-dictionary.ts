import type { Column } from '../arrow/column.ts'
import type { RowGroupPlan } from '../decode/decoder.ts'
import { readPageHeader } from '../decode/page-header.ts'
import { GatewayError } from '../errors.ts'
import { ThriftReader } from '../footers/thrift-reader.ts'
import { rangeLength } from '../objects/byte-range.ts'
import { readData } from './read-data.ts'
import type { ReadParts } from './read-parts.ts'
import type { DictionaryProbe, FilterColumn, ScanPiece } from './scan-job.ts'

/** Entries that are asked at a time. */
const FILTER_ENTRIES = 64 * 1024

/**
 * Whether a row of the piece may match, by the entries of one dictionary; null may be there too. A dictionary that
 * cannot be read says nothing: whoever reads the column will tell what is wrong with it.
 *
 * @throws {GatewayError} what the store throws.
 */
export async function mightMatch(
  piece: ScanPiece,
  probe: DictionaryProbe,
  parts: ReadParts,
  signal: AbortSignal,
): Promise<boolean> {
  const { object } = piece
  const { receipt, turn } = parts
  const bytes = await readData(parts, { object, range: probe.range }, signal)
  receipt.dictionaryReads += 1
  receipt.dictionaryBytes += rangeLength(probe.range)
  const endTurn = await turn.acquire(signal)
  try {
    return askEntries(piece, probe, bytes, parts)
  } catch (error) {
    if (error instanceof GatewayError) return true
    throw error
  } finally {
    endTurn()
  }
}

function askEntries(
  piece: ScanPiece,
  { chunk, filter }: DictionaryProbe,
  bytes: Uint8Array,
  parts: ReadParts,
): boolean {
  const plan = planEntries(piece, chunk, bytes)
  const entries = { object: piece.object, source: piece.source, columns: [], filter }
  const nulls = { ...entries, filter: { ...filter, columns: filter.columns.map(asNull) } }
  const ofNull = { piece: { ...nulls, rowCount: 1 }, decoded: [], start: 0, rowCount: 1 }
  if (isAnyLeft(parts.filter.select(ofNull))) return true
  const decoded = parts.decode({ ...entries, rowCount: plan.rowCount }, plan, bytes)
  try {
    return isAnyEntryLeft({ ...entries, rowCount: plan.rowCount }, decoded.columns, parts)
  } finally {
    decoded.release()
  }
}

function isAnyEntryLeft(
  piece: ScanPiece,
  decoded: readonly Column[],
  { filter }: ReadParts,
): boolean {
  for (let start = 0; start < piece.rowCount; start += FILTER_ENTRIES) {
    const rowCount = Math.min(FILTER_ENTRIES, piece.rowCount - start)
    if (isAnyLeft(filter.select({ piece, decoded, start, rowCount }))) return true
  }
  return false
}

function isAnyLeft(rows: Int32Array | undefined): boolean {
  return rows === undefined || rows.length > 0
}

function asNull(column: FilterColumn): FilterColumn {
  return { ...column, source: { kind: 'constant', value: null } }
}

/** The dictionary as a column of its entries. */
function planEntries(
  { source }: ScanPiece,
  chunk: DictionaryProbe['chunk'],
  bytes: Uint8Array,
): RowGroupPlan {
  const header = new ThriftReader(bytes, 0, (what) => {
    throw new GatewayError('unreadable_file', `${source} is damaged: ${what}`)
  })
  const { valueCount, uncompressedBytes } = readPageHeader(header)
  const rows = { start: 0, end: valueCount }
  const pages = [{ start: 0, end: bytes.length, rows }]
  const own = { start: 0, end: 0, valueCount, isOptional: false, isDictionary: true }
  return {
    source,
    rowCount: valueCount,
    selection: { rows: valueCount === 0 ? [] : [rows], chunks: [{ ...chunk, ...own, pages }] },
    columnNames: [chunk.name],
    fetches: [],
    wastedBytes: 0,
    bufferBytes: bytes.length,
    tail: new Uint8Array(),
    tailAt: bytes.length,
    decodedBytesEstimate: uncompressedBytes,
  }
}
