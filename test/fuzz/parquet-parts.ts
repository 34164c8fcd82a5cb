import { Buffer } from 'node:buffer'
import { readPageHeader, type PageHeader } from '../../service/decode/page-header.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'
import { ThriftReader } from '../../service/footers/thrift-reader.ts'
import { elementOf, fieldOf, readStruct, type ThriftStruct, writeStruct } from './thrift-tree.ts'

/** Magic and footer length, behind the footer. */
const END_BYTES = 8

/** A page of a good file. */
export interface PagePart {
  readonly groupIndex: number
  readonly leafIndex: number
  readonly headerStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly header: PageHeader
  /** Whether the body is as the encoding wrote it. */
  readonly isPlain: boolean
}

/** A good Parquet file, taken apart. */
export interface ParquetParts {
  readonly bytes: Uint8Array
  readonly footerStart: number
  readonly pages: readonly PagePart[]
}

const fail = (what: string): never => {
  throw new Error(what)
}

export function takeApart(bytes: Uint8Array): ParquetParts {
  const object = { bucket: 'b', key: 'k', etag: '1', sizeBytes: bytes.length }
  const footer = parseFooter(bytes, object)
  const pages: PagePart[] = []
  for (let groupIndex = 0; groupIndex < footer.rowGroupCount; groupIndex++) {
    for (const leafIndex of footer.leaves.keys()) {
      const chunk = footer.chunk(groupIndex, leafIndex)
      for (let at = chunk.start; at < chunk.end;) {
        const reader = new ThriftReader(bytes, at, fail)
        const header = readPageHeader(reader)
        const bodyStart = reader.position
        const bodyEnd = bodyStart + header.compressedBytes
        const isPlain = chunk.codec === 'uncompressed' || !header.isCompressed
        pages.push({
          groupIndex,
          leafIndex,
          headerStart: at,
          bodyStart,
          bodyEnd,
          header,
          isPlain,
        })
        at = bodyEnd
      }
    }
  }
  const footerBytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(
    bytes.length - END_BYTES,
  )
  return { bytes, footerStart: bytes.length - END_BYTES - footerBytes, pages }
}

export function footerTree({ bytes, footerStart }: ParquetParts): ThriftStruct {
  return readStruct(new ThriftReader(bytes, footerStart, fail))
}

export function headerTree({ bytes }: ParquetParts, page: PagePart): ThriftStruct {
  return readStruct(new ThriftReader(bytes, page.headerStart, fail))
}

/** The file with another footer. */
export function withFooter(data: Uint8Array, footer: ThriftStruct): Uint8Array {
  const written = writeStruct(footer)
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(written.length, 0)
  end.write('PAR1', 4)
  return Buffer.concat([data, written, end])
}

/** The file with another page header; when its length differs the footer's offsets are moved. */
export function withHeader(parts: ParquetParts, page: PagePart, header: ThriftStruct): Uint8Array {
  const { bytes, footerStart } = parts
  const written = writeStruct(header)
  const data = Buffer.concat([
    bytes.subarray(0, page.headerStart),
    written,
    bytes.subarray(page.bodyStart, footerStart),
  ])
  const footer = footerTree(parts)
  moveOffsets(footer, page, written.length - (page.bodyStart - page.headerStart))
  return withFooter(data, footer)
}

/** By parquet.thrift: of RowGroup, of ColumnChunk, of ColumnMetaData. */
const groupOffsets = [5]
const chunkOffsets = [2, 4, 6]
const metadataOffsets = [9, 10, 11, 14]

function moveOffsets(footer: ThriftStruct, page: PagePart, by: number): void {
  const move = (struct: ThriftStruct | undefined, ids: readonly number[]) => {
    for (const id of ids) {
      const node = fieldOf(struct, id)
      if (node?.kind === 'integer' && node.value > page.headerStart) node.value += by
    }
  }
  const groups = fieldOf(footer, 4)
  if (groups?.kind !== 'structs') return
  for (const group of groups.elements) {
    move(group, groupOffsets)
    const chunks = fieldOf(group, 1)
    for (const chunk of chunks?.kind === 'structs' ? chunks.elements : []) {
      move(chunk, chunkOffsets)
      const metadata = fieldOf(chunk, 3)
      if (metadata?.kind === 'struct') move(metadata, metadataOffsets)
    }
  }
  const own = fieldOf(elementOf(groups.elements[page.groupIndex], 1, page.leafIndex), 3)
  const size = own?.kind === 'struct' ? fieldOf(own, 7) : undefined
  if (size?.kind === 'integer') size.value += by
}
