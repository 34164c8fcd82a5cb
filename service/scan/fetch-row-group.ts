import { mapAhead } from '../catalog/map-ahead.ts'
import type { Column } from '../arrow/column.ts'
import type { RowGroupPlan } from '../decode/decoder.ts'
import type { ObjectStore, ObjectVersion } from '../objects/object-store.ts'
import { readData } from './read-data.ts'
import type { ReadBuffers } from './read-buffers.ts'
import type { BytesAtHand, ScanPiece } from './scan-job.ts'
import type { SharedReads } from './shared-reads.ts'
import type { ScanReceipt } from './scan-receipt.ts'

/** A piece with its bytes in place. */
export interface FetchedPiece {
  readonly piece: ScanPiece
  /** Exactly the plan's `bufferBytes`; empty when there is no plan. */
  readonly buffer: Uint8Array
  /** Columns that are decoded already; those of the plan come after them. Absent: none. */
  readonly early?: readonly Column[]
  /** Gives the buffer back. */
  release(): void
}

/** Ranges of one row group that are read at the same time. */
const RANGES_AHEAD = 8

export interface FetchParts {
  readonly store: ObjectStore
  readonly buffers: ReadBuffers
  readonly receipt: ScanReceipt
  readonly shared: SharedReads
}

/**
 * Reads the ranges that a piece's plan names, each straight into its place.
 *
 * @throws {GatewayError} what the store throws.
 */
export async function fetchRowGroup(
  piece: ScanPiece,
  parts: FetchParts,
  signal: AbortSignal,
): Promise<FetchedPiece> {
  const { plan, atHand } = piece
  if (plan === undefined) return { piece, buffer: new Uint8Array(0), release() {} }
  if (atHand === undefined)
    parts.receipt.wastedBytes += plan.wastedBytes + (piece.shared?.wastedBytes ?? 0)
  if (atHand?.isAsked === true) await confirm(piece.object, atHand, { parts, signal })
  const lent = parts.buffers.take(plan.bufferBytes)
  const buffer = lent.bytes
  clearGaps(plan, buffer)
  buffer.set(plan.tail, plan.tailAt)
  const read = async ({ start, end, at }: RowGroupPlan['fetches'][number], abort: AbortSignal) => {
    const into = buffer.subarray(at, at + end - start)
    if (atHand !== undefined) {
      into.set(atHand.bytes.subarray(start - atHand.start, end - atHand.start))
      parts.receipt.cachedBytes += end - start
      return
    }
    const shared = await parts.shared.read(piece, { start, end }, abort)
    if (shared !== undefined) return into.set(shared)
    await readData(parts, { object: piece.object, range: { start, end }, into }, abort)
  }
  const reads: Promise<void>[] = []
  const begin = (fetch: RowGroupPlan['fetches'][number], abort: AbortSignal) => {
    const reading = read(fetch, abort)
    reads.push(reading)
    return reading
  }
  try {
    for await (const _ of mapAhead(plan.fetches, RANGES_AHEAD, begin, signal));
  } catch (error) {
    // Others may write to the buffer until they have failed too.
    void Promise.allSettled(reads).then(() => lent.release())
    throw error
  }
  return { piece, buffer, release: () => lent.release() }
}

/** Asks the store for a byte, so that a file that was replaced or deleted is told as changed; a pinned version cannot be. */
async function confirm(
  object: ObjectVersion,
  { start, bytes }: BytesAtHand,
  { parts, signal }: { readonly parts: FetchParts; readonly signal: AbortSignal },
): Promise<void> {
  if (object.versionId !== undefined || bytes.length === 0) return
  await readData(parts, { object, range: { start, end: start + 1 }, fresh: true }, signal)
}

/** Zeroes what no read fills: a buffer used before may hold another table's bytes. */
function clearGaps(plan: RowGroupPlan, buffer: Uint8Array): void {
  let end = 0
  for (const fetch of plan.fetches.toSorted((a, b) => a.at - b.at)) {
    if (fetch.at > end) buffer.fill(0, end, fetch.at)
    end = Math.max(end, fetch.at + fetch.end - fetch.start)
  }
  if (plan.tailAt > end) buffer.fill(0, end, plan.tailAt)
}
