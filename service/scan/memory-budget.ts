import { totalmem } from 'node:os'
import { constrainedMemory } from 'node:process'
import type { AdmissionLimits } from './admission.ts'
import { type ScanLimits, scanLimits } from './scan-limits.ts'

const MIB = 1024 * 1024

/**
 * Share of the container's memory that scans may use. The rest is for footers and listings, sockets, code, the
 * threads themselves, and for estimates that were too low.
 */
const SCAN_SHARE = 0.5

/** Shares of the budget, all workers together; what is left, at least half, is for row groups in flight. */
const FRAME_SHARE = 0.25
const KEPT_SHARE = 0.125
/** Of bytes that are kept for who reads them again, as much as an eighth of the budget, beside it. */
const CACHE_SHARE = 0.125

/** Frame memory of a worker below this could not hold two of Athena's blocks (16 MiB and a bit). */
const FRAME_BYTES_MIN = 40 * MIB

/** A worker is hired for each of these, no more: beside its shares it costs 30 to 60 MB of thread and code. */
const WORKER_BYTES_MIN = 160 * MIB

/** Of the bytes for row groups, what a single scan may read ahead. */
const READ_AHEAD_SHARE = 0.25

/** How one budget is shared out. */
export interface MemoryShares {
  readonly limits: Pick<
    ScanLimits,
    | 'memoryBytes'
    | 'parkedBytesMax'
    | 'bufferBytesKept'
    | 'byteCacheBytes'
    | 'roomBytes'
    | 'readAhead'
  >
  readonly admission: Pick<AdmissionLimits, 'bytesMax'>
}

/** The budget when nobody sets one: half of what the container, or else the machine, has. */
export function defaultMemoryBytes(): number {
  // Control groups of both versions; without a limit it is 0 or larger than the machine.
  const limit = constrainedMemory() ?? 0
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  return Math.floor(bytes * SCAN_SHARE)
}

/** One core is left to the main thread, which moves the sockets; small memory means few workers. */
export function defaultWorkerCount(coreCount: number, memoryBytes: number): number {
  return Math.max(1, Math.min(coreCount - 1, Math.floor(memoryBytes / WORKER_BYTES_MIN)))
}

/**
 * Frames and kept read buffers get a fixed share for each worker, none more than it can use; row groups in flight
 * (fetched bytes, and what they decode to until it is written) get the rest by admission, all workers together.
 *
 * @param byteCacheBytes of all workers together; default an eighth of the budget, at most 256 MiB
 */
export function shareMemory(
  memoryBytes: number,
  workerCount: number,
  byteCacheBytes = Math.min(memoryBytes * CACHE_SHARE, scanLimits.byteCacheBytes),
): MemoryShares {
  const perWorker = (share: number, most: number) =>
    Math.floor(Math.min((memoryBytes * share) / workerCount, most))
  const frameBytes = Math.max(FRAME_BYTES_MIN, perWorker(FRAME_SHARE, scanLimits.memoryBytes))
  const keptBytes = perWorker(KEPT_SHARE, scanLimits.bufferBytesKept)
  const fixedBytes = workerCount * (frameBytes + keptBytes)
  const rowGroupBytes = Math.floor(Math.max(memoryBytes - fixedBytes, memoryBytes / 2))
  const { countMax, bytesMax } = scanLimits.readAhead
  return {
    limits: {
      memoryBytes: frameBytes,
      // Parked rows are row groups in flight: admission has counted them.
      parkedBytesMax: rowGroupBytes,
      bufferBytesKept: keptBytes,
      byteCacheBytes: Math.floor(byteCacheBytes / workerCount),
      // So are the pages of open row groups.
      roomBytes: Math.floor(Math.min(scanLimits.roomBytes, rowGroupBytes / workerCount)),
      readAhead: {
        countMax,
        bytesMax: Math.floor(Math.min(bytesMax, rowGroupBytes * READ_AHEAD_SHARE)),
      },
    },
    admission: { bytesMax: rowGroupBytes },
  }
}
