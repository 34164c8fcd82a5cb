import { decodedBytes } from '../footers/decoded-bytes.ts'
import type { FileColumn, Footer } from '../footers/footer.ts'
import type { PageLocation } from '../footers/page-index.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import { GatewayError } from '../errors.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { ROW_GROUP_ROWS_MAX } from './budgets.ts'
import { canKernel, type ChunkPlan, chunkPlan } from './chunk-plan.ts'
import { canDecodeAll } from './kernel-pages.ts'
import { chunksOf, columnAt, type TailParts, tailParts } from './mini-tail.ts'

export interface RowGroupRequest {
  readonly footer: Footer
  readonly object: ObjectVersion
  readonly groupIndex: number
  /** Top-level columns, ascending, without repeats. */
  readonly columnIndexes: readonly number[]
  /** Pages of the leaves whose offset index was read; absent: of none. */
  readonly pagesOf?: (leafIndex: number) => readonly PageLocation[] | undefined
}

/** Where the wanted columns of a row group lie in the file: plain data, from which any of its rows can be planned. */
export interface RowGroupLayout {
  readonly source: string
  readonly rowCount: number
  readonly columns: readonly ColumnLayout[]
  /** Of the columns without pages; absent: there is none. */
  readonly tail?: TailParts
}

export interface ColumnLayout {
  readonly name: string
  /** Of each leaf. */
  readonly chunks: readonly ByteRange[]
  /** Arrow bytes, roughly. */
  readonly decodedBytes: number
  /** Absent: it is read whole, or not at all. */
  readonly paged?: PagedColumn
}

export interface PagedColumn {
  /** Its places are still to be found. */
  readonly chunk: ChunkPlan
  /** May be empty. */
  readonly dictionary: ByteRange
  readonly pages: readonly PageLocation[]
}

const noLeaves: ReadonlySet<number> = new Set()

/** @throws {GatewayError} `unsupported` the row group has more rows than Arrow can count. */
export function layOutRowGroup(request: RowGroupRequest): RowGroupLayout {
  const { footer, object, groupIndex, columnIndexes } = request
  const { rowCount } = footer.rowGroup(groupIndex)
  const source = `${object.bucket}/${object.key}, row group ${groupIndex}`
  if (rowCount > ROW_GROUP_ROWS_MAX) {
    throw new GatewayError(
      'unsupported',
      `${source} has ${rowCount} rows, more than ${ROW_GROUP_ROWS_MAX}`,
    )
  }
  const columns = columnIndexes.map((index) => layOutColumn(request, index))
  const whole = columnIndexes.filter((_, at) => columns[at]?.paged === undefined)
  if (whole.length === 0 && columns.length > 0) return { source, rowCount, columns }
  const tail = tailParts({ footer, groupIndex, columnIndexes: whole, widened: noLeaves })
  return { source, rowCount, columns, tail }
}

function layOutColumn(request: RowGroupRequest, columnIndex: number): ColumnLayout {
  const { footer, groupIndex } = request
  const column = columnAt(footer, columnIndex)
  const planned = chunksOf({ footer, groupIndex, columnIndexes: [columnIndex] })
  const paged = pagedColumn(request, column)
  return {
    name: column.field.name,
    chunks: planned.map(({ chunk: { start, end } }) => ({ start, end })),
    decodedBytes: planned.reduce((sum, { chunk, leaf }) => sum + decodedBytes(leaf, chunk), 0),
    ...(paged && { paged }),
  }
}

/** Pages are chosen of flat columns all of whose encodings the kernels know. */
function pagedColumn(
  { footer, groupIndex, pagesOf }: RowGroupRequest,
  column: FileColumn,
): PagedColumn | undefined {
  const { leafStart } = column
  const leaf = footer.leaves[leafStart]
  const pages = pagesOf?.(leafStart)
  const [first] = pages ?? []
  if (leaf === undefined || pages === undefined || first === undefined) return undefined
  const chunk = footer.chunk(groupIndex, leafStart)
  const isKnown =
    canKernel(leaf, chunk, column.field) && canDecodeAll(leaf.physicalType, chunk.encodings)
  if (!isKnown) return undefined
  const plan = chunkPlan(footer, groupIndex, column, [{ ...chunk, at: 0 }])
  return plan && { chunk: plan, dictionary: { start: chunk.start, end: first.start }, pages }
}
