import type { Session } from './session.ts'
import type { SplitBlock } from './split-reader.ts'

/** What one query cost and brought. */
export interface Statistics {
  /** Invocations by request type, retries included. */
  readonly invocations: Readonly<Record<string, number>>
  readonly retries: number
  /** Partitions left after the filters on partition columns. */
  readonly partitions: number
  readonly splits: number
  /** Pages of splits. */
  readonly pages: number
  /** Blocks with rows, by the way they came. */
  readonly inlineBlocks: number
  readonly spilledBlocks: number
  /** Bytes of spilled objects that were fetched. */
  readonly spilledBytes: number
  /** Bytes of Arrow buffers in all blocks. */
  readonly arrowBytes: number
  /** Rows of the result. */
  readonly rows: number
  /** Rows in the blocks that were read. */
  readonly returnedRows: number
  /** Rows that the connector returned although the filters rule them out. */
  readonly overReturnedRows: number
  /** Since the query began; until its last row once that was read. */
  readonly ms: number
}

/** Counts for one query. */
export interface Counters {
  now(): Statistics
  splits(splits: number, pages: number, partitions: number): void
  block(
    block: SplitBlock,
    batch: { readonly rowCount: number; readonly droppedCount: number },
  ): void
  /** Rows that were sorted, and not counted with their blocks. */
  sorted(rows: number): void
  end(): void
}

export function statistics(session: Session): Counters {
  const { startMs } = session
  let endMs: number | undefined
  let counts = {
    partitions: 0,
    splits: 0,
    pages: 0,
    inlineBlocks: 0,
    spilledBlocks: 0,
    spilledBytes: 0,
    arrowBytes: 0,
    rows: 0,
    returnedRows: 0,
    overReturnedRows: 0,
  }
  return {
    now: () => ({
      invocations: { ...session.invocations },
      retries: session.retries,
      ...counts,
      ms: (endMs ?? performance.now()) - startMs,
    }),
    splits(splits, pages, partitions) {
      counts = { ...counts, splits, pages, partitions }
    },
    block({ block, source, objectBytes }, batch) {
      counts.inlineBlocks += source === 'inline' && block.rowCount > 0 ? 1 : 0
      counts.spilledBlocks += source === 'spilled' ? 1 : 0
      counts.spilledBytes += objectBytes
      counts.arrowBytes += block.bufferBytes
      counts.rows += batch.rowCount
      counts.returnedRows += block.rowCount
      counts.overReturnedRows += batch.droppedCount
    },
    sorted(rows) {
      counts.rows += rows
    },
    end() {
      endMs ??= performance.now()
    },
  }
}
