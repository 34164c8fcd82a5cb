import { makeVector } from 'apache-arrow'
import t from 'tap'
import { openDecoder } from '../../../service/decode/open-decoder.ts'
import { FOOTER_GUESS_BYTES, FooterCache } from '../../../service/footers/footer-cache.ts'
import { IndexCache } from '../../../service/footers/index-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { pruneRowGroups } from '../../../service/planning/prune.ts'
import { inDomain } from '../../../service/predicate/predicate.ts'
import { InProcessRunner } from '../../../service/scan/in-process-runner.ts'
import { scanSplit } from '../../../service/scan/scan-split.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import { field, int } from '../../support/columns.ts'
import { countingStore } from '../../support/counting-store.ts'
import { writeParquet } from '../../support/write-parquet.ts'

// A footer of 12 MB: 1,000 row groups of 100 columns. Requests and bytes are counted, never time.

const GROUPS = 1_000
const COLUMNS = 100
const WANTED = 617
const MEGABYTE = 1_000_000
const TRAILER_BYTES = 8
const quiet = new AbortController().signal

const numbers = Int32Array.from({ length: GROUPS }, (_, row) => row)
const columns = Array.from(
  { length: COLUMNS },
  (_, index) => [`column_number_${index}`, makeVector(numbers.slice())] as const,
)
const bytes = writeParquet(columns, { rowsPerGroup: 1 })
const memory = memoryStore()
const object = memory.put('lake', 't/large.parquet', bytes)
const fields = ['column_number_3', 'column_number_40', 'column_number_99'].map((name) =>
  field(name, int(32)),
)
const bound = { value: BigInt(WANTED), inclusive: true }
const predicate = inDomain('column_number_40', int(32), {
  nullAllowed: false,
  ranges: [{ low: bound, high: bound }],
})

t.test('one group and three columns: two reads for the footer, one for the data', async (t) => {
  const store = countingStore(memory)
  const footers = new FooterCache({ store, bytesMax: 1 << 28, concurrency: 4 })
  const indexes = new IndexCache({ store, bytesMax: 1 << 20 })
  const decoder = await openDecoder('auto')
  const runner = new InProcessRunner({ store, decoder, nowMs: () => 0 })
  const ask = async () => {
    store.reset()
    const footer = await footers.get(object, quiet)
    const { kept } = pruneRowGroups(predicate, footer, [])
    t.strictSame(
      kept.map(({ groupIndex }) => groupIndex),
      [WANTED],
    )
    const ofFooter = store.reads.map(({ range }) => range)
    const split = {
      table: { schema: 'lake', table: 't' },
      bucket: 'lake',
      prefix: 't/',
      files: [{ ...object, rowGroups: { start: WANTED, end: WANTED + 1 } }],
      partitionColumns: [],
      expiresMs: 0,
    }
    const frames = { bodyBytesTarget: 1 << 20, bodyBytesMax: 1 << 21, rowsMax: 100 }
    const request = { split, frames, predicate, columns: fields.map(fromFile) }
    const scan = scanSplit(request, { footers, indexes, runner }, quiet)
    t.strictSame(await rowsOfFrames(fields, scan.frames), [[WANTED, WANTED, WANTED]])
    return { ofFooter, footer, reads: store.reads.length, bytes: store.bytesAsked() }
  }

  const cold = await ask()
  const footerBytes = cold.footer.bytes.length + TRAILER_BYTES
  t.ok(footerBytes > 11 * MEGABYTE, `the footer has ${footerBytes} bytes`)
  const end = bytes.length
  t.strictSame(cold.ofFooter, [
    { start: end - FOOTER_GUESS_BYTES, end },
    { start: end - footerBytes, end: end - FOOTER_GUESS_BYTES },
  ])
  t.equal(cold.reads, 3)
  t.ok(cold.bytes <= 12 * MEGABYTE, `${cold.bytes} bytes`)
  t.ok(cold.bytes - footerBytes < 16 * 1024, 'hardly more than the footer')
  const warm = await ask()
  t.equal(warm.reads, 1)
  t.equal(warm.bytes, cold.bytes - footerBytes)
})

function fromFile(one: (typeof fields)[number]) {
  return { field: one, from: { kind: 'file' as const } }
}
