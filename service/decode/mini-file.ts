import { Buffer } from 'node:buffer'

import { encodeSchemaMessage } from '../arrow/schema-message.ts'
import { GatewayError } from '../errors.ts'
import {
  type ColumnChunk,
  codecs,
  type FileColumn,
  type Footer,
  physicalTypes,
} from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { COALESCE_GAP_BYTES, COALESCE_RUN_BYTES, ROW_GROUP_ROWS_MAX } from './budgets.ts'
import type { FetchRange, RowGroupPlan } from './decoder.ts'
import { writeMiniSchema } from './mini-schema.ts'
import { ThriftWriter } from './thrift-writer.ts'

export interface RowGroupRequest {
  readonly footer: Footer
  readonly object: ObjectVersion
  readonly groupIndex: number
  /** Top-level columns, ascending, without repeats. */
  readonly columnIndexes: readonly number[]
}

/** The mini file begins with `PAR1`'s four bytes, which nobody reads; chunks at offset 0 would mean "none". */
const DATA_START = 4

/** Bytes of Arrow's offsets and of a reference to a dictionary's entry, for estimates. */
const OFFSET_BYTES = 4
/** A guess at the bytes of a text that is dictionary-coded, when only the coded size is known. */
const DICTIONARY_TEXT_BYTES = 16

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
  const chunks = columns.flatMap((column) => chunksOf(footer, column, groupIndex))
  const { fetches, positions, tailAt } = layOut(chunks)
  const tail = writeTail(request, rowCount, { chunks, positions })
  return {
    source,
    rowCount,
    columnNames: columns.map((column) => column.field.name),
    fetches,
    bufferBytes: tailAt + tail.length,
    tail,
    tailAt,
    decodedBytesEstimate: chunks.reduce((sum, chunk) => sum + estimate(chunk), 0),
  }
}

/** A chunk with its leaf's number in the footer. */
interface PlannedChunk {
  readonly chunk: ColumnChunk
  readonly leaf: Footer['leaves'][number]
}

function columnAt(footer: Footer, index: number): FileColumn {
  const column = footer.columns[index]
  if (column === undefined) throw new RangeError(`there is no column ${index}`)
  return column
}

function chunksOf(footer: Footer, column: FileColumn, groupIndex: number): PlannedChunk[] {
  return footer.leaves.slice(column.leafStart, column.leafEnd).map((leaf, index) => ({
    leaf,
    chunk: footer.chunk(groupIndex, column.leafStart + index),
  }))
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

const MAGIC = Buffer.from('PAR1', 'latin1')

/** `FileMetaData` of parquet.thrift, its length, and the magic. */
function writeTail(
  { footer, columnIndexes }: RowGroupRequest,
  rowCount: number,
  placed: { readonly chunks: readonly PlannedChunk[]; readonly positions: readonly number[] },
): Uint8Array {
  const { chunks, positions } = placed
  const { schema, arrowSchema } = schemasOf(footer, columnIndexes)
  const writer = new ThriftWriter()
  writer.small(1, 2)
  writer.structs(2, schema.elementCount)
  writer.raw(schema.bytes)
  writer.integer(3, rowCount)
  writer.structs(4, 1)
  writer.element(() => {
    writer.structs(1, chunks.length)
    for (const [index, planned] of chunks.entries()) {
      writer.element(() => writeChunk(writer, planned, positions[index] ?? DATA_START))
    }
    writer.integer(
      2,
      chunks.reduce((sum, { chunk }) => sum + chunk.uncompressedBytes, 0),
    )
    writer.integer(3, rowCount)
  })
  writer.structs(5, 1)
  writer.element(() => {
    writer.text(1, 'ARROW:schema')
    writer.text(2, arrowSchema)
  })
  writer.stop()
  const tail = writer.finish(8)
  new DataView(tail.buffer).setUint32(tail.length - 8, tail.length - 8, true)
  tail.set(MAGIC, tail.length - 4)
  return tail
}

/** Encodings a reader must be told of; none reads them, the pages say which they use. */
const ENCODINGS = [0, 3]

function writeChunk(writer: ThriftWriter, { chunk, leaf }: PlannedChunk, position: number): void {
  const moved = position - chunk.start
  writer.integer(2, 0)
  writer.struct(3, () => {
    writer.small(1, physicalTypes.indexOf(leaf.physicalType))
    writer.smalls(2, ENCODINGS)
    writer.texts(3, leaf.path)
    writer.small(4, codecs.indexOf(chunk.codec))
    writer.integer(5, chunk.valueCount)
    writer.integer(6, chunk.uncompressedBytes)
    writer.integer(7, chunk.end - chunk.start)
    writer.integer(9, chunk.dataPageOffset + moved)
    if (chunk.dictionaryPageOffset !== 0) writer.integer(11, chunk.dictionaryPageOffset + moved)
  })
}

interface Schemas {
  readonly columns: string
  readonly schema: { readonly elementCount: number; readonly bytes: Uint8Array }
  /** ARROW:schema in base64. */
  readonly arrowSchema: string
}

/** The row groups of a file are planned one after the other with the same columns: the last answer is kept. */
const lastSchemas = new WeakMap<Footer, Schemas>()

function schemasOf(footer: Footer, columnIndexes: readonly number[]): Schemas {
  const columns = columnIndexes.join()
  const last = lastSchemas.get(footer)
  if (last?.columns === columns) return last
  const fields = columnIndexes.map((index) => columnAt(footer, index).field)
  const message = encodeSchemaMessage({ fields })
  const schemas: Schemas = {
    columns,
    schema: writeMiniSchema(footer.bytes, columnIndexes),
    arrowSchema: Buffer.from(message.buffer, message.byteOffset, message.length).toString('base64'),
  }
  lastSchemas.set(footer, schemas)
  return schemas
}

/** Arrow bytes of a chunk, roughly: dictionary-coded text may be much larger than its pages. */
function estimate({ chunk, leaf }: PlannedChunk): number {
  const { valueCount, uncompressedBytes } = chunk
  switch (leaf.physicalType) {
    case 'boolean':
      return valueCount / 8
    case 'int32':
    case 'float':
      return valueCount * 4
    case 'int64':
    case 'double':
    case 'int96':
      return valueCount * 8
    case 'fixed_len_byte_array':
      return valueCount * leaf.typeLength
    case 'byte_array': {
      const coded = chunk.dictionaryPageOffset === 0 ? 0 : valueCount * DICTIONARY_TEXT_BYTES
      return valueCount * OFFSET_BYTES + Math.max(uncompressedBytes, coded)
    }
  }
}
