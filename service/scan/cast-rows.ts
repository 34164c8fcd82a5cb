import assert from 'node:assert'
import type { Field } from '../arrow/arrow-type.ts'
import { castColumn } from '../arrow/cast.ts'
import type { Column } from '../arrow/column.ts'
import { constantColumn } from '../arrow/make-column.ts'
import { sliceColumn } from '../arrow/slice-column.ts'
import { GatewayError } from '../errors.ts'
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
  /** The first so many rows are wanted. */
  readonly rowCount: number
}

/** Rows that are cast at a time: what is cast away stays small and in the processor's cache. */
const CAST_ROWS_MAX = 64 * 1024

/**
 * The rows of a row group in the types of the answer, some at a time.
 *
 * @throws {GatewayError} what {@link castColumn} throws, naming row group and column.
 */
export function* castRows(request: CastRequest): Generator<CastRows, undefined, undefined> {
  for (let start = 0; start < request.rowCount; start += CAST_ROWS_MAX) {
    const rowCount = Math.min(CAST_ROWS_MAX, request.rowCount - start)
    const columns = request.fields.map((field, i) => {
      const source = request.piece.columns[i]
      assert(source !== undefined, 'a field without a source')
      return castField(request, { field, source, start, rowCount })
    })
    yield { columns, rowCount }
  }
  return undefined
}

interface FieldRows {
  readonly field: Field
  readonly source: ColumnSource
  readonly start: number
  readonly rowCount: number
}

function castField({ piece, decoded }: CastRequest, rows: FieldRows): Column {
  const { field, source, start, rowCount } = rows
  if (source.kind === 'constant') return constantColumn(field.type, rowCount, source.value)
  const column = decoded[source.index]
  assert(column !== undefined, 'a column that was not decoded')
  try {
    return castColumn(sliceColumn(column, start, rowCount), field.type)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw new GatewayError(
      error.code,
      `${piece.source}, column "${field.name}": ${error.message}`,
      error.cause === undefined ? {} : { cause: error.cause },
    )
  }
}
