import { type ByteRange, rangeLength } from '../objects/byte-range.ts'
import { coalesceRanges } from '../objects/coalesce-ranges.ts'
import type { ScanPiece } from './scan-job.ts'

/**
 * Row groups that are together smaller than this share their reads. A request takes as long as 1 MiB
 * (`test/bench/request-price.bench.ts`): of four times that it is a fifth, and the first rows wait for all of it.
 */
export const SHARED_BYTES_MAX = 4 * 1024 * 1024

/**
 * Less than within a row group: where few columns of many are read, the gaps of all row groups add up. One request
 * over gaps of 64 KiB takes a fifth of the time of eight (the same benchmark).
 */
const SHARED_GAP_BYTES_MAX = 64 * 1024

/** Row groups that share reads: 1,000 of a few kilobytes are planned at once. */
const SHARED_PIECES_MAX = 1_000

/** Lets pieces of one file that lie close together share their reads. They come in their order. */
export async function* shareReads(
  pieces: AsyncIterable<ScanPiece>,
  bytesMax = SHARED_BYTES_MAX,
): AsyncGenerator<ScanPiece, void, undefined> {
  let group: ScanPiece[] = []
  let bytes = 0
  for await (const piece of pieces) {
    const added = bytesOf(piece.plan?.fetches ?? [])
    if (group.length === SHARED_PIECES_MAX || bytes + added > bytesMax) {
      yield* shareAmong(group, bytesMax)
      group = []
      bytes = 0
    }
    group.push(piece)
    bytes += added
  }
  yield* shareAmong(group, bytesMax)
}

function bytesOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, range) => sum + rangeLength(range), 0)
}

/** The same pieces, where that takes fewer requests. */
function shareAmong(pieces: readonly ScanPiece[], bytesMax: number): readonly ScanPiece[] {
  const fetches = pieces.flatMap(({ plan }) => plan?.fetches ?? [])
  const limits = { gapBytesMax: SHARED_GAP_BYTES_MAX, runBytesMax: bytesMax }
  const runs = coalesceRanges(fetches, limits)
  if (runs.length >= fetches.length) return pieces
  const [start = 0] = runs.map((run) => run.start)
  const wasted = bytesOf(runs) - bytesOf(fetches)
  return pieces.map((piece, index) => {
    const own = piece.plan?.fetches ?? []
    const isOwn = (run: ByteRange) =>
      own.some((one) => run.start <= one.start && one.end <= run.end)
    return {
      ...piece,
      shared: { start, runs: runs.filter(isOwn), wastedBytes: index === 0 ? wasted : 0 },
    }
  })
}
