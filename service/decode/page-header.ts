import { STOP, type ThriftReader } from '../footers/thrift-reader.ts'

/** By number in parquet.thrift, `PageType`. */
const pageTypes = ['data', 'index', 'dictionary', 'data_v2'] as const
export type PageType = (typeof pageTypes)[number]

/** Number in parquet.thrift, `Encoding`: how levels are coded. */
export const RLE = 3

/** parquet.thrift's `PageHeader`, the parts of its kinds side by side. */
export interface PageHeader {
  readonly type: PageType
  /** Bytes of the page after its header, as stored. */
  readonly compressedBytes: number
  /** The same decompressed; levels are in both. */
  readonly uncompressedBytes: number
  /** Values (with nulls) of a data page, entries of a dictionary; 0 for an index page. */
  readonly valueCount: number
  /** Nulls among the values, as v2 pages say; else 0. */
  readonly nullCount: number
  /** Number in parquet.thrift, `Encoding`. */
  readonly encoding: number
  /** The same of the levels of a v1 page; v2 has one way. */
  readonly definitionEncoding: number
  readonly repetitionEncoding: number
  /** Levels at the beginning of a v2 page, never compressed, the repetition levels first; else 0. */
  readonly levelBytes: number
  readonly repetitionBytes: number
  /** Whether the codec applies: v2 pages may opt out. */
  readonly isCompressed: boolean
}

type PageParts = { -readonly [Name in PartName]: PageHeader[Name] }
type PartName = Exclude<keyof PageHeader, 'type' | 'compressedBytes' | 'uncompressedBytes'>

/** Ids of the part that each type of page must have. */
const partIds: Readonly<Record<PageType, number>> = { data: 5, index: 6, dictionary: 7, data_v2: 8 }

/** Reads the header at the reader's position and leaves it at the page's first byte. */
export function readPageHeader(reader: ThriftReader): PageHeader {
  const parts = noParts()
  let typeNumber = -1
  let compressedBytes = -1
  let uncompressedBytes = -1
  let partId = 0
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) typeNumber = reader.integer()
    else if (id === 2) uncompressedBytes = reader.integer()
    else if (id === 3) compressedBytes = reader.integer()
    else if (id === 5) readPart(reader, parts)
    else if (id === 7) readDictionaryPart(reader, parts)
    else if (id === 8) readPartV2(reader, parts)
    else reader.skip()
    if (id >= 5 && id <= 8) partId = id
  }
  const type = pageTypes[typeNumber] ?? reader.fail(`a page has the unknown type ${typeNumber}`)
  if (partIds[type] !== partId) reader.fail(`a ${type} page lacks its header`)
  const { levelBytes, valueCount, nullCount, encoding } = parts
  if (compressedBytes < 0 || uncompressedBytes < 0 || valueCount < 0) {
    reader.fail('a page has a negative size, or none')
  }
  if (encoding < 0) reader.fail('a page has no encoding')
  if (nullCount < 0 || nullCount > valueCount) {
    reader.fail(`a page of ${valueCount} values claims ${nullCount} nulls`)
  }
  if (levelBytes < 0 || levelBytes > Math.min(compressedBytes, uncompressedBytes)) {
    reader.fail(`a page of ${compressedBytes} bytes claims ${levelBytes} bytes of levels`)
  }
  // Written out, as below: a spread behind other properties takes four times as long as the rest of the header.
  return {
    type,
    compressedBytes,
    uncompressedBytes,
    valueCount,
    nullCount,
    encoding,
    definitionEncoding: parts.definitionEncoding,
    repetitionEncoding: parts.repetitionEncoding,
    levelBytes,
    repetitionBytes: parts.repetitionBytes,
    isCompressed: parts.isCompressed,
  }
}

/** Numbers that must be there are negative until they are. */
function noParts(): PageParts {
  return {
    valueCount: 0,
    nullCount: 0,
    encoding: 0,
    definitionEncoding: RLE,
    repetitionEncoding: RLE,
    levelBytes: 0,
    repetitionBytes: 0,
    isCompressed: true,
  }
}

/** Begins a part anew: its values and their encoding must be told. */
function begin(parts: PageParts): void {
  parts.valueCount = -1
  parts.nullCount = 0
  parts.encoding = -1
  parts.definitionEncoding = RLE
  parts.repetitionEncoding = RLE
  parts.levelBytes = 0
  parts.repetitionBytes = 0
  parts.isCompressed = true
}

/** `DataPageHeader`. */
function readPart(reader: ThriftReader, parts: PageParts): void {
  reader.struct()
  begin(parts)
  parts.definitionEncoding = -1
  parts.repetitionEncoding = -1
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) parts.valueCount = reader.integer()
    else if (id === 2) parts.encoding = reader.integer()
    else if (id === 3) parts.definitionEncoding = reader.integer()
    else if (id === 4) parts.repetitionEncoding = reader.integer()
    else reader.skip()
  }
}

/** `DictionaryPageHeader`. */
function readDictionaryPart(reader: ThriftReader, parts: PageParts): void {
  reader.struct()
  begin(parts)
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) parts.valueCount = reader.integer()
    else if (id === 2) parts.encoding = reader.integer()
    else reader.skip()
  }
}

/** `DataPageHeaderV2`. */
function readPartV2(reader: ThriftReader, parts: PageParts): void {
  reader.struct()
  begin(parts)
  parts.nullCount = -1
  let definitionBytes = -1
  let repetitionBytes = -1
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) parts.valueCount = reader.integer()
    else if (id === 2) parts.nullCount = reader.integer()
    else if (id === 4) parts.encoding = reader.integer()
    else if (id === 5) definitionBytes = reader.integer()
    else if (id === 6) repetitionBytes = reader.integer()
    else if (id === 7) parts.isCompressed = reader.boolean()
    else reader.skip()
  }
  const negative = definitionBytes < 0 || repetitionBytes < 0
  parts.levelBytes = negative ? -1 : definitionBytes + repetitionBytes
  parts.repetitionBytes = repetitionBytes
}
