import t from 'tap'
import { noChunks } from '../../../service/decode/engine-counts.ts'
import { MetricsRegistry } from '../../../service/metrics/registry.ts'
import { countChunks } from '../../../service/metrics/count-chunks.ts'
import { EngineTally } from '../../../service/scan/engine-tally.ts'
import { emptyReceipt } from '../../../service/scan/scan-receipt.ts'

const counts = { kernels: 1, nested: 2, codec: 4, type: 8, encoding: 16, forced: 32 }

t.test(
  'chunks are counted in the receipt of the scan that decodes, and then as metrics',
  async (t) => {
    const tally = new EngineTally()
    tally.add(counts)
    const receipt = emptyReceipt()
    tally.receipt = receipt
    tally.add(noChunks)
    t.strictSame(receipt, emptyReceipt())
    tally.add(counts)
    tally.add(counts)
    tally.receipt = undefined
    tally.add(counts)
    t.match(receipt, {
      chunksByKernels: 2,
      chunksNested: 4,
      chunksOfCodec: 8,
      chunksOfType: 16,
      chunksOfEncoding: 32,
      chunksForced: 64,
    })
    const registry = new MetricsRegistry('1')
    countChunks(registry, receipt)
    const { text } = await registry.exposition()
    const lines = [...text.matchAll(/^spillway_scan_column_chunks_total\{(.*)\} (\d+)$/gm)]
    t.strictSame(
      lines.map(([, labels, value]) => `${labels} ${value}`),
      [
        'engine="kernels",reason="none" 2',
        'engine="parquet-wasm",reason="nested" 4',
        'engine="parquet-wasm",reason="codec" 8',
        'engine="parquet-wasm",reason="type" 16',
        'engine="parquet-wasm",reason="encoding" 32',
        'engine="parquet-wasm",reason="forced" 64',
      ],
    )
  },
)
