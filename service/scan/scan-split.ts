import { mapAhead } from '../catalog/map-ahead.ts'
import type { FooterSource } from '../catalog/describe-files.ts'
import { DECODER_MEMORY_BYTES_MAX } from '../decode/budgets.ts'
import { planRowGroup } from '../decode/mini-file.ts'
import { GatewayError } from '../errors.ts'
import type { Footer } from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { emptyTally, talliedSteps } from '../objects/store-tally.ts'
import type { Split, SplitFile } from '../planning/split.ts'
import type { Frame } from './frame.ts'
import { conjunctsOf, type Predicate } from '../predicate/predicate.ts'
import { type PieceMatch, pieceMatcher } from './filter-match.ts'
import type { ScanPiece, ScanRun, ScanRunner } from './scan-job.ts'
import { scanLimits } from './scan-limits.ts'
import { type ScanReceipt, tallyInReceipt } from './scan-receipt.ts'
import type { ScanRequest } from './scan-request.ts'

/** The decoder holds a row group's bytes and what it makes of them in its own memory. */
const ROW_GROUP_BYTES_MAX = DECODER_MEMORY_BYTES_MAX / 2

/** What a scan works with. */
export interface ScanDeps {
  readonly footers: FooterSource
  readonly runner: ScanRunner
}

/**
 * A split becomes frames: for each file its footer, for each row group a plan of ranged reads; a runner reads,
 * decodes, casts and cuts, in order, no faster than the frames are taken. Leaving the loop early, an error and the
 * signal all end the reads.
 *
 * The answer is made of whole frames and has every row, or ends with an error.
 */
export function scanSplit(request: ScanRequest, deps: ScanDeps, signal: AbortSignal): ScanRun {
  const job = {
    fields: request.columns.map(({ field }) => field),
    frames: request.frames,
    terms: request.predicate === undefined ? [] : conjunctsOf(request.predicate),
    rowLimit: request.rowLimit ?? Infinity,
  }
  const left = new AbortController()
  const both = AbortSignal.any([signal, left.signal])
  const opened = { files: 0 }
  const tally = emptyTally()
  const pieces = planPieces({ request, terms: job.terms, opened }, deps.footers, both)
  const run = deps.runner.run(job, talliedSteps(tally, pieces), both)
  return {
    frames: untilLeft(run.frames, left),
    get receipt(): ScanReceipt {
      return { ...run.receipt, ...tallyInReceipt(tally), files: opened.files }
    },
  }
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
  readonly opened: { files: number }
}

/**
 * The split's row groups that may hold matching rows one by one, until there are surely rows enough. Footers are read
 * ahead.
 */
async function* planPieces(
  { request, terms, opened }: PiecesRequest,
  footers: FooterSource,
  signal: AbortSignal,
): AsyncGenerator<ScanPiece, void, undefined> {
  const { split } = request
  let rowsLeft = request.rowLimit ?? Infinity
  if (rowsLeft === 0) return
  const open = async (file: SplitFile, abort: AbortSignal): Promise<OpenFile> => {
    const object = versionOf(split, file)
    return { file, object, footer: await footers.get(object, abort) }
  }
  for await (const opening of mapAhead(split.files, scanLimits.filesAheadMax, open, signal)) {
    opened.files++
    for (const piece of planFile(request, terms, opening)) {
      yield piece
      if (piece.filter === undefined) rowsLeft -= piece.rowCount
      if (rowsLeft <= 0) return
    }
  }
}

function versionOf({ bucket }: Split, file: SplitFile): ObjectVersion {
  const { key, etag, sizeBytes, versionId } = file
  return { bucket, key, etag, sizeBytes, ...(versionId === undefined ? {} : { versionId }) }
}

function* planFile(
  request: ScanRequest,
  terms: readonly Predicate[],
  { file, object, footer }: OpenFile,
): Generator<ScanPiece> {
  const { start, end } = file.rowGroups
  const name = `${object.bucket}/${object.key}`
  if (end > footer.rowGroupCount) {
    throw new GatewayError(
      'object_changed',
      `${name} has ${footer.rowGroupCount} row groups, the plan was made for ${end}; plan again`,
    )
  }
  const matchPiece = pieceMatcher({ request, terms, footer, object })
  for (let groupIndex = start; groupIndex < end; groupIndex++) {
    const { rowCount } = footer.rowGroup(groupIndex)
    const match = rowCount > 0 ? matchPiece(groupIndex) : undefined
    if (match) yield planPiece({ footer, object, groupIndex, rowCount }, match)
  }
}

interface GroupOfFile {
  readonly footer: Footer
  readonly object: ObjectVersion
  readonly groupIndex: number
  readonly rowCount: number
}

function planPiece(group: GroupOfFile, match: PieceMatch): ScanPiece {
  const { columnIndexes, sources, filter } = match
  const { footer, object, groupIndex, rowCount } = group
  const source = `${object.bucket}/${object.key}, row group ${groupIndex}`
  const piece = { object, source, rowCount, columns: sources, ...(filter && { filter }) }
  if (columnIndexes.length === 0) return piece
  const plan = planRowGroup({ footer, object, groupIndex, columnIndexes })
  if (plan.bufferBytes > ROW_GROUP_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `${source} takes ${plan.bufferBytes} bytes, more than ${ROW_GROUP_BYTES_MAX}; select fewer columns or write smaller row groups`,
    )
  }
  return { ...piece, plan }
}
