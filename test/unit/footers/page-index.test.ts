import t from 'tap'

import { ThriftWriter } from '../../../service/decode/thrift-writer.ts'
import { readPageHeader } from '../../../service/decode/page-header.ts'
import { readColumnIndex, readOffsetIndex } from '../../../service/footers/page-index.ts'
import { type Fail, ThriftReader } from '../../../service/footers/thrift-reader.ts'
import { pagedFile, pagedNames } from '../../support/paged-files.ts'

const fail: Fail = (what) => {
  throw new Error(what)
}

const readerOf = (bytes: Uint8Array) => new ThriftReader(bytes, 0, fail)

t.test('the pages of an offset index are those whose headers stand there', async (t) => {
  for (const name of pagedNames) {
    const { bytes, footer } = pagedFile(name)
    for (const leafIndex of footer.leaves.keys()) {
      const chunk = footer.chunk(1, leafIndex)
      const { rowCount } = footer.rowGroup(1)
      const part = bytes.subarray(chunk.offsetIndexOffset).subarray(0, chunk.offsetIndexBytes)
      const pages = readOffsetIndex(readerOf(part), chunk, rowCount) ?? []
      t.ok(pages.length > 1)
      for (const page of pages) {
        const header = new ThriftReader(bytes, page.start, fail)
        const { type, compressedBytes, valueCount } = readPageHeader(header)
        t.ok(type === 'data' || type === 'data_v2')
        t.equal(header.position + compressedBytes, page.end)
        if (footer.leaves[leafIndex]?.maxRepetitionLevel === 0)
          t.equal(valueCount, page.endRow - page.firstRow)
      }
      const index = bytes.subarray(chunk.columnIndexOffset).subarray(0, chunk.columnIndexBytes)
      t.equal(readColumnIndex(readerOf(index), pages.length)?.length, pages.length)
      t.equal(readColumnIndex(readerOf(index), pages.length + 1), undefined)
    }
  }
})

t.test('bounds and nulls are those of the page', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const chunk = footer.chunk(0, 3)
  const index = bytes.subarray(chunk.columnIndexOffset).subarray(0, chunk.columnIndexBytes)
  const bounds = readColumnIndex(readerOf(index), 12) ?? []
  t.equal(bounds[0]?.isNull, true)
  t.equal(bounds[0]?.nullCount, 250)
  t.equal(Buffer.from(bounds.at(-1)?.min ?? []).toString(), 'black')
  t.equal(Buffer.from(bounds.at(-1)?.max ?? []).toString(), 'red')
  t.equal(bounds.at(-1)?.nullCount, 0)
})

/** Offset, bytes, first row. */
type Location = readonly [number, number, number]

function offsetIndex(locations: readonly Location[]): Uint8Array {
  const writer = new ThriftWriter()
  writer.structs(1, locations.length)
  for (const location of locations) {
    writer.element(() => location.forEach((number, at) => writer.integer(at + 1, number)))
  }
  writer.stop()
  return writer.finish(0)
}

t.test('an offset index that contradicts its chunk is none', async (t) => {
  const chunk = { start: 4, dataPageOffset: 10, end: 40 }
  const read = (...locations: Location[]) =>
    readOffsetIndex(readerOf(offsetIndex(locations)), chunk, 20)
  t.strictSame(read([10, 10, 0], [20, 20, 5]), [
    { start: 10, end: 20, firstRow: 0, endRow: 5 },
    { start: 20, end: 40, firstRow: 5, endRow: 20 },
  ])
  t.ok(read([12, 8, 0], [20, 20, 5]), 'a dictionary may stand where the data should begin')
  const contradictions: Record<string, Location[]> = {
    'no pages': [],
    'before the data': [
      [9, 11, 0],
      [20, 20, 5],
    ],
    'a gap': [
      [10, 9, 0],
      [20, 20, 5],
    ],
    'an overlap': [
      [10, 11, 0],
      [20, 20, 5],
    ],
    'past the end': [
      [10, 10, 0],
      [20, 21, 5],
    ],
    'short of the end': [
      [10, 10, 0],
      [20, 19, 5],
    ],
    'rows that do not begin at 0': [
      [10, 10, 1],
      [20, 20, 5],
    ],
    'a page without rows': [
      [10, 10, 0],
      [20, 20, 0],
    ],
    'rows past the last': [
      [10, 10, 0],
      [20, 20, 20],
    ],
    'pages without bytes': [
      [10, 0, 0],
      [10, 30, 5],
    ],
    'negative numbers': [
      [10, -10, 0],
      [0, 40, 5],
    ],
  }
  for (const [what, locations] of Object.entries(contradictions))
    t.equal(read(...locations), undefined, what)
})

t.test('bytes that are no index end with an error, none is read past its end', async (t) => {
  const { bytes, footer } = pagedFile('paged')
  const chunk = footer.chunk(0, 0)
  const whole = bytes.subarray(chunk.columnIndexOffset).subarray(0, chunk.columnIndexBytes)
  for (let length = 0; length < whole.length; length++) {
    const read = () => readColumnIndex(readerOf(whole.subarray(0, length)), 12)
    t.throws(read, `${length} bytes`)
  }
})
