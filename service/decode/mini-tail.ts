import assert from 'node:assert'
import { Buffer } from 'node:buffer'

import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { encodeSchemaMessage } from '../arrow/schema-message.ts'
import {
  type ColumnChunk,
  codecs,
  type FileColumn,
  type Footer,
  type Leaf,
  physicalTypes,
} from '../footers/footer.ts'
import { writeMiniSchema } from './mini-schema.ts'
import { ThriftWriter } from './thrift-writer.ts'

/** The mini file begins with `PAR1`'s four bytes, which nobody reads; chunks at offset 0 would mean "none". */
export const DATA_START = 4

/** Some columns of a row group. */
export interface Selection {
  readonly footer: Footer
  readonly groupIndex: number
  /** Top-level columns, ascending, without repeats. */
  readonly columnIndexes: readonly number[]
}

export interface MiniTail extends Selection {
  /** Where each chunk begins in the mini file, in the order of `chunksOf`. */
  readonly positions: readonly number[]
  /** Leaves of int32 that are declared as bare int64: see `widenable` in parquet-wasm-decoder.ts. */
  readonly widened: ReadonlySet<number>
}

export interface PlannedChunk {
  readonly leafIndex: number
  readonly leaf: Leaf
  readonly chunk: ColumnChunk
}

export function columnAt(footer: Footer, index: number): FileColumn {
  const column = footer.columns[index]
  assert(column !== undefined, `there is no column ${index}`)
  return column
}

/** The chunks of the chosen columns, in the order of the file's leaves. */
export function chunksOf({ footer, groupIndex, columnIndexes }: Selection): PlannedChunk[] {
  return columnIndexes.flatMap((index) => {
    const { leafStart, leafEnd } = columnAt(footer, index)
    return footer.leaves.slice(leafStart, leafEnd).map((leaf, at) => ({
      leafIndex: leafStart + at,
      leaf,
      chunk: footer.chunk(groupIndex, leafStart + at),
    }))
  })
}

const MAGIC = Buffer.from('PAR1', 'latin1')

/** All that the end of a mini file is made of, but the places of its chunks: plain data. */
export interface TailParts {
  readonly rowCount: number
  readonly schema: { readonly elementCount: number; readonly bytes: Uint8Array }
  /** ARROW:schema in base64. */
  readonly arrowSchema: string
  /** In the order of `chunksOf`. */
  readonly chunks: readonly Omit<PlannedChunk, 'leafIndex'>[]
}

export function tailParts(selection: Omit<MiniTail, 'positions'>): TailParts {
  const { schema, arrowSchema } = schemasOf(selection)
  const chunks = chunksOf(selection).map(({ chunk, leaf, leafIndex }) => ({
    chunk,
    leaf: selection.widened.has(leafIndex) ? { ...leaf, physicalType: 'int64' as const } : leaf,
  }))
  const { rowCount } = selection.footer.rowGroup(selection.groupIndex)
  return { rowCount, schema, arrowSchema, chunks }
}

/** The end of a mini file: `FileMetaData` of parquet.thrift, its length, the magic. */
export function writeTail(parts: TailParts, positions: readonly number[]): Uint8Array {
  const { rowCount, schema, arrowSchema } = parts
  const writer = new ThriftWriter()
  writer.small(1, 2)
  writer.structs(2, schema.elementCount)
  writer.raw(schema.bytes)
  writer.integer(3, rowCount)
  writer.structs(4, 1)
  writer.element(() => writeRowGroup(writer, parts, positions))
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

export function writeMiniTail(mini: MiniTail): Uint8Array {
  return writeTail(tailParts(mini), mini.positions)
}

function writeRowGroup(
  writer: ThriftWriter,
  { chunks, rowCount }: TailParts,
  positions: readonly number[],
): void {
  writer.structs(1, chunks.length)
  for (const [index, planned] of chunks.entries()) {
    writer.element(() => writeChunk(writer, planned, positions[index] ?? DATA_START))
  }
  writer.integer(
    2,
    chunks.reduce((sum, { chunk }) => sum + chunk.uncompressedBytes, 0),
  )
  writer.integer(3, rowCount)
}

/** Encodings a reader must be told of; none reads them, the pages say which they use. */
const ENCODINGS = [0, 3]

function writeChunk(
  writer: ThriftWriter,
  { chunk, leaf }: Pick<PlannedChunk, 'chunk' | 'leaf'>,
  position: number,
): void {
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
  readonly name: string
  readonly schema: { readonly elementCount: number; readonly bytes: Uint8Array }
  /** ARROW:schema in base64. */
  readonly arrowSchema: string
}

/** The row groups of a file are planned one after the other with the same columns: the last answer is kept. */
const lastSchemas = new WeakMap<Footer, Schemas>()

function schemasOf({ footer, columnIndexes, widened }: Omit<MiniTail, 'positions'>): Schemas {
  const name = `${columnIndexes.join()};${[...widened].join()}`
  const last = lastSchemas.get(footer)
  if (last?.name === name) return last
  const fields = columnIndexes.map((index) => {
    const { field, leafStart } = columnAt(footer, index)
    return widenField(field, widened, { leafIndex: leafStart })
  })
  const message = encodeSchemaMessage({ fields })
  const schemas: Schemas = {
    name,
    schema: writeMiniSchema(footer, columnIndexes, widened),
    arrowSchema: Buffer.from(message.buffer, message.byteOffset, message.length).toString('base64'),
  }
  lastSchemas.set(footer, schemas)
  return schemas
}

/** The field with int64 in place of the widened leaves; `next` counts the leaves in depth-first order. */
function widenField(
  field: Field,
  widened: ReadonlySet<number>,
  next: { leafIndex: number },
): Field {
  const widen = (child: Field): Field => widenField(child, widened, next)
  const { type } = field
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return { ...field, type: { ...type, child: widen(type.child) } }
    case 'struct':
      return { ...field, type: { ...type, children: type.children.map(widen) } }
    case 'map':
      return { ...field, type: { ...type, entries: widen(type.entries) } }
    default:
      return widened.has(next.leafIndex++) ? { ...field, type: int64 } : field
  }
}

const int64: ArrowType = { kind: 'int', bitWidth: 64, signed: true }
