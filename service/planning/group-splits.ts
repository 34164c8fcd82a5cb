import type { SplitFile } from './split.ts'
import { fileRecordBytesMax } from './split-files-encoding.ts'

/** A row group to be read. */
export interface RowGroupEntry {
  /** The file, without its row groups. */
  readonly file: Omit<SplitFile, 'rowGroups'>
  readonly groupIndex: number
  readonly decodedBytes: number
}

export interface GroupingLimits {
  /** What the row groups of a split decode to; one row group alone may be more. */
  readonly decodedBytesTarget: number
  readonly filesMax: number
  /** What the files of a split take in its ticket. */
  readonly fileRecordsBytesMax: number
}

/** Gathers row groups, in their order, into splits. */
export interface SplitGrouping {
  /** Adds a row group; first ends the split before it when the row group does not fit, and returns its files. */
  add(entry: RowGroupEntry): readonly SplitFile[] | undefined
  /** The files of the last split; undefined when there is none. */
  end(): readonly SplitFile[] | undefined
}

/** A new split begins just where the one before is full, so a plan may be continued at the end of any split. */
export function groupSplits(limits: GroupingLimits): SplitGrouping {
  let files: SplitFile[] = []
  let [decodedBytes, recordBytes] = [0, 0]
  const end = (): readonly SplitFile[] | undefined => {
    const ended = files
    files = []
    decodedBytes = 0
    recordBytes = 0
    return ended.length === 0 ? undefined : ended
  }
  return {
    end,
    add({ file, groupIndex, decodedBytes: addedBytes }) {
      const last = files.at(-1)
      const extended = last && extend(last, file, groupIndex)
      const added = extended ? 0 : fileRecordBytesMax(file)
      const isFull =
        files.length > 0 &&
        (decodedBytes + addedBytes > limits.decodedBytesTarget ||
          (!extended && files.length === limits.filesMax) ||
          recordBytes + added > limits.fileRecordsBytesMax)
      const ended = isFull ? end() : undefined
      if (extended && !isFull) files[files.length - 1] = extended
      else files.push({ ...file, rowGroups: { start: groupIndex, end: groupIndex + 1 } })
      decodedBytes += addedBytes
      recordBytes += isFull ? fileRecordBytesMax(file) : added
      return ended
    },
  }
}

/** The last file with the row group that follows its own; undefined when it is another file or does not follow. */
function extend(
  last: SplitFile,
  file: RowGroupEntry['file'],
  groupIndex: number,
): SplitFile | undefined {
  const follows =
    last.key === file.key && last.etag === file.etag && last.rowGroups.end === groupIndex
  return follows
    ? { ...last, rowGroups: { start: last.rowGroups.start, end: groupIndex + 1 } }
    : undefined
}
