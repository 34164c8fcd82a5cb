import { type Column } from '../arrow/column.ts'
import { innerColumn } from '../arrow/inner-field.ts'
import { constantColumn } from '../arrow/make-column.ts'
import { plainColumn } from '../arrow/plain-column.ts'
import { sliceColumn } from '../arrow/slice-column.ts'
import { takeRows } from '../arrow/take-rows.ts'
import assert from 'node:assert'
import { GatewayError } from '../errors.ts'
import { compileFilter, type RowFilter } from '../predicate/compile-filter.ts'
import { and, type Predicate, sameReference } from '../predicate/predicate.ts'
import { TRUE } from '../predicate/truth.ts'
import type { FilterColumn, PieceFilter, ScanPiece } from './scan-job.ts'

/** Rows of a row group that is being read. */
export interface RowsOfPiece {
  readonly piece: ScanPiece
  /** The plan's columns. */
  readonly decoded: readonly Column[]
  readonly start: number
  readonly rowCount: number
}

/** Sets of terms whose compiled form is kept; row groups of one table differ in few. */
const COMPILED_MAX = 16

/** The filter of one scan: compiles what its pieces ask for, each set of terms once. */
export class ScanFilter {
  /** Whether there are rows that do not exist for the reader. */
  readonly hidesRows: boolean
  readonly #terms: readonly Predicate[]
  readonly #rowFilterTerms: number
  readonly #compiled = new Map<string, RowFilter>()

  /** @param rowFilterTerms the first so many terms: the others are asked only of rows of which these are true */
  constructor(terms: readonly Predicate[], rowFilterTerms = 0) {
    this.#terms = terms
    this.#rowFilterTerms = rowFilterTerms
    this.hidesRows = rowFilterTerms > 0
  }

  /**
   * The rows that match, counted from the first of these rows, ascending; undefined when all do.
   *
   * @throws {GatewayError} what casts and arithmetic throw, naming the row group.
   */
  select(rows: RowsOfPiece): Int32Array | undefined {
    const { filter, source } = rows.piece
    if (filter === undefined) return undefined
    const hiding = filter.terms.filter((term) => term < this.#rowFilterTerms)
    const asked = filter.terms.filter((term) => term >= this.#rowFilterTerms)
    try {
      const visible =
        hiding.length === 0 ? undefined : this.#ask({ ...filter, terms: hiding }, rows)
      if (asked.length === 0 || visible?.length === 0) return visible
      const matching = this.#ask({ ...filter, terms: asked }, rows, visible)
      return visible && matching ? matching.map((at) => visible[at] ?? 0) : (matching ?? visible)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      const options = error.cause === undefined ? {} : { cause: error.cause }
      throw new GatewayError(error.code, `${source}, filter: ${error.message}`, options)
    }
  }

  /** Places of the rows that match, among all or among those at these places; undefined when all of them do. */
  #ask(filter: PieceFilter, rows: RowsOfPiece, among?: Int32Array): Int32Array | undefined {
    const truths = this.#filterOf(filter)({
      rowCount: among?.length ?? rows.rowCount,
      columnOf: (seen) => {
        const found = filter.columns.find((one) => sameReference(one, seen))
        assert(found, 'a filter column without a source')
        const column = columnOf(found, rows)
        return among === undefined ? column : plainColumn(takeRows(column, among))
      },
    })
    return indexesOf(truths)
  }

  #filterOf({ terms }: PieceFilter): RowFilter {
    const key = terms.join()
    const known = this.#compiled.get(key)
    if (known) return known
    if (this.#compiled.size >= COMPILED_MAX) this.#compiled.clear()
    const asked = this.#terms.filter((_, index) => terms.includes(index))
    const filter = compileFilter(and(asked))
    this.#compiled.set(key, filter)
    return filter
  }
}

function columnOf({ source, inside, constantType }: FilterColumn, rows: RowsOfPiece): Column {
  if (source.kind === 'constant') return constantColumn(constantType, rows.rowCount, source.value)
  const column = rows.decoded[source.index]
  assert(column !== undefined, 'a filter column that was not decoded')
  const slice = sliceColumn(column, rows.start, rows.rowCount)
  return inside === undefined ? slice : innerColumn(slice, inside)
}

function indexesOf(truths: Uint8Array): Int32Array | undefined {
  let count = 0
  for (const truth of truths) if (truth === TRUE) count += 1
  if (count === truths.length) return undefined
  const indexes = new Int32Array(count)
  let at = 0
  for (let row = 0; at < count; row++) if (truths[row] === TRUE) indexes[at++] = row
  return indexes
}
