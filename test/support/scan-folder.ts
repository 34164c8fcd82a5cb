import type { FooterCache } from '../../service/footers/footer-cache.ts'
import type { ObjectStore } from '../../service/objects/object-store.ts'
import type { Split } from '../../service/planning/split.ts'
import type { FrameLimits } from '../../service/scan/frame.ts'
import type { ScanRunner } from '../../service/scan/scan-job.ts'
import type { ScanColumn } from '../../service/scan/scan-request.ts'
import { scanSplit } from '../../service/scan/scan-split.ts'
import { plainField } from './columns-golden.ts'

export interface FolderToScan {
  readonly store: ObjectStore
  readonly footers: FooterCache
  readonly runner: ScanRunner
  /** In the bucket `bucket`, with `/` at the end. */
  readonly prefix: string
  readonly frames: FrameLimits
}

/** A scan of all files of a folder, dictionaries decoded, and the columns of its first file. */
export async function scanFolder(folder: FolderToScan, signal: AbortSignal) {
  const { store, footers, runner, prefix, frames } = folder
  const { objects } = await store.list({ bucket: 'bucket', prefix, shallow: false }, signal)
  const read = await Promise.all(objects.map((object) => footers.get(object, signal)))
  const split: Split = {
    table: { schema: 'bucket', table: prefix },
    bucket: 'bucket',
    prefix,
    files: objects.map(({ key, etag, sizeBytes }, i) => ({
      key,
      etag,
      sizeBytes,
      rowGroups: { start: 0, end: read[i]?.rowGroupCount ?? 0 },
    })),
    partitionColumns: [],
    expiresMs: 0,
  }
  const fields = (read[0]?.columns ?? []).map(({ field }) => plainField(field))
  const columns = fields.map((field): ScanColumn => ({ field, from: { kind: 'file' } }))
  return { fields, scan: scanSplit({ split, columns, frames }, { footers, runner }, signal) }
}
