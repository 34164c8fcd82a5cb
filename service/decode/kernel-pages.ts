import { GatewayError } from '../errors.ts'
import type { PhysicalType } from '../footers/footer.ts'
import { type Fail, ThriftReader } from '../footers/thrift-reader.ts'
import { PAGE_HEADER_BYTES_MAX } from './budgets.ts'
import { checkLevelEncodings, checkLevels, type LevelMaxima } from './check-levels.ts'
import type { ChunkPlan } from './chunk-plan.ts'
import { isLeafPlan } from './nested-plan.ts'
import { type PageHeader, readPageHeader } from './page-header.ts'
import { countRows, type PagePlace } from './row-selection.ts'

/** Numbers of parquet.thrift's `Encoding`. */
export const encodings = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaIntegers: 5,
  deltaLengthBytes: 6,
  deltaBytes: 7,
  dictionary: 8,
  splitStreams: 9,
} as const

const dictionaryOrPlain = [encodings.plain, encodings.plainDictionary, encodings.dictionary]

/** What Encodings.md of apache/parquet-format allows for each physical type. */
const encodingsOf: Readonly<Record<PhysicalType, readonly number[]>> = {
  boolean: [encodings.plain, encodings.rle],
  int32: [...dictionaryOrPlain, encodings.deltaIntegers, encodings.splitStreams],
  int64: [...dictionaryOrPlain, encodings.deltaIntegers, encodings.splitStreams],
  int96: dictionaryOrPlain,
  float: [...dictionaryOrPlain, encodings.splitStreams],
  double: [...dictionaryOrPlain, encodings.splitStreams],
  byte_array: [...dictionaryOrPlain, encodings.deltaLengthBytes, encodings.deltaBytes],
  fixed_len_byte_array: [...dictionaryOrPlain, encodings.deltaBytes, encodings.splitStreams],
}

/** Whether the kernels know all encodings of a chunk, by the bits of their numbers; none: the file does not say. */
export function canDecodeAll(physicalType: PhysicalType, encodingBits: number): boolean {
  const known = [...encodingsOf[physicalType], encodings.rle, BIT_PACKED]
  return encodingBits !== 0 && known.reduce((bits, one) => bits & ~(1 << one), encodingBits) === 0
}

/** Named for levels by old writers, which used it for none. */
const BIT_PACKED = 4

/** A page and where it lies, without its header, in the row group's buffer. */
export interface Page extends PageHeader {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** A chunk whose pages are found and hold as many values as the footer says. */
export interface PagedChunk<Chunk extends ChunkPlan = ChunkPlan> {
  readonly chunk: Chunk
  /** A dictionary first, where there is one; then data pages. */
  readonly pages: readonly Page[]
  /** Rows of the pages; of a nested column those of the row group. */
  readonly rowCount: number
  /** Names file, row group and column in errors. */
  readonly column: string
  readonly fail: Fail
}

/**
 * Walks the page headers of a chunk: pages lie inside it, their encodings fit its type, a dictionary comes first,
 * and the values add up to what the footer says, which is the rows of the group where there are no lists; or, where
 * only some pages are there, each is where and holds as many rows as the offset index says. Nothing is decompressed.
 *
 * @throws {GatewayError} `unreadable_file`, `unsupported` (encoding).
 */
export function findPages<Chunk extends ChunkPlan>(
  chunk: Chunk,
  buffer: Uint8Array,
  { source, rowCount }: { readonly source: string; readonly rowCount: number },
): PagedChunk<Chunk> {
  const column = `${source}, column ${JSON.stringify(chunk.name)}`
  const fail: Fail = (what) => {
    throw new GatewayError('unreadable_file', `${column} is damaged: ${what}`)
  }
  const levels = levelsOf(chunk)
  const walk = { chunk, levels, buffer, column, fail }
  const { valueCount } = chunk
  const isListed = levels.maxRepetitionLevel > 0
  if (isListed ? valueCount < rowCount : valueCount !== rowCount) {
    fail(`it holds ${valueCount} values in ${rowCount} rows`)
  }
  const pages = chunk.pages === undefined ? walkPages(walk) : visitPages(walk, chunk.pages)
  const rows =
    chunk.pages === undefined ? rowCount : countRows(chunk.pages.map((page) => page.rows))
  return { chunk, pages, rowCount: rows, column, fail }
}

interface Walk {
  readonly chunk: ChunkPlan
  readonly levels: ChunkLevels
  readonly buffer: Uint8Array
  readonly column: string
  readonly fail: Fail
}

function walkPages(walk: Walk): Page[] {
  const { chunk, fail } = walk
  const pages: Page[] = []
  let valuesLeft = chunk.valueCount
  for (let position = chunk.start; valuesLeft > 0; position = pages.at(-1)?.end ?? position) {
    const page = checkedPageAt(walk, position, chunk.end)
    pages.push(page)
    if (page.type === 'dictionary' && position !== chunk.start) fail('a dictionary follows data')
    if (page.type === 'data' || page.type === 'data_v2') valuesLeft -= page.valueCount
  }
  if (valuesLeft < 0) fail(`its pages hold ${-valuesLeft} more values than the footer says`)
  return pages.filter(({ type }) => type !== 'index')
}

/** The dictionary, when there is room for one, and the pages at their places. */
function visitPages(walk: Walk, places: readonly PagePlace[]): Page[] {
  const { chunk, fail } = walk
  const dictionaries =
    chunk.start === chunk.end ? [] : [checkedPageAt(walk, chunk.start, chunk.end)]
  const isStrange = dictionaries.some(({ type, end }) => type !== 'dictionary' || end !== chunk.end)
  if (isStrange) fail('its offset index leaves out data')
  const pages = places.map(({ start, end, rows }) => {
    const page = asData(checkedPageAt(walk, start, end), chunk)
    const isData = page.type === 'data' || page.type === 'data_v2'
    if (!isData || page.end !== end) fail('a page is not where its offset index says')
    if (page.valueCount !== rows.end - rows.start) {
      fail(
        `a page holds ${page.valueCount} values where its offset index says ${rows.end - rows.start}`,
      )
    }
    return page
  })
  return [...dictionaries, ...pages]
}

/** A dictionary's entries are coded as the rows of a page would be. */
function asData(page: Page, { isDictionary = false }: ChunkPlan): Page {
  if (page.type !== 'dictionary' || !isDictionary) return page
  const encoding = page.encoding === encodings.plainDictionary ? encodings.plain : page.encoding
  return { ...page, type: 'data', encoding }
}

function checkedPageAt(walk: Walk, position: number, end: number): Page {
  const { chunk, levels, buffer, column, fail } = walk
  const page = pageAt(buffer, position, end, fail)
  if (page.type === 'index') return page
  if (!encodingsOf[chunk.physicalType].includes(page.encoding)) {
    throw new GatewayError(
      'unsupported',
      `${column} uses encoding ${page.encoding} for ${chunk.physicalType}, which is not supported`,
    )
  }
  if (page.type === 'dictionary') return page
  if (levels.isNested) {
    checkLevelEncodings(page, levels, column)
    return page
  }
  const bytes = buffer.subarray(page.start, page.end)
  checkLevels(page, bytes, levels, { source: column, fail })
  return page
}

interface ChunkLevels extends LevelMaxima {
  /** The kernels count and check them as they read them: kernel-levels.ts. */
  readonly isNested: boolean
}

function levelsOf(chunk: ChunkPlan): ChunkLevels {
  if (!isLeafPlan(chunk)) {
    return {
      isNested: false,
      maxDefinitionLevel: Number(chunk.isOptional),
      maxRepetitionLevel: 0,
    }
  }
  const { definitionMax, elements } = chunk.levels
  return {
    isNested: true,
    maxDefinitionLevel: definitionMax,
    maxRepetitionLevel: elements.length,
  }
}

function pageAt(buffer: Uint8Array, position: number, chunkEnd: number, fail: Fail): Page {
  const window = Math.min(chunkEnd, position + PAGE_HEADER_BYTES_MAX)
  const reader = new ThriftReader(buffer.subarray(0, window), position, fail)
  const header = readPageHeader(reader)
  const start = reader.position
  const end = start + header.compressedBytes
  if (end > chunkEnd) fail(`a page of ${header.compressedBytes} bytes does not fit its chunk`)
  return { ...header, start, end }
}
