import { GatewayError } from '../errors.ts'
import type { RowRange } from '../decode/row-selection.ts'
import { bloomHash, readBloomFilter } from '../footers/bloom-filter.ts'
import type { ColumnChunk, Footer } from '../footers/footer.ts'
import type { IndexAnswer, IndexSource } from '../footers/index-cache.ts'
import { readColumnIndex, readOffsetIndex } from '../footers/page-index.ts'
import { ThriftReader } from '../footers/thrift-reader.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import type { ObjectVersion, ReadPurpose } from '../objects/object-store.ts'
import { pointValues } from '../planning/point-values.ts'
import type { RowGroupPlace } from '../planning/prune.ts'
import { boundedColumns, type IndexedPages, pruneRows } from '../planning/prune-pages.ts'
import { countRows } from '../decode/row-selection.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { PruningCounts } from './scan-receipt.ts'

/** When indexes are worth their bytes. */
export interface PruningLimits {
  /** What is read at most must be so much more than what has to be fetched of the page index first. */
  readonly indexGainBytesMin: number
  /** What is read at most must be so many times what has to be fetched of bloom filters first. */
  readonly bloomGainMin: number
  /** Indexes that are fetched before the first of their row groups is read. */
  readonly batchBytesMax: number
  /** What is read at most must be so many times a dictionary that is read first. */
  readonly dictionaryGainMin: number
  /** Columns that the filter does not look at wait for it when they take so many bytes or more. */
  readonly lateBytesMin: number
}

/**
 * Prices are those of `test/bench/request-price.bench.ts`. A gap of 256 KiB is passed over rather than read (see
 * COALESCE_GAP_BYTES), so a page index must save more than that. Late columns take a second wait: a request, which is
 * as long as 1 MiB. What is asked first costs its bytes for certain and saves the rest by chance: a bloom filter is
 * for values that are seldom there, and pays when it drops every second row group; a dictionary is of columns of few
 * values, most of which are in most row groups, and pays when it drops every eighth. With these, none of the ten
 * queries of `test/bench/selective.bench.ts` reads more than the best peer, and those with pages at most half.
 */
export const pruningLimits: PruningLimits = {
  indexGainBytesMin: 256 * 1024,
  bloomGainMin: 2,
  batchBytesMax: 4 * 1024 * 1024,
  dictionaryGainMin: 8,
  lateBytesMin: 1024 * 1024,
}

/** A row group in which statistics leave rows that may match. */
export interface GroupToPrune {
  readonly groupIndex: number
  /** Top-level columns that are read of it. */
  readonly columnIndexes: readonly number[]
  /** Of those, the ones that may wait until rows are chosen. */
  readonly lateColumnIndexes: readonly number[]
  /** Terms that are to be asked of its rows. */
  readonly terms: readonly Predicate[]
}

/** The same with what indexes tell. */
export interface PrunedGroup<Group> {
  readonly group: Group
  /** Rows that may match; absent: all, or there is no index worth reading. */
  readonly rows?: readonly RowRange[]
  /** Pages of the leaves whose offset index was read. */
  readonly pagesOf?: (leafIndex: number) => IndexedPages['locations'] | undefined
}

export interface FileToPrune extends Omit<RowGroupPlace, 'groupIndex'> {
  readonly object: ObjectVersion
  readonly indexes: IndexSource
  readonly limits: PruningLimits
  readonly counts: PruningCounts
}

/**
 * Leaves out row groups and rows in which indexes rule a match out. Indexes of several row groups are fetched
 * together. An index that is damaged or contradicts itself counts as absent.
 *
 * @throws {GatewayError} what the store throws.
 */
export async function* pruneGroups<Group extends GroupToPrune>(
  file: FileToPrune,
  groups: readonly Group[],
  signal: AbortSignal,
): AsyncGenerator<PrunedGroup<Group>, void, undefined> {
  const wanted = groups.map((group) => ({ group, ranges: indexRanges(file, group) }))
  for (const batch of batches(wanted, file.limits.batchBytesMax)) {
    const paged = await prunePages(file, batch, signal)
    yield* await probeBlooms(file, paged, signal)
  }
}

interface Wanted<Group> {
  readonly group: Group
  readonly ranges: readonly ByteRange[]
}

/** In order, each of no more bytes than that or of one row group. */
function* batches<Group>(
  wanted: readonly Wanted<Group>[],
  bytesMax: number,
): Generator<readonly Wanted<Group>[]> {
  let batch: Wanted<Group>[] = []
  let bytes = 0
  for (const one of wanted) {
    const added = bytesOf(one.ranges)
    if (batch.length > 0 && bytes + added > bytesMax) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(one)
    bytes += added
  }
  if (batch.length > 0) yield batch
}

/** Of the page index, what the row group's read would need; nothing when that is not worth it. */
function indexRanges(file: FileToPrune, group: GroupToPrune): readonly ByteRange[] {
  const bounded = boundedLeaves(file, group).filter((leaf) => hasIndex(chunkOf(file, group, leaf)))
  const lateBytes = dataBytes(file, { ...group, columnIndexes: group.lateColumnIndexes })
  if (bounded.length === 0 && lateBytes < file.limits.lateBytesMin) return []
  const columnIndexes = bounded.map((leaf) => columnIndexRange(chunkOf(file, group, leaf)))
  const offsetIndexes = [...new Set([...bounded, ...leavesOf(file.footer, group)])]
    .map((leaf) => offsetIndexRange(chunkOf(file, group, leaf)))
    .filter(({ start, end }) => end > start)
  const ranges = [...columnIndexes, ...offsetIndexes]
  const lacking = file.indexes.lackingBytes({ object: file.object, ranges })
  const bytesMax = bounded.length === 0 ? lateBytes : dataBytes(file, group)
  const isWorthIt = bytesMax >= lacking + file.limits.indexGainBytesMin
  return lacking === 0 || isWorthIt ? ranges : []
}

function boundedLeaves(file: FileToPrune, { terms }: GroupToPrune): readonly number[] {
  const leaves = terms.flatMap((term) => boundedColumns(term, file).map((one) => one.leafIndex))
  return [...new Set(leaves)]
}

function hasIndex({ columnIndexBytes, offsetIndexBytes }: ColumnChunk): boolean {
  return columnIndexBytes > 0 && offsetIndexBytes > 0
}

function chunkOf({ footer }: FileToPrune, group: GroupToPrune, leafIndex: number): ColumnChunk {
  return footer.chunk(group.groupIndex, leafIndex)
}

function columnIndexRange({ columnIndexOffset, columnIndexBytes }: ColumnChunk): ByteRange {
  return { start: columnIndexOffset, end: columnIndexOffset + columnIndexBytes }
}

function offsetIndexRange({ offsetIndexOffset, offsetIndexBytes }: ColumnChunk): ByteRange {
  return { start: offsetIndexOffset, end: offsetIndexOffset + offsetIndexBytes }
}

function leavesOf({ columns }: Footer, { columnIndexes }: GroupToPrune): readonly number[] {
  return columnIndexes.flatMap((index) => {
    const { leafStart = 0, leafEnd = 0 } = columns[index] ?? {}
    return Array.from({ length: leafEnd - leafStart }, (_, at) => leafStart + at)
  })
}

function dataBytes(file: FileToPrune, group: GroupToPrune): number {
  return bytesOf(leavesOf(file.footer, group).map((leaf) => chunkOf(file, group, leaf)))
}

function bytesOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

async function prunePages<Group extends GroupToPrune>(
  file: FileToPrune,
  batch: readonly Wanted<Group>[],
  signal: AbortSignal,
): Promise<readonly PrunedGroup<Group>[]> {
  const partAt = await readParts(file, { parts: batch, purpose: 'index' }, signal)
  return batch.flatMap(({ group, ranges }): PrunedGroup<Group>[] => {
    if (ranges.length === 0) return [{ group }]
    const locationsOf = memo((leaf: number) => readLocations(file, group, leaf, partAt))
    const indexedOf = (leaf: number) => readPages(file, group, leaf, { partAt, locationsOf })
    const { groupIndex } = group
    const { rowCount } = file.footer.rowGroup(groupIndex)
    const rows = pruneRows(group.terms, { ...file, groupIndex }, memo(indexedOf))
    const left = countRows(rows)
    file.counts.rowsDroppedByPageIndex += rowCount - left
    if (left === 0) file.counts.rowGroupsDroppedByPageIndex += 1
    if (left === 0) return []
    return [{ group, ...(left < rowCount && { rows }), pagesOf: locationsOf }]
  })
}

/** The bytes of a range that was asked for. */
type PartAt = (range: ByteRange) => Uint8Array | undefined

interface PartsRequest {
  readonly parts: readonly { readonly ranges: readonly ByteRange[] }[]
  readonly purpose: ReadPurpose
}

async function readParts(
  { object, indexes, counts }: FileToPrune,
  { parts, purpose }: PartsRequest,
  signal: AbortSignal,
): Promise<PartAt> {
  const ranges = parts.flatMap((part) => part.ranges)
  if (ranges.length === 0) return () => undefined
  const answer: IndexAnswer = await indexes.read({ object, ranges, purpose }, signal)
  counts.wastedBytes += answer.wastedBytes
  const places = new Map(ranges.map(({ start, end }, at) => [`${start}-${end}`, answer.parts[at]]))
  return ({ start, end }) => places.get(`${start}-${end}`)
}

function readLocations(
  file: FileToPrune,
  group: GroupToPrune,
  leafIndex: number,
  partAt: PartAt,
): IndexedPages['locations'] | undefined {
  const chunk = chunkOf(file, group, leafIndex)
  const bytes = partAt(offsetIndexRange(chunk))
  const { rowCount } = file.footer.rowGroup(group.groupIndex)
  return bytes && readIfSound(bytes, (reader) => readOffsetIndex(reader, chunk, rowCount))
}

function readPages(
  file: FileToPrune,
  group: GroupToPrune,
  leafIndex: number,
  known: {
    readonly partAt: PartAt
    readonly locationsOf: (leafIndex: number) => IndexedPages['locations'] | undefined
  },
): IndexedPages | undefined {
  const locations = known.locationsOf(leafIndex)
  const bytes = known.partAt(columnIndexRange(chunkOf(file, group, leafIndex)))
  if (locations === undefined || bytes === undefined) return undefined
  const bounds = readIfSound(bytes, (reader) => readColumnIndex(reader, locations.length))
  return bounds && { locations, bounds }
}

/** Undefined for what is damaged: it could only have saved work. */
function readIfSound<T>(bytes: Uint8Array, read: (reader: ThriftReader) => T): T | undefined {
  try {
    return read(new ThriftReader(bytes, 0, failDamaged))
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

function failDamaged(what: string): never {
  throw new GatewayError('unreadable_file', `a damaged index: ${what}`)
}

function memo<T>(make: (leafIndex: number) => T): (leafIndex: number) => T {
  const made = new Map<number, T>()
  return (leafIndex) => {
    if (!made.has(leafIndex)) made.set(leafIndex, make(leafIndex))
    return made.get(leafIndex) as T
  }
}

/** A look-up in the filter of one chunk: none of the hashes there, no row matches. */
interface Probe {
  readonly range: ByteRange
  readonly hashes: readonly bigint[]
}

async function probeBlooms<Group extends GroupToPrune>(
  file: FileToPrune,
  groups: readonly PrunedGroup<Group>[],
  signal: AbortSignal,
): Promise<readonly PrunedGroup<Group>[]> {
  const probed = groups.map((pruned) => {
    const probes = probesOf(file, pruned)
    return { pruned, probes, ranges: probes.map(({ range }) => range) }
  })
  const partAt = await readParts(file, { parts: probed, purpose: 'bloom' }, signal)
  const kept = probed.filter(({ probes }) => probes.every((probe) => mightHold(probe, partAt)))
  file.counts.rowGroupsDroppedByBloomFilter += probed.length - kept.length
  return kept.map(({ pruned }) => pruned)
}

function probesOf(file: FileToPrune, { group, rows }: PrunedGroup<GroupToPrune>): readonly Probe[] {
  const probes = group.terms.flatMap((term) => probesOfTerm(file, group, term))
  const { rowCount } = file.footer.rowGroup(group.groupIndex)
  const share = rows === undefined ? 1 : countRows(rows) / rowCount
  const ranges = probes.map(({ range }) => range)
  const lacking = file.indexes.lackingBytes({ object: file.object, ranges })
  return lacking * file.limits.bloomGainMin <= dataBytes(file, group) * share ? probes : []
}

function probesOfTerm(file: FileToPrune, group: GroupToPrune, term: Predicate): readonly Probe[] {
  const [column] = term.kind === 'in_domain' ? boundedColumns(term, file) : []
  if (column === undefined) return []
  const { bloomFilterOffset: start, bloomFilterBytes } = chunkOf(file, group, column.leafIndex)
  const values = bloomFilterBytes > 0 ? pointValues(term, column) : undefined
  if (values === undefined) return []
  return [{ range: { start, end: start + bloomFilterBytes }, hashes: values.map(bloomHash) }]
}

function mightHold({ range, hashes }: Probe, partAt: PartAt): boolean {
  const bytes = partAt(range)
  const filter = bytes && readIfSound(bytes, readBloomFilter)
  return filter === undefined || hashes.some((hash) => filter.mightContain(hash))
}
