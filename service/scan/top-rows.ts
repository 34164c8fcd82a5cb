import assert from 'node:assert'
import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import { columnBytes } from '../arrow/column-bytes.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { ownRows } from '../arrow/own-rows.ts'
import { takeRows } from '../arrow/take-rows.ts'
import type { BatchPiece } from '../arrow/write-batch.ts'
import type { CastRows } from './cast-rows.ts'
import { compareKeys, isOrderable, keyReader, type OrderKey } from './order-keys.ts'
import type { TopKey, TopOrder } from './scan-job.ts'
import type { ScanRequest } from './scan-request.ts'

/** More rows than this are not worth their selection: all are returned. */
export const TOP_ROWS_MAX = 10_000
/** Of the rows that a scan holds back; when the first rows are larger, all are returned. */
const TOP_BYTES_MAX = 32 * 1024 * 1024
/** Rows are selected when twice as many are held as wanted, and no sooner than this. */
const SELECT_ROWS_MIN = 1024

/**
 * What a scan can do about the order of its request; undefined when it must return all rows: of columns that are
 * not among those of the answer, of types whose order is not certain, of too many rows.
 */
export function topOrderOf({ columns, top, rowLimit }: ScanRequest): TopOrder | undefined {
  if (top === undefined || rowLimit !== undefined) return undefined
  if (top.rows < 1 || top.rows > TOP_ROWS_MAX || top.order.length === 0) return undefined
  const fields = columns.map(({ field }) => field)
  const keys = top.order.flatMap(({ column, descending, nullsFirst }): TopKey[] => {
    const index = findByName(fields, column)
    const type = typeof index === 'number' ? fields[index]?.type : undefined
    if (typeof index !== 'number' || type === undefined || !isOrderable(type)) return []
    return [{ index, descending, nullsFirst }]
  })
  return keys.length === top.order.length ? { keys, rows: top.rows } : undefined
}

/** A row that may be among the first. */
interface Candidate {
  readonly keys: readonly OrderKey[]
  /** Where it is: in rows that are looked at, or in a piece that is held. */
  columns: readonly Column[]
  row: number
}

/**
 * Holds back rows until the first so many are known. Which of equal rows are kept depends on nothing but the order
 * in which they come. Rows whose place is uncertain are returned at once, in addition.
 */
export class TopRows {
  readonly #types: readonly ArrowType[]
  readonly #top: TopOrder
  readonly #bytesMax: number
  #candidates: Candidate[] = []
  /** The last of the first rows: what is not before it is dropped. Undefined: there are not enough yet. */
  #last: readonly OrderKey[] | undefined
  /** Rows in the pieces that are held, chosen ones and those that were since beaten. */
  #heldRows = 0
  #heldBytes = 0
  #hasGivenUp = false

  /** @param bytesMax of the rows held; beyond it all are returned */
  constructor(types: readonly ArrowType[], top: TopOrder, bytesMax = TOP_BYTES_MAX) {
    this.#types = types
    this.#top = top
    this.#bytesMax = bytesMax
  }

  /** Takes rows, which may be views, and answers with those that need not wait for others. */
  add(rows: CastRows): readonly CastRows[] {
    if (this.#hasGivenUp) return [rows]
    const uncertain = this.#choose(rows)
    this.#select()
    this.#own(rows.columns)
    const returned = uncertain.length === 0 ? [] : [takenRows(rows.columns, uncertain)]
    if (this.#heldRows > this.#selectRows || this.#heldBytes > this.#bytesMax) this.#compact()
    if (this.#heldBytes <= this.#bytesMax) return returned
    this.#hasGivenUp = true
    return [...returned, ...this.finish()]
  }

  /** The first rows, in no order. */
  finish(): readonly CastRows[] {
    if (this.#candidates.length === 0) return []
    const columns = this.#compact()
    const rowCount = this.#candidates.length
    this.#candidates = []
    this.#heldRows = 0
    this.#heldBytes = 0
    return [{ columns, rowCount }]
  }

  get #selectRows(): number {
    return Math.max(2 * this.#top.rows, SELECT_ROWS_MIN)
  }

  /** Adds the rows that may be among the first to the candidates and answers with the uncertain ones. */
  #choose({ columns, rowCount }: CastRows): number[] {
    const readers = this.#top.keys.map(({ index }) => {
      const column = columns[index]
      assert(column !== undefined, 'an order of a column that is not there')
      return keyReader(column)
    })
    const uncertain: number[] = []
    for (let row = 0; row < rowCount; row++) {
      if (!this.#mayBeFirst(readers, row)) continue
      const keys = readers.map((read) => read(row))
      if (keys.every(isCertain)) this.#candidates.push({ keys: keys.map(ownKey), columns, row })
      else uncertain.push(row)
      if (this.#candidates.length >= this.#selectRows) this.#select()
    }
    return uncertain
  }

  /** False when the row is surely not before the last of the first. */
  #mayBeFirst(readers: readonly ((row: number) => OrderKey | undefined)[], row: number): boolean {
    const last = this.#last
    if (last === undefined) return true
    for (const [at, order] of this.#top.keys.entries()) {
      const key = readers[at]?.(row)
      if (key === undefined) return true
      const compared = compareKeys(key, last[at] ?? null, order)
      if (compared !== 0) return compared < 0
    }
    return false
  }

  /** Keeps the first. */
  #select(): void {
    const { keys, rows } = this.#top
    if (this.#candidates.length < rows) return
    this.#candidates.sort((left, right) => {
      for (const [at, order] of keys.entries()) {
        const compared = compareKeys(left.keys[at] ?? null, right.keys[at] ?? null, order)
        if (compared !== 0) return compared
      }
      return 0
    })
    this.#candidates.length = rows
    this.#last = this.#candidates[rows - 1]?.keys
  }

  /** Copies what is still in rows of others. */
  #own(views: readonly Column[]): void {
    const some = this.#candidates.filter(({ columns }) => columns === views)
    if (some.length > 0) this.#hold(some)
  }

  /** Copies all that is wanted into one piece, and lets go of what is not. */
  #compact(): readonly Column[] {
    this.#heldRows = 0
    this.#heldBytes = 0
    return this.#hold(this.#candidates)
  }

  #hold(candidates: readonly Candidate[]): readonly Column[] {
    const bySource = new Map<readonly Column[], Candidate[]>()
    for (const candidate of candidates) {
      const some = bySource.get(candidate.columns)
      if (some === undefined) bySource.set(candidate.columns, [candidate])
      else some.push(candidate)
    }
    const pieces = Array.from(bySource, ([source, some]): BatchPiece => {
      const rows = some.map(({ row }) => row)
      return { columns: takenRows(source, rows).columns, start: 0, count: rows.length }
    })
    const columns = ownRows(this.#types, pieces)
    const inOrder = [...bySource.values()].flat()
    for (const [row, candidate] of inOrder.entries()) Object.assign(candidate, { columns, row })
    this.#heldRows += inOrder.length
    this.#heldBytes += columns.reduce((sum, column) => sum + columnBytes(column), 0)
    return columns
  }
}

function takenRows(columns: readonly Column[], rows: readonly number[]): CastRows {
  const taken = Int32Array.from(rows)
  return { columns: columns.map((column) => takeRows(column, taken)), rowCount: rows.length }
}

function isCertain(key: OrderKey | undefined): key is OrderKey {
  return key !== undefined
}

/** Bytes are copied: the rows may be gone before the key is. */
function ownKey(key: OrderKey): OrderKey {
  return key instanceof Uint8Array ? key.slice() : key
}
