import assert from 'node:assert'
import type { Field } from '../arrow/arrow-type.ts'
import { castColumn } from '../arrow/cast.ts'
import type { Column } from '../arrow/column.ts'
import { constantColumn } from '../arrow/make-column.ts'
import { plainColumn } from '../arrow/plain-column.ts'
import { sliceColumn } from '../arrow/slice-column.ts'
import { GatewayError } from '../errors.ts'
import type { ScanFilter } from './filter-rows.ts'
import { takeRows } from '../arrow/take-rows.ts'
import type { ColumnSource, ScanPiece } from './scan-job.ts'

/** Some rows in the types of the answer. */
export interface CastRows {
  readonly columns: readonly Column[]
  readonly rowCount: number
}

export interface CastRequest {
  readonly piece: ScanPiece
  readonly fields: readonly Field[]
  /** The plan's columns. */
  readonly decoded: readonly Column[]
  readonly filter: ScanFilter
  /** The first so many rows that match are wanted. */
  readonly rowsMax: number
}

/** Rows that are cast at a time: what is cast away stays small and in the processor's cache. */
const CAST_ROWS_MAX = 64 * 1024

/**
 * The matching rows of a row group in the types of the answer, some at a time. Only rows that match are cast.
 *
 * @throws {GatewayError} what {@link castColumn} and the filter throw, naming row group and column.
 */
export function* castRows(request: CastRequest): Generator<CastRows, undefined, undefined> {
  const { piece, decoded, fields, filter } = request
  const windowMax = piece.filter ? CAST_ROWS_MAX : Math.min(CAST_ROWS_MAX, request.rowsMax)
  let rowsLeft = request.rowsMax
  for (let start = 0; start < piece.rowCount && rowsLeft > 0; start += windowMax) {
    const windowRows = Math.min(windowMax, piece.rowCount - start)
    const matching = filter.select({ piece, decoded, start, rowCount: windowRows })
    const rowCount = Math.min(matching?.length ?? windowRows, rowsLeft)
    if (rowCount === 0) continue
    rowsLeft -= rowCount
    const rows = { start, windowRows, rowCount, matching: matching?.subarray(0, rowCount) }
    const columns = fields.map((field, i) => {
      const source = piece.columns[i]
      assert(source !== undefined, 'a field without a source')
      return castField(request, { ...rows, field, source })
    })
    yield { columns, rowCount }
  }
  return undefined
}

interface FieldRows {
  readonly field: Field
  readonly source: ColumnSource
  /** The rows that are looked at… */
  readonly start: number
  readonly windowRows: number
  /** …and those that are wanted: at these places among them, or the first. */
  readonly matching: Int32Array | undefined
  readonly rowCount: number
}

function castField({ piece, decoded, filter }: CastRequest, rows: FieldRows): Column {
  const { field, source, start, rowCount, matching } = rows
  if (source.kind === 'constant') return constantColumn(field.type, rowCount, source.value)
  const column = decoded[source.index]
  assert(column !== undefined, 'a column that was not decoded')
  return inColumn(piece, field.name, () => {
    const seen =
      matching === undefined
        ? sliceColumn(column, start, rowCount)
        : takeRows(sliceColumn(column, start, rows.windowRows), matching)
    // An entry of a dictionary that only hidden rows have must not be what a cast fails for.
    return castColumn(filter.hidesRows ? plainColumn(seen) : seen, field.type)
  })
}

/** Does what may fail for a column's values; the error names row group and column. */
export function inColumn<T>({ source }: ScanPiece, name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw new GatewayError(
      error.code,
      `${source}, column "${name}": ${error.message}`,
      error.cause === undefined ? {} : { cause: error.cause },
    )
  }
}
