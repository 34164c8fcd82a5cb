import type { EngineCounts } from '../decode/engine-counts.ts'
import type { ScanReceipt } from './scan-receipt.ts'

/** Where each count of the decoder stands in a receipt. */
const places = {
  kernels: 'chunksByKernels',
  nested: 'chunksNested',
  codec: 'chunksOfCodec',
  type: 'chunksOfType',
  encoding: 'chunksOfEncoding',
  forced: 'chunksForced',
} as const satisfies Record<keyof EngineCounts, keyof ScanReceipt>

/** Adds what a decoder tells of its engines to the receipt of the scan that it decodes for. */
export class EngineTally {
  /** Undefined while nothing is decoded. */
  receipt: ScanReceipt | undefined

  readonly add = (counts: EngineCounts): void => {
    if (this.receipt === undefined) return
    for (const [name, place] of Object.entries(places)) {
      this.receipt[place] += counts[name as keyof EngineCounts]
    }
  }
}
