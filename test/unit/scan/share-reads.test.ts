import t from 'tap'

import type { ScanPiece } from '../../../service/scan/scan-job.ts'
import { shareReads } from '../../../service/scan/share-reads.ts'
import { indexedTable } from '../../support/indexed-table.ts'
import { longs, sequence, texts, writeParquet } from '../../support/write-parquet.ts'

const ROWS = 2000

/** 1,000 row groups of two rows. */
const tiny = writeParquet(
  [
    ['id', longs(sequence(ROWS))],
    ['text', texts(sequence(ROWS).map((id) => `row ${id}`))],
    ['more', longs(sequence(ROWS))],
  ],
  { rowsPerGroup: 2 },
)

t.test('tiny row groups of a file share one read', async (t) => {
  const table = indexedTable(tiny)
  const { rows, receipt } = await table.scan({})
  t.equal(rows.length, ROWS)
  t.equal(receipt.rowGroups, 1000)
  t.equal(table.data.reads.length, 1)
  t.match(receipt, { fetchRequests: 1, fetchBytes: table.data.bytesAsked(), wastedBytes: 0 })
})

t.test('what lies between is told as wasted', async (t) => {
  const table = indexedTable(tiny)
  const { rows, receipt } = await table.scan({ columns: ['text'] })
  t.strictSame(rows[1999], ['row 1999'])
  const footer = await table.footers.get(table.object, new AbortController().signal)
  const wanted = Array.from({ length: 1000 }, (_, group) => footer.chunk(group, 1))
  const wantedBytes = wanted.reduce((sum, { start, end }) => sum + end - start, 0)
  t.equal(receipt.fetchRequests, 1)
  t.equal(receipt.wastedBytes, table.data.bytesAsked() - wantedBytes)
})

function piece(start: number, end: number): ScanPiece {
  const object = { bucket: 'b', key: 'k', etag: 'e', sizeBytes: 1e9 }
  const plan = {
    source: '',
    rowCount: 1,
    columnNames: [],
    fetches: [{ start, end, at: 4 }],
    wastedBytes: 0,
    bufferBytes: 0,
    tail: new Uint8Array(),
    tailAt: 0,
    decodedBytesEstimate: 0,
  }
  return { object, source: '', rowCount: 1, columns: [], plan }
}

async function* from(pieces: readonly ScanPiece[]) {
  yield* pieces
}

async function sharedOf(pieces: readonly ScanPiece[]) {
  const shared: ScanPiece['shared'][] = []
  for await (const one of shareReads(from(pieces), 1000)) shared.push(one.shared)
  return shared
}

t.test('shared reads stay small, and are there only where they save requests', async (t) => {
  t.strictSame(await sharedOf([piece(0, 600), piece(600, 1200)]), [undefined, undefined])
  t.strictSame(await sharedOf([piece(0, 400), piece(90_000, 90_400)]), [undefined, undefined])
  const first = { start: 0, runs: [{ start: 0, end: 900 }] }
  t.strictSame(await sharedOf([piece(0, 400), piece(500, 900), piece(900, 1300)]), [
    { ...first, wastedBytes: 100 },
    { ...first, wastedBytes: 0 },
    undefined,
  ])
})
