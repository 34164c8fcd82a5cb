import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import { measureRows, paddingBytesMax, rowsThatFit } from '../arrow/measure-rows.ts'
import { ownRows } from '../arrow/own-rows.ts'
import type { BatchPiece } from '../arrow/write-batch.ts'
import type { FrameLimits } from './frame.ts'

/** Rows that wait to become part of a frame. */
interface QueuedRows extends BatchPiece {
  readonly bytes: number
  /** Undefined for views of a decoder's memory; else how often the rows were put together with others. */
  readonly merges: number | undefined
}

/** So many small pieces become one, so many of those one again: rows are copied a few times, pieces stay few. */
const MERGE_COUNT = 8
/** Pieces of this size are not small. */
const MERGE_BYTES_MAX = 256 * 1024

/**
 * Rows on their way from row groups to frames. Frames are full: small row groups share one, and what a large one
 * leaves waits for the next.
 */
export class RowQueue {
  readonly #types: readonly ArrowType[]
  readonly #rowsMax: number
  /** Bytes of a frame by `measureRows`: the padding is allowed for. */
  readonly #bytesMax: number
  #queue: QueuedRows[] = []
  #bytes = 0
  #rows = 0

  constructor(types: readonly ArrowType[], limits: FrameLimits) {
    this.#types = types
    this.#rowsMax = limits.rowsMax
    this.#bytesMax = limits.bodyBytesTarget - paddingBytesMax(types)
  }

  /** What the rows take that wait, by `measureRows`. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds rows of the output's types. They are views until {@link detach}. */
  add(columns: readonly Column[], rowCount: number): void {
    if (rowCount > 0) this.#push({ columns, start: 0, count: rowCount }, undefined)
  }

  /**
   * Rows for one frame; undefined when there are not enough to fill one, or, at the end, none at all. One row that
   * is larger than a frame ought to be comes alone.
   */
  take(isEnd: boolean): BatchPiece[] | undefined {
    const isFull = this.#bytes > this.#bytesMax || this.#rows >= this.#rowsMax
    if (this.#rows === 0 || !(isFull || isEnd)) return undefined
    const taken: BatchPiece[] = []
    let bytesLeft = this.#bytesMax
    let rowsLeft = this.#rowsMax
    for (let rows = this.#queue[0]; rows !== undefined && rowsLeft > 0; rows = this.#queue[0]) {
      const some = { start: rows.start, count: Math.min(rows.count, rowsLeft) }
      const fit = rowsThatFit(rows.columns, some, bytesLeft)
      const count = fit === 0 && taken.length === 0 ? 1 : fit
      if (count === 0) break
      taken.push({ ...rows, count })
      bytesLeft -= measureRows(rows.columns, rows.start, count)
      rowsLeft -= count
      if (this.#dropFirst(rows, count) > 0) break
    }
    return taken
  }

  /** Takes rows off the front and answers how many of their piece are left. */
  #dropFirst(first: QueuedRows, count: number): number {
    this.#queue.shift()
    this.#bytes -= first.bytes
    this.#rows -= first.count
    const left = first.count - count
    if (left === 0) return 0
    const rest = { columns: first.columns, start: first.start + count, count: left }
    const bytes = measureRows(rest.columns, rest.start, left)
    this.#queue.unshift({ ...rest, bytes, merges: first.merges })
    this.#bytes += bytes
    this.#rows += left
    return left
  }

  /** Copies what is still a view: the decoder is about to take its memory back. */
  detach(): void {
    const views = this.#queue.filter(({ merges }) => merges === undefined)
    if (views.length === 0) return
    this.#replace(views, 0)
    while (this.#mergeTail());
  }

  /** Puts the last small pieces together when there are enough of one kind. */
  #mergeTail(): boolean {
    const tail = this.#queue.slice(-MERGE_COUNT)
    const [first] = tail
    const merges = first?.merges
    if (tail.length < MERGE_COUNT || merges === undefined) return false
    const alike = tail.every((rows) => rows.merges === merges && rows.bytes < MERGE_BYTES_MAX)
    if (alike) this.#replace(tail, merges + 1)
    return alike
  }

  /** Replaces the last pieces by one copy. */
  #replace(last: readonly QueuedRows[], merges: number): void {
    const columns = ownRows(this.#types, last)
    const count = last.reduce((sum, rows) => sum + rows.count, 0)
    this.#queue.splice(-last.length)
    this.#bytes -= last.reduce((sum, rows) => sum + rows.bytes, 0)
    this.#rows -= count
    this.#push({ columns, start: 0, count }, merges)
  }

  #push(rows: BatchPiece, merges: number | undefined): void {
    const bytes = measureRows(rows.columns, rows.start, rows.count)
    this.#queue.push({ ...rows, bytes, merges })
    this.#bytes += bytes
    this.#rows += rows.count
  }
}
