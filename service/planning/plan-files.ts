import type { FooterSource } from '../catalog/describe-files.ts'
import type { TableFile } from '../catalog/file-lister.ts'
import { mapAhead } from '../catalog/map-ahead.ts'
import type { PartitionText } from '../catalog/partitions.ts'
import { partitionsOf } from '../catalog/partitions.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { Predicate } from '../predicate/predicate.ts'
import type { PlanPosition } from './continuation.ts'
import type { PlanListing } from './plan-listing.ts'
import type { PrunedFile } from './prune.ts'
import { partitionVerdict, pruneRowGroups } from './prune.ts'

/** Files between two that may hold matching rows. */
export interface PassedFiles {
  readonly laterCount: number
  /** Ruled out by their partition. */
  readonly droppedCount: number
  readonly droppedBytes: number
}

/** A file that may hold matching rows, and what of it may. */
export interface FoundFile {
  readonly object: ObjectVersion
  readonly pruned: PrunedFile
  /** More than 0: a page before this one began with the file. */
  readonly groupStart: number
}

/** A step through the table's files in key order. */
export interface PlanStep {
  readonly passed: PassedFiles
  /** Absent in the last step. */
  readonly found?: FoundFile
}

export interface PlanFilesOptions {
  readonly listing: PlanListing
  readonly footers: FooterSource
  readonly predicate: Predicate
  readonly prefix: string
  /** Absent: from the beginning. */
  readonly position: PlanPosition | undefined
  readonly footersAheadMax: number
}

/** The table's files in key order, their footers fetched ahead; partitions are ruled out before that. */
export function planFiles(
  options: PlanFilesOptions,
  signal: AbortSignal,
): AsyncGenerator<PlanStep> {
  const { footers, predicate, footersAheadMax } = options
  const find = async ({ passed, candidate }: Candidacy, both: AbortSignal): Promise<PlanStep> => {
    if (!candidate) return { passed }
    const { object, partitions, groupStart } = candidate
    const footer = await footers.get(object, both)
    const pruned = pruneRowGroups(predicate, footer, partitions)
    return { passed, found: { object: footers.pin?.(object) ?? object, pruned, groupStart } }
  }
  return mapAhead(candidates(options, signal), footersAheadMax, find, signal)
}

interface Candidate {
  readonly object: ObjectVersion
  readonly partitions: readonly PartitionText[]
  readonly groupStart: number
}

interface Candidacy {
  readonly passed: PassedFiles
  readonly candidate?: Candidate
}

const nonePassed: PassedFiles = { laterCount: 0, droppedCount: 0, droppedBytes: 0 }

async function* candidates(
  { listing, predicate, prefix, position }: PlanFilesOptions,
  signal: AbortSignal,
): AsyncGenerator<Candidacy> {
  const openFile = position?.openFile
  if (openFile) {
    const partitions = partitionsOf(openFile.object.key, prefix)
    yield { passed: nonePassed, candidate: { ...openFile, partitions } }
  }
  let passed = nonePassed
  for await (const { file, isLater } of listing.files(position?.afterKey, signal)) {
    if (isLater) {
      passed = { ...passed, laterCount: passed.laterCount + 1 }
    } else if (partitionVerdict(predicate, file.partitions) === 'none') {
      passed = passBy(passed, file)
    } else {
      yield { passed, candidate: { ...file, groupStart: 0 } }
      passed = nonePassed
    }
  }
  yield { passed }
}

function passBy(passed: PassedFiles, { object }: TableFile): PassedFiles {
  return {
    laterCount: passed.laterCount,
    droppedCount: passed.droppedCount + 1,
    droppedBytes: passed.droppedBytes + object.sizeBytes,
  }
}
