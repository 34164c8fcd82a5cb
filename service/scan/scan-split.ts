import { mapAhead } from '../catalog/map-ahead.ts'
import type { FooterSource } from '../catalog/describe-files.ts'
import { DECODER_MEMORY_BYTES_MAX } from '../decode/budgets.ts'
import { countRows } from '../decode/row-selection.ts'
import { partitionsOf } from '../catalog/partitions.ts'
import type { IndexSource } from '../footers/index-cache.ts'
import { GatewayError } from '../errors.ts'
import type { Footer } from '../footers/footer.ts'
import type { SmallFileSource } from '../footers/small-files.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { emptyTally, talliedSteps } from '../objects/store-tally.ts'
import type { Split, SplitFile } from '../planning/split.ts'
import type { Frame } from './frame.ts'
import { conjunctsOf, type Predicate } from '../predicate/predicate.ts'
import { type FileToMatch, type PieceMatch, pieceMatcher } from './filter-match.ts'
import {
  type GroupToPrune,
  type PrunedGroup,
  pruneGroups,
  type PruningLimits,
  pruningLimits,
} from './prune-groups.ts'
import type { ScanPiece, ScanRun, ScanRunner } from './scan-job.ts'
import { dictionaryProbes } from './dictionary-probes.ts'
import { lateColumnIndexes, planRead } from './late-columns.ts'
import { shareReads } from './share-reads.ts'
import { scanLimits } from './scan-limits.ts'
import { addReceipt, emptyReceipt, type ScanReceipt, tallyInReceipt } from './scan-receipt.ts'
import type { ScanRequest } from './scan-request.ts'
import { topOrderOf } from './top-rows.ts'

/** The decoder holds a row group's bytes and what it makes of them in its own memory. */
const ROW_GROUP_BYTES_MAX = DECODER_MEMORY_BYTES_MAX / 2

/** What a scan works with. */
export interface ScanDeps {
  readonly footers: FooterSource
  readonly runner: ScanRunner
  /** Page indexes and bloom filters; absent: row groups are read whole and at once, whatever the filter. */
  readonly indexes?: IndexSource
  readonly pruning?: Partial<PruningLimits>
  /** Files that are here already; absent: none are. */
  readonly smallFiles?: SmallFileSource
}

/**
 * A split becomes frames: for each file its footer, for each row group a plan of ranged reads; a runner reads,
 * decodes, casts and cuts, in order, no faster than the frames are taken. Leaving the loop early, an error and the
 * signal all end the reads.
 *
 * The answer is made of whole frames and has every row, or ends with an error.
 */
export function scanSplit(request: ScanRequest, deps: ScanDeps, signal: AbortSignal): ScanRun {
  const top = topOrderOf(request)
  const rowFilter = termsOf(request.rowFilter)
  const job = {
    fields: request.columns.map(({ field }) => field),
    frames: request.frames,
    terms: [...rowFilter, ...termsOf(request.predicate)],
    ...(rowFilter.length > 0 && { rowFilterTerms: rowFilter.length }),
    rowLimit: request.rowLimit ?? Infinity,
    ...(top && { top }),
    ...(request.session && { session: request.session }),
  }
  const left = new AbortController()
  const both = AbortSignal.any([signal, left.signal])
  const counts = emptyReceipt()
  const tally = emptyTally()
  const pieces = planPieces({ request, terms: job.terms, counts }, deps, both)
  const run = deps.runner.run(job, talliedSteps(tally, pieces), both)
  return {
    frames: untilLeft(run.frames, left),
    get receipt(): ScanReceipt {
      const receipt = { ...run.receipt }
      addReceipt(receipt, counts)
      return { ...receipt, ...tallyInReceipt(tally) }
    },
  }
}

function termsOf(predicate: Predicate | undefined): readonly Predicate[] {
  return predicate === undefined ? [] : conjunctsOf(predicate)
}

async function* untilLeft(
  frames: AsyncIterable<Frame>,
  left: AbortController,
): AsyncGenerator<Frame, void, undefined> {
  try {
    yield* frames
  } finally {
    left.abort()
  }
}

/** A file with its footer. */
interface OpenFile {
  readonly file: SplitFile
  readonly object: ObjectVersion
  readonly footer: Footer
}

interface PiecesRequest {
  readonly request: ScanRequest
  readonly terms: readonly Predicate[]
  /** What planning the pieces adds to the scan's receipt. */
  readonly counts: ScanReceipt
}

/**
 * The split's row groups that may hold matching rows one by one, until there are surely rows enough. Footers are read
 * ahead.
 */
async function* planPieces(
  plan: PiecesRequest,
  deps: ScanDeps,
  signal: AbortSignal,
): AsyncGenerator<ScanPiece, void, undefined> {
  const { request, counts } = plan
  const { split } = request
  const left = { rowCount: request.rowLimit ?? Infinity }
  const open = async (file: SplitFile, abort: AbortSignal): Promise<OpenFile> => {
    const object = versionOf(split, file)
    return { file, object, footer: await deps.footers.get(object, abort) }
  }
  if (left.rowCount === 0) return
  for await (const opening of mapAhead(split.files, scanLimits.filesAheadMax, open, signal)) {
    counts.files++
    const pieces = untilEnough(planFile(plan, deps, opening, signal), left)
    const { object } = opening
    const isAsked = deps.smallFiles?.isFresh?.(object) !== true
    const bytes = deps.smallFiles?.get(object)
    yield* bytes === undefined ? shareReads(pieces) : withBytes(pieces, { bytes, isAsked })
    if (left.rowCount <= 0) return
  }
}

/** Each piece with what it reads of the file, in memory of its own: it is sent to another thread. */
async function* withBytes(
  pieces: AsyncIterable<ScanPiece>,
  { bytes, isAsked }: { readonly bytes: Uint8Array; readonly isAsked: boolean },
): AsyncGenerator<ScanPiece, void, undefined> {
  let isFirst = isAsked
  for await (const piece of pieces) {
    const fetches = piece.plan?.fetches ?? []
    const start = Math.min(bytes.length, ...fetches.map((range) => range.start))
    const end = Math.max(start, ...fetches.map((range) => range.end))
    const isHere = end <= bytes.length
    yield isHere
      ? { ...piece, atHand: { start, bytes: bytes.slice(start, end), isAsked: isFirst } }
      : piece
    isFirst = false
  }
}

/** Pieces until there are surely rows enough: those without a filter. */
async function* untilEnough(
  pieces: AsyncIterable<ScanPiece>,
  left: { rowCount: number },
): AsyncGenerator<ScanPiece, void, undefined> {
  for await (const piece of pieces) {
    if (piece.filter === undefined) left.rowCount -= piece.rowCount
    yield piece
    if (left.rowCount <= 0) return
  }
}

function versionOf({ bucket }: Split, file: SplitFile): ObjectVersion {
  const { key, etag, sizeBytes, versionId } = file
  return { bucket, key, etag, sizeBytes, ...(versionId === undefined ? {} : { versionId }) }
}

async function* planFile(
  { request, terms, counts }: PiecesRequest,
  deps: ScanDeps,
  { file, object, footer }: OpenFile,
  signal: AbortSignal,
): AsyncGenerator<ScanPiece, void, undefined> {
  const { start, end } = file.rowGroups
  const name = `${object.bucket}/${object.key}`
  if (end > footer.rowGroupCount) {
    throw new GatewayError(
      'object_changed',
      `${name} has ${footer.rowGroupCount} row groups, the plan was made for ${end}; plan again`,
    )
  }
  const groups = matchedGroups({ request, terms, footer, object }, { start, end })
  const limits = { ...pruningLimits, ...deps.pruning }
  if (deps.indexes === undefined || terms.length === 0) {
    for (const group of groups) yield planPiece({ footer, object }, { group })
    return
  }
  const partitions = partitionsOf(object.key, request.split.prefix)
  const toPrune = { footer, object, partitions, indexes: deps.indexes, limits, counts }
  for await (const pruned of pruneGroups(toPrune, [...groups], signal)) {
    yield planPiece({ footer, object }, pruned, { terms, limits })
  }
}

/** A row group that may hold matching rows, with what is read of it. */
interface MatchedGroup extends GroupToPrune {
  readonly match: PieceMatch
}

function* matchedGroups(
  file: FileToMatch,
  { start, end }: SplitFile['rowGroups'],
): Generator<MatchedGroup> {
  const { footer, terms } = file
  const matchPiece = pieceMatcher(file)
  for (let groupIndex = start; groupIndex < end; groupIndex++) {
    const match = footer.rowGroup(groupIndex).rowCount > 0 ? matchPiece(groupIndex) : undefined
    if (match === undefined) continue
    const { columnIndexes, filter } = match
    const asked = terms.filter((_, index) => filter?.terms.includes(index))
    const late = lateColumnIndexes(match)
    yield { groupIndex, match, columnIndexes, lateColumnIndexes: late, terms: asked }
  }
}

function planPiece(
  { footer, object }: Pick<OpenFile, 'footer' | 'object'>,
  { group, rows, pagesOf }: PrunedGroup<MatchedGroup>,
  filtering?: { readonly terms: readonly Predicate[]; readonly limits: PruningLimits },
): ScanPiece {
  const { groupIndex, match } = group
  const source = `${object.bucket}/${object.key}, row group ${groupIndex}`
  const rowCount = rows === undefined ? footer.rowGroup(groupIndex).rowCount : countRows(rows)
  const layout = { footer, object, groupIndex, ...(pagesOf && { pagesOf }) }
  const read = planRead({
    layout,
    match,
    rows,
    lateBytesMin: filtering?.limits.lateBytesMin ?? Infinity,
  })
  const bufferBytes = (read.plan?.bufferBytes ?? 0) + (read.late?.bufferBytesMax ?? 0)
  if (bufferBytes > ROW_GROUP_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `${source} takes ${bufferBytes} bytes, more than ${ROW_GROUP_BYTES_MAX}; select fewer columns or write smaller row groups`,
    )
  }
  if (filtering === undefined) return { object, source, rowCount, ...read }
  const { terms, limits } = filtering
  const isSmall = bufferBytes < limits.indexGainBytesMin
  const bytesMax = isSmall ? 0 : bufferBytes / limits.dictionaryGainMin
  const dictionaries = dictionaryProbes({ footer, groupIndex, match, terms, bytesMax })
  return { object, source, rowCount, ...read, ...(dictionaries.length > 0 && { dictionaries }) }
}
