import type { ReadAheadLimits } from './read-ahead.ts'

/** Bounds of one worker and of its scans. */
export interface ScanLimits {
  /** Memory for frames, shared by the worker's scans. It is touched only as far as it is needed. */
  readonly memoryBytes: number
  /** Frames of one scan that are written and not yet given back. */
  readonly framesOutstandingMax: number
  readonly readAhead: ReadAheadLimits
  /** Decoded rows that wait for slow readers while others decode; all scans of a worker together. */
  readonly parkedBytesMax: number
  /** Read buffers a worker keeps for later. */
  readonly bufferBytesKept: number
  /** Fetched bytes that a worker keeps for who reads them again; beside the budget of scans. */
  readonly byteCacheBytes: number
  /** Memory for the pages of open row groups, shared by the worker's scans. */
  readonly roomBytes: number
  /** Memory of its decoders that a worker may keep: it never gets smaller, so who has more is replaced. */
  readonly heldBytesMax: number
  /** Row groups a scan is told of before it asks for more. */
  readonly piecesAheadMax: number
  /** Files of a scan whose footers are read ahead. */
  readonly filesAheadMax: number
}

const MIB = 1024 * 1024

/**
 * Two row groups ahead hide 5 to 20 ms of latency; more than four frames outstanding are slower, as they fall out of
 * the processor's cache. The memory holds four blocks of 16 MiB for each of four scans.
 */
export const scanLimits: ScanLimits = {
  memoryBytes: 256 * MIB,
  framesOutstandingMax: 4,
  readAhead: { countMax: 3, bytesMax: 128 * MIB },
  parkedBytesMax: 256 * MIB,
  bufferBytesKept: 128 * MIB,
  byteCacheBytes: 256 * MIB,
  roomBytes: 128 * MIB,
  heldBytesMax: 512 * MIB,
  piecesAheadMax: 4,
  filesAheadMax: 8,
}
