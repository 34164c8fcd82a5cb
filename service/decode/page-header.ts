import { STOP, type ThriftReader } from '../footers/thrift-reader.ts'

/** By number in parquet.thrift, `PageType`. */
const pageTypes = ['data', 'index', 'dictionary', 'data_v2'] as const
export type PageType = (typeof pageTypes)[number]

/** parquet.thrift's `PageHeader`, the parts of its kinds side by side. */
export interface PageHeader {
  readonly type: PageType
  /** Bytes of the page after its header, as stored. */
  readonly compressedBytes: number
  /** The same decompressed; levels are in both. */
  readonly uncompressedBytes: number
  /** Values (with nulls) of a data page, entries of a dictionary; 0 for an index page. */
  readonly valueCount: number
  /** Number in parquet.thrift, `Encoding`. */
  readonly encoding: number
  /** Levels at the beginning of a v2 page, never compressed; else 0. */
  readonly levelBytes: number
  /** Whether the codec applies: v2 pages may opt out. */
  readonly isCompressed: boolean
}

interface PageParts {
  valueCount: number
  encoding: number
  levelBytes: number
  isCompressed: boolean
}

/** Ids of the part that each type of page must have. */
const partIds: Readonly<Record<PageType, number>> = { data: 5, index: 6, dictionary: 7, data_v2: 8 }

/** Reads the header at the reader's position and leaves it at the page's first byte. */
export function readPageHeader(reader: ThriftReader): PageHeader {
  const parts: PageParts = { valueCount: 0, encoding: 0, levelBytes: 0, isCompressed: true }
  let typeNumber = -1
  let compressedBytes = -1
  let uncompressedBytes = -1
  let partId = 0
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) typeNumber = reader.integer()
    else if (id === 2) uncompressedBytes = reader.integer()
    else if (id === 3) compressedBytes = reader.integer()
    else if (id === 5 || id === 7) readPart(reader, parts)
    else if (id === 8) readPartV2(reader, parts)
    else reader.skip()
    if (id >= 5 && id <= 8) partId = id
  }
  const type = pageTypes[typeNumber] ?? reader.fail(`a page has the unknown type ${typeNumber}`)
  if (partIds[type] !== partId) reader.fail(`a ${type} page lacks its header`)
  const { levelBytes, valueCount } = parts
  if (compressedBytes < 0 || uncompressedBytes < 0 || valueCount < 0) {
    reader.fail('a page has a negative size')
  }
  if (levelBytes < 0 || levelBytes > Math.min(compressedBytes, uncompressedBytes)) {
    reader.fail(`a page of ${compressedBytes} bytes claims ${levelBytes} bytes of levels`)
  }
  return { type, compressedBytes, uncompressedBytes, ...parts }
}

/** `DataPageHeader` and `DictionaryPageHeader` begin alike. */
function readPart(reader: ThriftReader, parts: PageParts): void {
  reader.struct()
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) parts.valueCount = reader.integer()
    else if (id === 2) parts.encoding = reader.integer()
    else reader.skip()
  }
}

/** `DataPageHeaderV2`. */
function readPartV2(reader: ThriftReader, parts: PageParts): void {
  reader.struct()
  let definitionBytes = 0
  let repetitionBytes = 0
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) parts.valueCount = reader.integer()
    else if (id === 4) parts.encoding = reader.integer()
    else if (id === 5) definitionBytes = reader.integer()
    else if (id === 6) repetitionBytes = reader.integer()
    else if (id === 7) parts.isCompressed = reader.boolean()
    else reader.skip()
  }
  const negative = definitionBytes < 0 || repetitionBytes < 0
  parts.levelBytes = negative ? -1 : definitionBytes + repetitionBytes
}
