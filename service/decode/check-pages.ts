import { GatewayError } from '../errors.ts'
import type { ColumnChunk, Footer, Leaf } from '../footers/footer.ts'
import { type Fail, ThriftReader } from '../footers/thrift-reader.ts'
import { PAGE_HEADER_BYTES_MAX, ROW_GROUP_PAGE_BYTES_MAX } from './budgets.ts'
import { checkLevels } from './check-levels.ts'
import { claimedBytes } from './claimed-bytes.ts'
import { type PageHeader, readPageHeader } from './page-header.ts'

/** Numbers of parquet.thrift's `Encoding` that parquet-rs decodes values with: all but BIT_PACKED. */
const encodings = new Set([0, 2, 3, 5, 6, 7, 8, 9])

/**
 * Walks the page headers of every chunk of a mini file before anything is decompressed: pages lie inside their
 * chunk, hold as many values as the footer says, claim no more memory than the budget, levels are coded and counted
 * as their header says, and compressed data that tells its own size tells the same.
 *
 * @returns for each leaf the encodings (numbers of parquet.thrift's `Encoding`) of its data pages.
 * @throws {GatewayError} `unreadable_file`, `unsupported` (codec, encoding), `too_large` (ROW_GROUP_PAGE_BYTES_MAX).
 */
export function checkPages(
  footer: Footer,
  buffer: Uint8Array,
  source: string,
): readonly ReadonlySet<number>[] {
  let pageBytes = 0
  return footer.leaves.map((leaf, index) => {
    const pages = checkChunkPages(
      { leaf, chunk: footer.chunk(0, index) },
      buffer,
      `${source}, column ${nameOf(leaf)}`,
    )
    pageBytes += pages.pageBytes
    if (pageBytes > ROW_GROUP_PAGE_BYTES_MAX) {
      throw new GatewayError(
        'too_large',
        `${source} decompresses to more than ${ROW_GROUP_PAGE_BYTES_MAX} bytes: read fewer columns or write smaller row groups`,
      )
    }
    return pages.encodings
  })
}

interface ChunkPages {
  /** Decompressed bytes of the pages, as they say. */
  readonly pageBytes: number
  readonly encodings: ReadonlySet<number>
}

function nameOf(leaf: Leaf): string {
  return JSON.stringify(leaf.path.join('.'))
}

interface LeafChunk {
  readonly leaf: Leaf
  readonly chunk: ColumnChunk
}

function checkChunkPages(
  { leaf, chunk }: LeafChunk,
  buffer: Uint8Array,
  source: string,
): ChunkPages {
  const fail: Fail = (what) => {
    throw new GatewayError('unreadable_file', `${source} is damaged: ${what}`)
  }
  if (chunk.codec === 'lzo') {
    throw new GatewayError(
      'unsupported',
      `${source} is compressed with lzo, which is not supported`,
    )
  }
  const dataEncodings = new Set<number>()
  let pageBytes = 0
  let valuesLeft = chunk.valueCount
  for (let position = chunk.start; valuesLeft > 0;) {
    const window = Math.min(chunk.end, position + PAGE_HEADER_BYTES_MAX)
    const reader = new ThriftReader(buffer.subarray(0, window), position, fail)
    const page = readPageHeader(reader)
    const end = reader.position + page.compressedBytes
    if (end > chunk.end) fail(`a page of ${page.compressedBytes} bytes does not fit its chunk`)
    if (page.type === 'dictionary' && position !== chunk.start) fail('a dictionary follows data')
    checkPage(page, buffer.subarray(reader.position, end), { leaf, chunk, source, fail })
    pageBytes += page.uncompressedBytes
    if (page.type === 'data' || page.type === 'data_v2') {
      valuesLeft -= page.valueCount
      dataEncodings.add(page.encoding)
    }
    position = end
  }
  if (valuesLeft < 0) fail(`its pages hold ${-valuesLeft} more values than the footer says`)
  return { pageBytes, encodings: dataEncodings }
}

interface PageContext extends LeafChunk {
  readonly source: string
  readonly fail: Fail
}

function checkPage(
  page: PageHeader,
  bytes: Uint8Array,
  { leaf, chunk, source, fail }: PageContext,
): void {
  if (page.type === 'index') return
  checkLevels(page, bytes, leaf, { source, fail })
  if (!encodings.has(page.encoding)) {
    throw new GatewayError(
      'unsupported',
      `${source} uses encoding ${page.encoding}, which is not supported`,
    )
  }
  const claimed = page.uncompressedBytes - page.levelBytes
  const stored = bytes.subarray(page.levelBytes)
  const codec = page.isCompressed ? chunk.codec : 'uncompressed'
  const told = claimedBytes(codec, stored)
  if (told !== undefined && told > claimed) {
    fail(`a page claims ${claimed} bytes, its ${codec} data ${told}`)
  }
}
