import { GatewayError } from '../errors.ts'
import type { PhysicalType } from '../footers/footer.ts'
import { type Fail, ThriftReader } from '../footers/thrift-reader.ts'
import { PAGE_HEADER_BYTES_MAX } from './budgets.ts'
import { checkLevels, type LevelMaxima } from './check-levels.ts'
import type { ChunkPlan } from './chunk-plan.ts'
import { type PageHeader, readPageHeader } from './page-header.ts'

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

/** A page and where it lies, without its header, in the row group's buffer. */
export interface Page extends PageHeader {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** A chunk whose pages are found and hold as many values as there are rows. */
export interface PagedChunk {
  readonly chunk: ChunkPlan
  /** A dictionary first, where there is one; then data pages. */
  readonly pages: readonly Page[]
  /** Names file, row group and column in errors. */
  readonly column: string
  readonly fail: Fail
}

/**
 * Walks the page headers of a chunk: pages lie inside it, their encodings fit its type, a dictionary comes first,
 * and the values add up to the rows of the group. Nothing is decompressed.
 *
 * @throws {GatewayError} `unreadable_file`, `unsupported` (encoding).
 */
export function findPages(
  chunk: ChunkPlan,
  buffer: Uint8Array,
  { source, rowCount }: { readonly source: string; readonly rowCount: number },
): PagedChunk {
  const column = `${source}, column ${JSON.stringify(chunk.name)}`
  const fail: Fail = (what) => {
    throw new GatewayError('unreadable_file', `${column} is damaged: ${what}`)
  }
  const pages: Page[] = []
  let valuesLeft = rowCount
  if (chunk.valueCount !== rowCount) fail(`it holds ${chunk.valueCount} values in ${rowCount} rows`)
  for (let position = chunk.start; valuesLeft > 0; position = pages.at(-1)?.end ?? position) {
    const page = pageAt(chunk, buffer, position, fail)
    pages.push(page)
    if (page.type === 'dictionary' && position !== chunk.start) fail('a dictionary follows data')
    if (page.type === 'index') continue
    if (!encodingsOf[chunk.physicalType].includes(page.encoding)) {
      throw new GatewayError(
        'unsupported',
        `${column} uses encoding ${page.encoding} for ${chunk.physicalType}, which is not supported`,
      )
    }
    if (page.type === 'dictionary') continue
    const bytes = buffer.subarray(page.start, page.end)
    checkLevels(page, bytes, levelsOf(chunk), { source: column, fail })
    valuesLeft -= page.valueCount
  }
  if (valuesLeft < 0) fail(`its pages hold ${-valuesLeft} more values than the footer says`)
  return { chunk, pages: pages.filter(({ type }) => type !== 'index'), column, fail }
}

function levelsOf({ isOptional }: ChunkPlan): LevelMaxima {
  return { maxDefinitionLevel: Number(isOptional), maxRepetitionLevel: 0 }
}

function pageAt(chunk: ChunkPlan, buffer: Uint8Array, position: number, fail: Fail): Page {
  const window = Math.min(chunk.end, position + PAGE_HEADER_BYTES_MAX)
  const reader = new ThriftReader(buffer.subarray(0, window), position, fail)
  const header = readPageHeader(reader)
  const start = reader.position
  const end = start + header.compressedBytes
  if (end > chunk.end) fail(`a page of ${header.compressedBytes} bytes does not fit its chunk`)
  return { ...header, start, end }
}
