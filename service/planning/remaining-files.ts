import { hash as digest } from 'node:crypto'
import type { ObjectVersion } from '../objects/object-store.ts'

/**
 * Tells whether two sets of file versions are the same, whatever the order in which they were added: how many
 * there are, and the sum of their hashes modulo 2^64.
 */
export interface FileSum {
  readonly count: number
  readonly sum: bigint
}

/** The files that a plan's later pages must find. */
export interface RemainingFiles {
  readonly total: FileSum
  /** No file that the first page did not see is older than this moment of the store's clock. */
  readonly seenBeforeMs: number
  /** Hashes of the files that are younger, but were seen. */
  readonly young: ReadonlySet<bigint>
}

/** Young files that a continuation carries, 8 bytes each. */
export const YOUNG_FILES_MAX = 4_096

export const emptySum: FileSum = { count: 0, sum: 0n }

/** 64 bits of a hash of key and ETag. */
export function hashFile({ key, etag }: ObjectVersion): bigint {
  return digest('sha256', JSON.stringify([key, etag]), 'buffer').readBigUInt64LE()
}

export function addFile({ count, sum }: FileSum, object: ObjectVersion): FileSum {
  return { count: count + 1, sum: BigInt.asUintN(64, sum + hashFile(object)) }
}

/** The sum of the first set without the second. */
export function subtractFiles(left: FileSum, right: FileSum): FileSum {
  return { count: left.count - right.count, sum: BigInt.asUintN(64, left.sum - right.sum) }
}
