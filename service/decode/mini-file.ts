import { GatewayError } from '../errors.ts'
import { decodedBytes } from '../footers/decoded-bytes.ts'
import type { Footer } from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { COALESCE_GAP_BYTES, COALESCE_RUN_BYTES, ROW_GROUP_ROWS_MAX } from './budgets.ts'
import type { FetchRange, RowGroupPlan } from './decoder.ts'
import { chunksOf, columnAt, DATA_START, type PlannedChunk, writeMiniTail } from './mini-tail.ts'

export interface RowGroupRequest {
  readonly footer: Footer
  readonly object: ObjectVersion
  readonly groupIndex: number
  /** Top-level columns, ascending, without repeats. */
  readonly columnIndexes: readonly number[]
}

const noLeaves: ReadonlySet<number> = new Set()

/**
 * Plans the read of the wanted columns of a row group: which bytes to fetch (chunks near each other in one run)
 * and the footer of a Parquet file made of just these bytes. That footer is written anew from checked numbers,
 * with an ARROW:schema that says exactly what `footer.columns` promises; no byte of the original footer but the
 * schema's elements goes in.
 *
 * @throws {GatewayError} `unsupported` the row group has more rows than Arrow can count.
 */
export function planRowGroup(request: RowGroupRequest): RowGroupPlan {
  const { footer, object, groupIndex } = request
  const columns = request.columnIndexes.map((index) => columnAt(footer, index))
  const { rowCount } = footer.rowGroup(groupIndex)
  const source = `${object.bucket}/${object.key}, row group ${groupIndex}`
  if (rowCount > ROW_GROUP_ROWS_MAX) {
    throw new GatewayError(
      'unsupported',
      `${source} has ${rowCount} rows, more than ${ROW_GROUP_ROWS_MAX}`,
    )
  }
  const chunks = chunksOf(request)
  const { fetches, positions, tailAt } = layOut(chunks)
  const tail = writeMiniTail({ ...request, positions, widened: noLeaves })
  return {
    source,
    rowCount,
    columnNames: columns.map((column) => column.field.name),
    fetches,
    bufferBytes: tailAt + tail.length,
    tail,
    tailAt,
    decodedBytesEstimate: chunks.reduce(
      (sum, { chunk, leaf }) => sum + decodedBytes(leaf, chunk),
      0,
    ),
  }
}

interface Layout {
  readonly fetches: readonly FetchRange[]
  /** Where each chunk begins in the buffer, in the order of the chunks. */
  readonly positions: readonly number[]
  readonly tailAt: number
}

/** Chunks sorted by place become runs; a run takes the next chunk in while the gap and the run stay small. */
function layOut(planned: readonly PlannedChunk[]): Layout {
  const fetches: FetchRange[] = []
  const positions: number[] = Array.from({ length: planned.length }, () => DATA_START)
  const order = planned
    .map(({ chunk: { start, end } }, index) => ({ start, end, index }))
    .filter(({ start, end }) => end > start)
    .toSorted((a, b) => a.start - b.start)
  let tailAt = DATA_START
  for (const { start, end, index } of order) {
    const run = fetches.at(-1)
    const joins =
      run !== undefined &&
      start - run.end <= COALESCE_GAP_BYTES &&
      end - run.start <= COALESCE_RUN_BYTES
    if (joins) fetches[fetches.length - 1] = { ...run, end: Math.max(run.end, end) }
    else fetches.push({ start, end, at: tailAt })
    const last = fetches.at(-1) as FetchRange
    positions[index] = last.at + start - last.start
    tailAt = last.at + last.end - last.start
  }
  return { fetches, positions, tailAt }
}
